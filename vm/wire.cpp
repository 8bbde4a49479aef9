// SPDX-License-Identifier: GPL-2.0
#include "wire.h"

#include <zlib.h>

#include <charconv>

namespace raceless::wire {
namespace {

constexpr char magic[2] = {'\xa5', 'R'};
constexpr std::size_t crc_offset = 10;

void put(std::string& to, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to.push_back(static_cast<char>(value >> (8 * i)));
}

std::uint32_t get(std::string_view from, std::size_t offset, int bytes) {
  std::uint32_t value = 0;
  for (int i = 0; i < bytes; ++i)
    value |= static_cast<std::uint32_t>(static_cast<unsigned char>(from[offset + i])) << (8 * i);
  return value;
}

std::uint32_t checksum(std::string_view header, std::string_view payload) {
  auto bytes = [](std::string_view s) { return reinterpret_cast<const Bytef*>(s.data()); };
  uLong crc = crc32(0, bytes(header), crc_offset);
  if (!payload.empty()) crc = crc32(crc, bytes(payload), static_cast<uInt>(payload.size()));
  return static_cast<std::uint32_t>(crc);
}

}  // namespace

std::string Encoder::encode(Type type, std::string_view payload) {
  std::string frame(magic, sizeof magic);
  put(frame, static_cast<std::uint32_t>(type), 1);
  put(frame, 0, 1);
  put(frame, static_cast<std::uint32_t>(payload.size()), 2);
  put(frame, sequence_++, 4);
  put(frame, checksum(frame, payload), 4);
  frame.append(payload);
  return frame;
}

void Decoder::feed(std::string_view bytes) {
  if (damage_.empty()) buffer_.append(bytes);
}

std::optional<Frame> Decoder::next() {
  if (!damage_.empty() || buffer_.size() < header_bytes) return std::nullopt;
  std::string_view all = buffer_;
  if (all[0] != magic[0] || all[1] != magic[1]) {
    damage_ = "bytes that belong to no frame, after frame " + std::to_string(sequence_);
    return std::nullopt;
  }
  std::size_t length = get(all, 4, 2);
  if (length > max_payload_bytes) {
    damage_ = "a frame of " + std::to_string(length) + " bytes, longer than any may be";
    return std::nullopt;
  }
  if (all.size() < header_bytes + length) return std::nullopt;
  std::string_view payload = all.substr(header_bytes, length);
  if (get(all, crc_offset, 4) != checksum(all.substr(0, header_bytes), payload)) {
    damage_ = "frame " + std::to_string(sequence_) + " has a wrong checksum";
    return std::nullopt;
  }
  std::uint32_t sequence = get(all, 6, 4);
  if (sequence != sequence_) {
    damage_ = "frame " + std::to_string(sequence) + " where frame " + std::to_string(sequence_) +
              " was due";
    return std::nullopt;
  }
  ++sequence_;
  Frame frame{static_cast<Type>(all[2]), std::string(payload)};
  buffer_.erase(0, header_bytes + length);
  return frame;
}

std::string encode_fields(const Fields& fields) {
  std::string text;
  for (const auto& [key, value] : fields) text.append(key).append("=").append(value).append("\n");
  return text;
}

Fields decode_fields(std::string_view text) {
  Fields fields;
  while (!text.empty()) {
    std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    std::size_t equals = line.find('=');
    if (equals != std::string_view::npos)
      fields.emplace(line.substr(0, equals), line.substr(equals + 1));
  }
  return fields;
}

std::optional<std::int64_t> number(const Fields& fields, std::string_view key) {
  auto found = fields.find(key);
  if (found == fields.end()) return std::nullopt;
  const std::string& text = found->second;
  std::int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace raceless::wire
