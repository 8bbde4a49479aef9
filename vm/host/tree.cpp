// SPDX-License-Identifier: GPL-2.0
#include "tree.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <sstream>

#include "archive.h"
#include "process.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

// Where a path lies in a guest whose /bin, /sbin, /lib and /lib64 are links into /usr.
std::string merged(const std::string& path) {
  std::string clean = fs::path("/" + path).lexically_normal().string();
  while (clean.starts_with("//")) clean.erase(0, 1);
  for (const char* top : {"/bin/", "/sbin/", "/lib/", "/lib64/"})
    if (clean.starts_with(top)) return "/usr" + clean;
  return clean;
}

Result<std::vector<std::string>> libraries(const fs::path& program) {
  auto finished = run_program({"ldd", program.string()});
  if (!finished) return tl::unexpected(finished.error());
  std::vector<std::string> paths;
  std::istringstream lines(finished->out);
  // "	libc.so.6 => /lib/libc.so.6 (0x…)", "	/lib64/ld-linux-x86-64.so.2 (0x…)", "	linux-vdso…"
  for (std::string line; std::getline(lines, line);) {
    if (line.find("not found") != std::string::npos)
      return fail(
          0, fmt::format("{} needs a library that this host lacks:{}", program.string(), line));
    std::size_t from = line.find('/');
    if (from != std::string::npos) paths.push_back(line.substr(from, line.find(" (") - from));
  }
  return paths;
}

}  // namespace

void Tree::insert(const std::string& path, Entry entry) {
  fs::path parent = fs::path(path).parent_path();
  if (parent != "/" && !entries_.contains(parent.string()))
    insert(parent.string(), {Kind::Folder, 0755, {}});
  entries_.insert_or_assign(path, std::move(entry));
}

void Tree::add_folder(const std::string& path, mode_t mode) {
  insert(merged(path), {Kind::Folder, mode, {}});
}

void Tree::add_text(const std::string& path, std::string text, mode_t mode) {
  insert(merged(path), {Kind::Text, mode, std::move(text)});
}

void Tree::add_link(const std::string& path, const std::string& target) {
  insert(merged(path), {Kind::Link, 0777, target});
}

void Tree::add_device(const std::string& path, unsigned major, unsigned minor) {
  insert(merged(path), {Kind::Device, 0600, {}, major, minor});
}

Status Tree::add_file(const std::string& path, const fs::path& source) {
  struct stat info {};
  if (stat(source.c_str(), &info) != 0)
    return fail_errno("cannot put " + source.string() + " into the guest");
  if (S_ISDIR(info.st_mode)) {
    add_folder(path);
    for (const auto& entry : fs::directory_iterator(source))
      if (auto added = add_file(path + "/" + entry.path().filename().string(), entry.path());
          !added)
        return added;
    return {};
  }
  if (!S_ISREG(info.st_mode))
    return fail(EINVAL, source.string() + " is neither a file nor a folder");
  insert(merged(path), {Kind::File, info.st_mode & 0777, fs::absolute(source).string()});
  return {};
}

Status Tree::add_program(const std::string& path, const fs::path& source) {
  if (auto added = add_file(path, source); !added) return added;
  auto needed = libraries(source);
  if (!needed) return tl::unexpected(needed.error());
  for (const std::string& library : *needed)
    if (auto added = add_file(library, library); !added) return added;
  return {};
}

std::vector<fs::path> Tree::sources() const {
  std::vector<fs::path> paths;
  for (const auto& [path, entry] : entries_)
    if (entry.kind == Kind::File) paths.emplace_back(entry.text);
  return paths;
}

Status Tree::write(const fs::path& archive) const {
  auto writer = CpioWriter::create(archive);
  if (!writer) return tl::unexpected(writer.error());
  for (const auto& [path, entry] : entries_) {
    Status done;
    switch (entry.kind) {
      case Kind::Folder:
        done = writer->folder(path, entry.mode);
        break;
      case Kind::Text:
        done = writer->text(path, entry.text, entry.mode);
        break;
      case Kind::Link:
        done = writer->link(path, entry.text);
        break;
      case Kind::Device:
        done = writer->character_device(path, entry.major, entry.minor, entry.mode);
        break;
      case Kind::File:
        done = writer->file(path, entry.text, entry.mode);
        break;
    }
    if (!done) return done;
  }
  return writer->close();
}

}  // namespace raceless::vm
