// SPDX-License-Identifier: GPL-2.0
#include "cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>
#include <vector>

#include "process.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kept = 12;

std::string read_text(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

// The key itself is stored and compared, so a collision costs a rebuild, never a wrong answer.
std::string name_of(const std::string& key) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (unsigned char c : key) hash = (hash ^ c) * 0x100000001b3;
  return fmt::format("{:016x}", hash);
}

void prune(const fs::path& root) {
  std::vector<fs::directory_entry> entries;
  for (const auto& entry : fs::directory_iterator(root))
    if (entry.is_directory()) entries.push_back(entry);
  if (entries.size() <= kept) return;
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.last_write_time() > b.last_write_time(); });
  std::error_code ignored;
  for (std::size_t i = kept; i < entries.size(); ++i) fs::remove_all(entries[i].path(), ignored);
}

}  // namespace

Result<fs::path> cached(const fs::path& root, const std::string& key,
                        const std::function<bool(const fs::path&)>& fresh,
                        const std::function<Status(const fs::path&)>& make) {
  std::error_code error;
  fs::create_directories(root, error);
  if (error) return fail(error.value(), "cannot make the cache folder " + root.string());
  Fd lock(open((root / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!lock || flock(lock.get(), LOCK_EX) != 0)
    return fail_errno("cannot lock the cache folder " + root.string());

  fs::path folder = root / name_of(key);
  if (read_text(folder / "key") == key && fresh(folder)) {
    utimensat(AT_FDCWD, folder.c_str(), nullptr, 0);  // used last, removed last
    return folder;
  }
  fs::path work = root / (name_of(key) + ".new");
  fs::remove_all(work, error);
  fs::create_directories(work, error);
  if (error) return fail(error.value(), "cannot make " + work.string());
  Status made = make(work);
  if (made) {
    std::ofstream(work / "key") << key;
    fs::remove_all(folder, error);
    fs::rename(work, folder, error);
    if (error) made = fail(error.value(), "cannot put " + folder.string() + " in place");
  }
  if (!made) {
    fs::remove_all(work, error);
    return tl::unexpected(made.error());
  }
  prune(root);
  return folder;
}

}  // namespace raceless::vm
