// SPDX-License-Identifier: GPL-2.0
#include "targets/exercise.h"

#include <fmt/format.h>

#include <algorithm>

#include "plan.h"
#include "text_file.h"
#include "uapi/raceless.h"

namespace raceless {

namespace {

constexpr size_t kMaxBlock = 16384;
constexpr size_t kMaxFileBytes = 4 << 20;

}  // namespace

Status CanaryExercise::run(const ProviderCall& call, uint64_t /*choice*/) const {
  const Result<Called> called = call(RACELESS_NULL_OP_CHECK, {}, {});
  if (!called) return tl::unexpected(called.error());
  return {};
}

Status VersionExercise::run(const ProviderCall& call, uint64_t /*choice*/) const {
  uint32_t version = 0;
  const Result<Called> called =
      call(RACELESS_NULL_OP_VERSION, {}, std::as_writable_bytes(std::span(&version, 1)));
  if (!called) return tl::unexpected(called.error());
  if (called->out_bytes != sizeof(version) || version == 0 || version > kVersions)
    return fail(EBADMSG, fmt::format("the provider says that it is version {}", version));
  served_[version - 1]++;
  return {};
}

Result<std::unique_ptr<Exercise>> RoundTripExercise::create(const std::vector<std::string>& files) {
  auto exercise = std::make_unique<RoundTripExercise>();
  for (const std::string& file : files) {
    const Result<std::string> text = read_text(file);
    if (!text) continue;
    const auto* bytes = reinterpret_cast<const std::byte*>(text->data());
    exercise->corpus_.insert(exercise->corpus_.end(), bytes,
                             bytes + std::min(text->size(), kMaxFileBytes));
  }
  if (exercise->corpus_.empty())
    return fail(ENOENT,
                "there is no file to compress: " + fmt::format("{}", fmt::join(files, ", ")));
  return exercise;
}

Status RoundTripExercise::run(const ProviderCall& call, uint64_t choice) const {
  Random random(choice);
  const size_t bytes = random.between(1, std::min(kMaxBlock, corpus_.size()));
  const size_t offset = random.between(0, corpus_.size() - bytes);
  const std::span<const std::byte> block(corpus_.data() + offset, bytes);

  // What does not compress becomes longer; no codec adds more than this.
  std::vector<std::byte> compressed(2 * bytes + 1024);
  const Result<Called> packed = call(RACELESS_CODEC_OP_COMPRESS, block, compressed);
  if (!packed) return tl::unexpected(packed.error());
  compressed.resize(packed->out_bytes);

  std::vector<std::byte> restored(bytes);
  const Result<Called> unpacked = call(RACELESS_CODEC_OP_DECOMPRESS, compressed, restored);
  if (!unpacked) return tl::unexpected(unpacked.error());
  if (unpacked->out_bytes != bytes || !std::ranges::equal(restored, block))
    return fail(EBADMSG, fmt::format("{} bytes at {} came back different after {} bytes of "
                                     "compressed data ({} bytes)",
                                     bytes, offset, packed->out_bytes, unpacked->out_bytes));
  return {};
}

}  // namespace raceless
