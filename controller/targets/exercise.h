// SPDX-License-Identifier: GPL-2.0
// What a consumer does with a provider once it has it, and how it knows that the answer is right.
#ifndef RACELESS_CONTROLLER_TARGETS_EXERCISE_H
#define RACELESS_CONTROLLER_TARGETS_EXERCISE_H

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "device.h"
#include "result.h"

namespace raceless {

// One call of the provider: by reference or by name is the consumer's business.
using ProviderCall = std::function<Result<Called>(uint32_t op, std::span<const std::byte> in,
                                                  std::span<std::byte> out)>;

// Shared by all consumers; at the most it counts.
class Exercise {
 public:
  Exercise() = default;
  virtual ~Exercise() = default;
  Exercise(const Exercise&) = delete;
  Exercise& operator=(const Exercise&) = delete;

  // A failed call is the call's error; a wrong answer is EBADMSG.
  [[nodiscard]] virtual Status run(const ProviderCall& call, uint64_t choice) const = 0;
};

// null: the provider checks its canary.
class CanaryExercise : public Exercise {
 public:
  [[nodiscard]] Status run(const ProviderCall& call, uint64_t choice) const override;
};

// null, of which there are two versions: the provider checks its canary and says which one it is.
class VersionExercise : public Exercise {
 public:
  static constexpr uint32_t kVersions = 2;

  [[nodiscard]] Status run(const ProviderCall& call, uint64_t choice) const override;
  [[nodiscard]] uint64_t served(uint32_t version) const { return served_[version - 1]; }

 private:
  mutable std::array<std::atomic<uint64_t>, kVersions> served_{};
};

// codec: compresses a part of a real file, decompresses it, and compares byte for byte.
class RoundTripExercise : public Exercise {
 public:
  // Reads the files once; those that are not there are left out.
  [[nodiscard]] static Result<std::unique_ptr<Exercise>> create(
      const std::vector<std::string>& files);
  [[nodiscard]] Status run(const ProviderCall& call, uint64_t choice) const override;

 private:
  std::vector<std::byte> corpus_;
};

}  // namespace raceless

#endif
