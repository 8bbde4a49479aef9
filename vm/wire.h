// SPDX-License-Identifier: GPL-2.0
// The frames that the guest's init and the host's runner exchange over the second serial port.
//
// One port carries everything, so that the order of stdout and stderr is kept and parallel guests
// need nothing but a pipe each. A frame is
//
//   magic (2) type (1) zero (1) length (2) sequence (4) crc32 (4) payload (length)
//
// in little endian. The sequence number counts frames of one direction; the checksum covers the
// header before it and the payload. A frame that is damaged, missing or repeated makes the decoder
// stop for good: a verdict must never rest on a guess at what the guest meant.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace raceless::wire {

enum class Type : std::uint8_t {
  // guest to host
  Start = 1,  // fields; init is up and is about to run the command
  Out = 2,    // bytes of the command's stdout
  Err = 3,    // bytes of the command's stderr
  End = 4,    // fields; the command's end, and what init found afterwards
  // host to guest
  In = 16,      // bytes for the command's stdin
  InEnd = 17,   // end of file on the command's stdin
  Signal = 18,  // fields: number; sent on to the command's process group
  Resize = 19,  // fields: rows, columns; of the terminal
  Dump = 20,    // no payload; the kernel shall log what its CPUs and blocked tasks are doing
};

inline constexpr std::size_t header_bytes = 14;
inline constexpr std::size_t max_payload_bytes = 4096;

struct Frame {
  Type type;
  std::string payload;
};

class Encoder {
 public:
  // The payload must not be longer than max_payload_bytes.
  [[nodiscard]] std::string encode(Type type, std::string_view payload);

 private:
  std::uint32_t sequence_ = 0;
};

class Decoder {
 public:
  void feed(std::string_view bytes);
  // The next whole frame, or nothing when more bytes are needed or the stream is damaged.
  [[nodiscard]] std::optional<Frame> next();
  // Empty while the stream is sound, else what is wrong with it.
  [[nodiscard]] const std::string& damage() const { return damage_; }
  // Bytes of a frame that has begun and not ended.
  [[nodiscard]] std::size_t pending_bytes() const { return buffer_.size(); }

 private:
  std::string buffer_;
  std::uint32_t sequence_ = 0;
  std::string damage_;
};

// "key=value\n" lines: the payload of Start, End, Signal and Resize.
using Fields = std::map<std::string, std::string, std::less<>>;
[[nodiscard]] std::string encode_fields(const Fields& fields);
[[nodiscard]] Fields decode_fields(std::string_view text);
// The number under that key; nothing when it is absent or not a whole decimal number.
[[nodiscard]] std::optional<std::int64_t> number(const Fields& fields, std::string_view key);

// What init gives isa-debug-exit for an exit status of the command. QEMU exits with 2 * code + 1;
// its own failures exit with 1 and a reset or power-off with 0, so codes begin well above both.
inline constexpr int debug_exit_port = 0xf4;
[[nodiscard]] constexpr int debug_exit_code(int status) {
  return 0x10 + (status < 0x6f ? status : 0x6f);
}
[[nodiscard]] constexpr int qemu_exit_status(int status) { return 2 * debug_exit_code(status) + 1; }

// Where init writes the results byte by byte when the machine is recorded and has no disk.
inline constexpr int results_port = 0xe9;

// The last line that init writes to the kernel log. Its presence in the console log proves that
// the log is whole.
inline constexpr std::string_view end_marker = "raceless-init: end of case";
// What it writes there when it has obeyed a Dump.
inline constexpr std::string_view dump_marker = "raceless-init: end of dump";

}  // namespace raceless::wire
