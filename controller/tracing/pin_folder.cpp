// SPDX-License-Identifier: GPL-2.0
#include "pin_folder.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <memory>
#include <regex>

#include "unpinning.h"

namespace raceless {
namespace {

// The gate's pins (gate/gate.h), which outlive any run.
constexpr const char* kept_folder = "gate";

// Somebody may remove the folder between our opening and our locking it; then it is made anew.
constexpr int max_attempts = 8;

// What remove_at_once() shall remove: plain memory, which a signal handler may read. Pins are added
// by one thread, each whole before it is counted.
constexpr std::size_t longest_path = 160;
std::array<std::array<char, longest_path>, 256> pins_at_once;
std::atomic<std::size_t> nr_pins_at_once = 0;

void remember(const std::string& path) {
  const std::size_t next = nr_pins_at_once;
  if (next == pins_at_once.size() || path.size() >= longest_path) return;
  pins_at_once[next].fill('\0');
  path.copy(pins_at_once[next].data(), longest_path - 1);
  nr_pins_at_once = next + 1;
}

// Of a set of ours (tracing.cpp), as program_set.h names them.
bool is_program_or_link(const std::string& name) {
  static const std::regex format("(prog|link)_(modules|registry|causes)_.*");
  return std::regex_match(name, format);
}

// Without slashes at its end: those of "/sys/fs/bpf/" would make its root our folder.
std::string trimmed(std::string path) {
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  return path;
}

std::string cannot_pin(const std::string& path, const std::string& why) {
  return "cannot pin maps in " + path + ": " + why;
}

std::string join(const std::string& folder, const std::string& name) {
  return std::string(folder).append("/").append(name);
}

Status check_file_system(const std::string& path) {
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  struct statfs info {};
  if (statfs(parent.c_str(), &info) != 0) {
    return fail_errno(cannot_pin(path, "no " + parent.string()));
  }
  if (info.f_type != BPF_FS_MAGIC) {
    return fail(0, cannot_pin(path, parent.string() +
                                        " is no bpf file system; mount -t bpf bpf /sys/fs/bpf, "
                                        "or run without pinned maps"));
  }
  return {};
}

Result<std::vector<std::string>> entries(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir(path.c_str()), closedir);
  if (!folder) return fail_errno("cannot read the folder " + path);
  std::vector<std::string> found;
  while (const dirent* entry = readdir(folder.get())) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") found.push_back(name);
  }
  return found;
}

Status remove_stale(const std::string& path, const std::vector<std::string>& names) {
  auto found = entries(path);
  if (!found) return tl::unexpected(found.error());
  std::erase(*found, kept_folder);
  for (const std::string& name : *found) {
    if (!is_program_or_link(name) && std::find(names.begin(), names.end(), name) == names.end()) {
      return fail(ENOTEMPTY, cannot_pin(path, "'" + name +
                                                  "' there is not of raceless; choose another "
                                                  "folder"));
    }
  }
  for (std::string& name : *found) name = join(path, name);
  return unpin(*found);
}

bool is_same_file(int fd, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return fstat(fd, &opened) == 0 && stat(path.c_str(), &named) == 0 &&
         opened.st_dev == named.st_dev && opened.st_ino == named.st_ino;
}

}  // namespace

Result<PinFolder> PinFolder::claim(const std::string& name, const std::vector<std::string>& names) {
  const std::string path = trimmed(name);
  if (auto usable = check_file_system(path); !usable) return tl::unexpected(usable.error());
  for (int attempt = 0; attempt < max_attempts; attempt++) {
    if (mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
      return fail_errno("cannot make the folder " + path);
    }
    FileDescriptor folder(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!folder) {
      if (errno == ENOENT) continue;
      return fail_errno("cannot open the folder " + path);
    }
    if (flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno != EWOULDBLOCK) return fail_errno("cannot lock the folder " + path);
      return fail(EBUSY, cannot_pin(path,
                                    "another raceless uses it; end that one, or run without "
                                    "pinned maps"));
    }
    if (!is_same_file(folder.get(), path)) continue;
    if (auto emptied = remove_stale(path, names); !emptied) return tl::unexpected(emptied.error());
    return PinFolder(path, std::move(folder));
  }
  return fail(EBUSY, cannot_pin(path, "others keep removing it"));
}

PinFolder::~PinFolder() {
  if (!folder_ || kept_) return;
  for (std::string& name : pinned_) name = join(path_, name);
  (void)unpin(pinned_);
  nr_pins_at_once = 0;  // not before: a second signal may end us meanwhile
  rmdir(path_.c_str());
}

Status PinFolder::pin(int fd, const std::string& name) {
  const std::string path = join(path_, name);
  if (bpf_obj_pin(fd, path.c_str()) != 0) return fail_errno("cannot pin " + path);
  pinned_.push_back(name);
  if (!kept_) remember(path);
  return {};
}

void PinFolder::remove_at_once() {
  for (std::size_t i = 0; i < nr_pins_at_once; i++) unlink(pins_at_once[i].data());
}

}  // namespace raceless
