// SPDX-License-Identifier: GPL-2.0
// The two archive formats of the harness: newc cpio into the guest, tar out of it.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "../../controller/result.h"

struct archive;

namespace raceless::vm {

// An uncompressed newc archive, as the kernel unpacks it. Parents must be added before children.
// Every owner is root and every time is zero: equal contents are equal bytes.
class CpioWriter {
 public:
  [[nodiscard]] static Result<CpioWriter> create(const std::filesystem::path& path);

  [[nodiscard]] Status folder(const std::string& path, mode_t mode);
  [[nodiscard]] Status text(const std::string& path, std::string_view text, mode_t mode);
  [[nodiscard]] Status file(const std::string& path, const std::filesystem::path& source,
                            mode_t mode);
  [[nodiscard]] Status link(const std::string& path, const std::string& target);
  [[nodiscard]] Status character_device(const std::string& path, unsigned major, unsigned minor,
                                        mode_t mode);
  // Writes the trailer. Without it the archive is not complete.
  [[nodiscard]] Status close();

 private:
  struct Free {
    void operator()(archive* a) const;
  };
  [[nodiscard]] Status header(const std::string& path, mode_t mode, std::size_t bytes,
                              const std::string& target, dev_t device);
  [[nodiscard]] tl::unexpected<Error> failure(const std::string& what) const;

  std::unique_ptr<archive, Free> archive_;
  std::filesystem::path path_;
};

// Unpacks the tar at the beginning of a disk image: files and folders, no links or devices. Names
// that would leave the folder, or replace a file in it, are an error.
[[nodiscard]] Status extract_tar(const std::filesystem::path& image,
                                 const std::filesystem::path& folder);

}  // namespace raceless::vm
