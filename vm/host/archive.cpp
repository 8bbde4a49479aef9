// SPDX-License-Identifier: GPL-2.0
#include "archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "process.h"

namespace raceless::vm {
namespace {

struct EntryFree {
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};
struct ReadFree {
  void operator()(archive* a) const { archive_read_free(a); }
};

bool is_taken(const std::filesystem::path& path) {
  return std::filesystem::exists(path) && !std::filesystem::is_directory(path);
}

std::string describe(archive* a) {
  const char* text = archive_error_string(a);
  return text ? text : "unknown error";
}

}  // namespace

void CpioWriter::Free::operator()(archive* a) const { archive_write_free(a); }

tl::unexpected<Error> CpioWriter::failure(const std::string& what) const {
  return fail(archive_errno(archive_.get()),
              "cannot write " + what + " to " + path_.string() + ": " + describe(archive_.get()));
}

Result<CpioWriter> CpioWriter::create(const std::filesystem::path& path) {
  CpioWriter writer;
  writer.path_ = path;
  writer.archive_.reset(archive_write_new());
  archive* a = writer.archive_.get();
  archive_write_set_format_cpio_newc(a);
  archive_write_set_bytes_in_last_block(a, 4);  // the kernel wants the next archive aligned to 4
  if (archive_write_open_filename(a, path.c_str()) != ARCHIVE_OK)
    return writer.failure("the archive");
  return writer;
}

Status CpioWriter::header(const std::string& path, mode_t mode, std::size_t bytes,
                          const std::string& target, dev_t device) {
  std::unique_ptr<archive_entry, EntryFree> entry(archive_entry_new());
  archive_entry_set_pathname(entry.get(), path.c_str() + (path.front() == '/' ? 1 : 0));
  archive_entry_set_mode(entry.get(), mode);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(bytes));
  archive_entry_set_nlink(entry.get(), S_ISDIR(mode) ? 2 : 1);
  archive_entry_set_mtime(entry.get(), 0, 0);
  if (S_ISLNK(mode)) archive_entry_set_symlink(entry.get(), target.c_str());
  if (S_ISCHR(mode)) archive_entry_set_rdev(entry.get(), device);
  if (archive_write_header(archive_.get(), entry.get()) != ARCHIVE_OK) return failure(path);
  return {};
}

Status CpioWriter::folder(const std::string& path, mode_t mode) {
  return header(path, S_IFDIR | mode, 0, {}, 0);
}

Status CpioWriter::text(const std::string& path, std::string_view text, mode_t mode) {
  if (auto done = header(path, S_IFREG | mode, text.size(), {}, 0); !done) return done;
  if (archive_write_data(archive_.get(), text.data(), text.size()) !=
      static_cast<la_ssize_t>(text.size()))
    return failure(path);
  return {};
}

Status CpioWriter::file(const std::string& path, const std::filesystem::path& source, mode_t mode) {
  Fd fd(open(source.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info {};
  if (!fd || fstat(fd.get(), &info) != 0) return fail_errno("cannot read " + source.string());
  if (auto done = header(path, S_IFREG | mode, static_cast<std::size_t>(info.st_size), {}, 0);
      !done)
    return done;
  char buffer[65536];
  off_t left = info.st_size;
  while (left > 0) {
    ssize_t n = read(fd.get(), buffer, sizeof buffer);
    if (n < 0) return fail_errno("cannot read " + source.string());
    if (n == 0) return fail(0, source.string() + " became shorter while it was read");
    n = std::min<ssize_t>(n, left);
    if (archive_write_data(archive_.get(), buffer, static_cast<std::size_t>(n)) != n)
      return failure(path);
    left -= n;
  }
  return {};
}

Status CpioWriter::link(const std::string& path, const std::string& target) {
  return header(path, S_IFLNK | 0777, 0, target, 0);
}

Status CpioWriter::character_device(const std::string& path, unsigned major, unsigned minor,
                                    mode_t mode) {
  return header(path, S_IFCHR | mode, 0, {}, makedev(major, minor));
}

Status CpioWriter::close() {
  if (archive_write_close(archive_.get()) != ARCHIVE_OK) return failure("the end");
  return {};
}

Status extract_tar(const std::filesystem::path& image, const std::filesystem::path& folder) {
  std::unique_ptr<archive, ReadFree> reader(archive_read_new());
  archive* a = reader.get();
  archive_read_support_format_tar(a);
  if (archive_read_open_filename(a, image.c_str(), 65536) != ARCHIVE_OK)
    return fail(0, "cannot read " + image.string() + ": " + describe(a));
  archive_entry* entry = nullptr;
  int result = 0;
  while ((result = archive_read_next_header(a, &entry)) == ARCHIVE_OK) {
    std::string name = archive_entry_pathname(entry);
    if (archive_entry_filetype(entry) != AE_IFREG && archive_entry_filetype(entry) != AE_IFDIR)
      continue;  // links and devices mean nothing outside the guest
    std::filesystem::path target = (folder / name).lexically_normal();
    auto relative = target.lexically_relative(folder.lexically_normal());
    if (relative.empty() || *relative.begin() == "..")
      return fail(0, "the results hold a name that leaves their folder: " + name);
    if (is_taken(target))
      return fail(0, "the results hold " + name + ", but the run folder has a file of that name");
    archive_entry_set_pathname(entry, target.c_str());
    archive_entry_set_perm(entry, archive_entry_filetype(entry) == AE_IFDIR ? 0755 : 0644);
    if (archive_read_extract(a, entry, ARCHIVE_EXTRACT_SECURE_NODOTDOT) != ARCHIVE_OK)
      return fail(0, "cannot unpack " + name + ": " + describe(a));
  }
  if (result != ARCHIVE_EOF) return fail(0, "the results are damaged: " + describe(a));
  return {};
}

}  // namespace raceless::vm
