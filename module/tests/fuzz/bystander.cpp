// SPDX-License-Identifier: GPL-2.0
#include "bystander.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <span>

#include "../registry.h"
#include "clock.h"
#include "device.h"

namespace raceless::fuzz {

namespace {

constexpr char kProbe[] = "probe0";
constexpr char kCodec[] = "codec";

}  // namespace

Bystander::Bystander(bool uses_codec) : uses_codec_(uses_codec), thread_([this] { run(); }) {}

Bystander::~Bystander() { stop(); }

void Bystander::stop() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

std::string Bystander::use_probe() const {
  Result<Device> device = Device::open();
  if (!device) return device.error().message();
  const GetResult<Got> got = device->get(kProbe, kLong);
  if (!got) return got.error().error.message();
  if (got->grant.waited_ns) return "a get of what is there has waited";
  // it has no calls
  const Result<Called> called = device->call(got->ref, 0, {}, {});
  if (code(called) != EOPNOTSUPP) return "a call ended with " + std::to_string(code(called));
  const GetResult<Called> named = device->call_by_name(kProbe, kLong, 0, {}, {});
  if (code(named) != EOPNOTSUPP) return "a call by name ended with " + std::to_string(code(named));
  const Status put = device->put(got->ref);
  return put ? "" : put.error().message();
}

std::string Bystander::use_codec() const {
  Result<Device> device = Device::open();
  if (!device) return device.error().message();
  std::array<std::byte, 500> text{}, packed{}, unpacked{};
  for (size_t i = 0; i < text.size(); i++) text[i] = static_cast<std::byte>(i / 7);
  const GetResult<Called> compressed =
      device->call_by_name(kCodec, kLong, RACELESS_CODEC_OP_COMPRESS, text, packed);
  if (!compressed) return compressed.error().error.message();
  const GetResult<Called> back =
      device->call_by_name(kCodec, kLong, RACELESS_CODEC_OP_DECOMPRESS,
                           std::span(packed).first(compressed->out_bytes), unpacked);
  if (!back) return back.error().error.message();
  return back->out_bytes == text.size() && unpacked == text ? "" : "the codec changed the text";
}

void Bystander::run() {
  while (!stop_ && failure_.empty()) {
    const uint64_t begun_ns = now_ns();
    failure_ = use_probe();
    if (failure_.empty() && uses_codec_) failure_ = use_codec();
    longest_ns_ = std::max(longest_ns_.load(), now_ns() - begun_ns);
    rounds_++;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace raceless::fuzz
