// SPDX-License-Identifier: GPL-2.0
#include "text_file.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <sstream>

#include "file_descriptor.h"

namespace raceless {

Result<std::string> read_text(const std::string& path) {
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("cannot open " + path);
  std::string text;
  std::array<char, 65536> chunk;
  while (true) {
    const ssize_t bytes = read(file.get(), chunk.data(), chunk.size());
    if (bytes == 0) return text;
    if (bytes > 0) {
      text.append(chunk.data(), static_cast<size_t>(bytes));
    } else if (errno != EINTR) {
      return fail_errno("cannot read " + path);
    }
  }
}

namespace {

Status write_all(int fd, std::string_view text, const std::string& path) {
  while (!text.empty()) {
    const ssize_t bytes = write(fd, text.data(), text.size());
    if (bytes >= 0) {
      text.remove_prefix(static_cast<size_t>(bytes));
    } else if (errno != EINTR) {
      return fail_errno("cannot write " + path);
    }
  }
  return {};
}

}  // namespace

Status write_text(const std::string& name, std::string_view text) {
  std::string path = name;
  struct stat there {};
  if (stat(name.c_str(), &there) == 0) {
    // A device, a pipe: there is nothing to put in its place.
    if (!S_ISREG(there.st_mode)) {
      const FileDescriptor file(open(name.c_str(), O_WRONLY | O_CLOEXEC));
      if (!file) return fail_errno("cannot open " + name);
      return write_all(file.get(), text, name);
    }
    std::error_code error;
    path = std::filesystem::canonical(name, error);  // what a symbolic link points to
    if (error) return fail(error.value(), "cannot find " + name);
  }
  const std::string unfinished = path + ".tmp";
  Status status;
  {
    const FileDescriptor file(
        open(unfinished.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (!file) return fail_errno("cannot create " + unfinished);
    status = write_all(file.get(), text, unfinished);
  }
  if (status && std::rename(unfinished.c_str(), path.c_str()) != 0)
    status = fail_errno("cannot rename " + unfinished + " to " + path);
  if (!status) unlink(unfinished.c_str());
  return status;
}

std::string first_line(const std::string& path) {
  const Result<std::string> text = read_text(path);
  return text ? text->substr(0, text->find('\n')) : "";
}

// No other character separates words: names that the kernel prints may have them.
std::vector<std::string> split_words(std::string_view line) {
  constexpr std::string_view kBetween = " \t\n";
  std::vector<std::string> words;
  for (size_t begin = line.find_first_not_of(kBetween); begin != std::string_view::npos;) {
    const size_t end = std::min(line.find_first_of(kBetween, begin), line.size());
    words.emplace_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBetween, end);
  }
  return words;
}

}  // namespace raceless
