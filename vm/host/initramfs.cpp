// SPDX-License-Identifier: GPL-2.0
#include "initramfs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "cache.h"
#include "process.h"
#include "tree.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

constexpr const char* busybox = "/bin/busybox";
constexpr const char* kmod_names[] = {"depmod", "insmod", "lsmod", "modinfo", "modprobe", "rmmod"};

Result<fs::path> program_path(const std::string& name) {
  if (name.find('/') != std::string::npos) return fs::path(name);
  for (const char* folder : {"/usr/sbin", "/usr/bin", "/sbin", "/bin"})
    if (fs::path path = fs::path(folder) / name; fs::exists(path)) return path;
  return fail(0, fmt::format("this host has no program {}; install it, then try again", name));
}

Status add_skeleton(Tree& tree, const Project& project) {
  for (const char* folder : {"/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/dev", "/proc",
                             "/sys", "/etc/modprobe.d", "/results", "/case", "/var", "/mnt"})
    tree.add_folder(folder);
  tree.add_folder("/tmp", 01777);
  tree.add_folder("/root", 0700);
  tree.add_folder("/run");
  for (const char* link : {"/bin", "/sbin", "/lib", "/lib64"})
    tree.add_link(link, std::string("usr") + link);
  tree.add_link("/var/run", "../run");
  tree.add_link("/var/tmp", "../tmp");
  tree.add_device("/dev/console", 5, 1);  // the kernel opens it before init mounts devtmpfs
  tree.add_text("/etc/passwd", "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n");
  tree.add_text("/etc/group", "root:x:0:\nnogroup:x:65534:\n");
  tree.add_text("/etc/profile", "PS1='guest:\\w\\$ '\n");

  if (auto added = tree.add_file("/init", project.binaries / "init"); !added) return added;
  if (!fs::exists(busybox)) return fail(0, "needs /bin/busybox; install busybox-static");
  if (auto added = tree.add_file("/bin/busybox", busybox); !added) return added;
  auto names = run_program({busybox, "--list-full"});
  if (!names) return tl::unexpected(names.error());
  std::istringstream lines(names->out);
  for (std::string path; std::getline(lines, path);)
    if (!path.ends_with("/busybox") && path != "linuxrc" && path != "init")
      tree.add_link("/" + path, "/bin/busybox");
  // Not busybox's shell: built as Debian does, it prefers its own applets to what lies in the path,
  // its modprobe to kmod's.
  auto shell = program_path("dash");
  if (!shell) return tl::unexpected(shell.error());
  tree.add_link("/bin/sh", "dash");
  return tree.add_program("/bin/dash", *shell);
}

Status add_kmod(Tree& tree) {
  auto path = program_path("kmod");
  if (!path) return tl::unexpected(path.error());
  if (auto added = tree.add_program("/bin/kmod", *path); !added) return added;
  for (const char* name : kmod_names) tree.add_link(std::string("/sbin/") + name, "/bin/kmod");
  return {};
}

// The project's own module files for this kernel.
Result<std::vector<fs::path>> own_modules(const Project& project, const Kernel& kernel) {
  fs::path folder = project.built_modules(kernel.release);
  std::vector<fs::path> found;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored))
    if (entry.path().extension() == ".ko") found.push_back(entry.path());
  if (found.empty())
    return fail(0, fmt::format("no modules for {} in {}; run module/build", kernel.release,
                               folder.string()));
  std::sort(found.begin(), found.end());
  return found;
}

// A module tree with the chosen files alone, and the index that depmod makes of it.
Status add_modules(Tree& tree, const Kernel& kernel, const std::vector<std::string>& names,
                   const std::vector<fs::path>& own, const fs::path& scratch) {
  fs::path staged = scratch / "lib/modules" / kernel.release;
  std::vector<std::string> wanted = names;
  for (const fs::path& file : own) {
    auto release = module_release(file);
    if (!release) return tl::unexpected(release.error());
    if (*release != kernel.release)
      return fail(0, fmt::format("{} was built for {}, but the guest runs {}; build it again",
                                 file.string(), *release, kernel.release));
    auto needed = module_dependencies(file);
    if (!needed) return tl::unexpected(needed.error());
    for (const std::string& name : *needed)
      if (std::none_of(own.begin(), own.end(), [&](const fs::path& p) { return p.stem() == name; }))
        wanted.push_back(name);
  }
  auto paths = module_closure(kernel, wanted);
  if (!paths) return tl::unexpected(paths.error());

  fs::create_directories(staged / "updates");
  for (const fs::path& path : *paths) {
    fs::create_directories((staged / path).parent_path());
    fs::create_symlink(kernel.modules() / path, staged / path);
  }
  for (const char* name : {"modules.order", "modules.builtin", "modules.builtin.modinfo"})
    if (fs::exists(kernel.modules() / name)) fs::copy(kernel.modules() / name, staged / name);
  for (const fs::path& file : own) {
    fs::path target = staged / "updates" / file.filename();
    // Debug information is for the host's debugger; .BTF stays.
    auto stripped = run_program({"strip", "-g", "-o", target.string(), file.string()});
    if (!stripped) return tl::unexpected(stripped.error());
    if (stripped->status != 0) return fail(0, "strip failed on " + file.string());
  }
  auto indexed = run_program({"/sbin/depmod", "-b", scratch.string(), kernel.release});
  if (!indexed) return tl::unexpected(indexed.error());
  if (indexed->status != 0)
    return fail(0, fmt::format("depmod failed (exit {}); its message is above", indexed->status));
  return tree.add_file("/lib/modules/" + kernel.release, staged);
}

std::string signature(const fs::path& file) {
  struct stat info {};
  if (stat(file.c_str(), &info) != 0) return file.string() + " absent";
  return fmt::format("{} {} {} {}.{:09}", file.string(), info.st_ino, info.st_size,
                     info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

// What the base depends on, as text: two cases with the same text share it. Library closures are
// left to the list of sources that the cache keeps with each base.
std::string base_key(const Project& project, const Kernel& kernel, const GuestFiles& files,
                     const std::vector<fs::path>& own) {
  std::string key = "layout 3\n";
  auto line = [&key](const std::string& text) { key += text + "\n"; };
  for (const fs::path& file : {project.binaries / "init", fs::path(busybox)}) line(signature(file));
  if (files.kmod) line("kmod");
  if (!files.modules.empty() || !own.empty()) line(signature(kernel.modules() / "modules.dep"));
  for (const std::string& name : files.modules) line("module " + name);
  for (const fs::path& file : own) line(signature(file));
  for (const std::string& name : files.programs) line("program " + name);
  if (files.command) line(signature(project.binaries / "raceless"));
  return key;
}

// Without symbols: each boot unpacks the file, and a debugger has the whole one on the host.
Status strip_all(const fs::path& from, const fs::path& to) {
  auto stripped = run_program({"strip", "-o", to.string(), from.string()});
  if (!stripped) return tl::unexpected(stripped.error());
  if (stripped->status != 0) return fail(0, "strip failed on " + from.string());
  return {};
}

Status build_base(const Project& project, const Kernel& kernel, const GuestFiles& files,
                  const std::vector<fs::path>& own, const fs::path& folder) {
  Tree tree;
  if (auto added = add_skeleton(tree, project); !added) return added;
  if (files.kmod)
    if (auto added = add_kmod(tree); !added) return added;
  fs::path scratch = folder / "scratch";
  if (files.command) {
    fs::create_directories(scratch);
    if (auto done = strip_all(project.binaries / "raceless", scratch / "raceless"); !done)
      return done;
    if (auto added = tree.add_program("/usr/bin/raceless", scratch / "raceless"); !added)
      return added;
  }
  for (const std::string& name : files.programs) {
    auto path = program_path(name);
    if (!path) return tl::unexpected(path.error());
    if (auto added = tree.add_program("/usr/bin/" + path->filename().string(), *path); !added)
      return added;
  }
  if (files.kmod)
    if (auto added = add_modules(tree, kernel, files.modules, own, scratch); !added) return added;

  std::ofstream inputs(folder / "inputs");
  for (const fs::path& file : tree.sources())
    if (file.string().rfind(scratch.string(), 0) != 0) inputs << signature(file) << "\n";
  if (auto written = tree.write(folder / "base.cpio"); !written) return written;
  fs::remove_all(scratch);
  return {};
}

bool inputs_unchanged(const fs::path& folder) {
  std::ifstream inputs(folder / "inputs");
  for (std::string line; std::getline(inputs, line);)
    if (signature(line.substr(0, line.find(' '))) != line) return false;
  return fs::exists(folder / "base.cpio");
}

Status append(const fs::path& from, int to) {
  Fd source(open(from.c_str(), O_RDONLY | O_CLOEXEC));
  if (!source) return fail_errno("cannot read " + from.string());
  for (ssize_t n; (n = copy_file_range(source.get(), nullptr, to, nullptr, 1 << 30, 0)) != 0;)
    if (n < 0) return fail_errno("cannot copy " + from.string() + " into the run folder");
  return {};
}

std::string zero_ended(const std::vector<std::string>& strings) {
  std::string text;
  for (const std::string& s : strings) text += s + '\0';
  return text;
}

}  // namespace

Status make_initramfs(const Project& project, const Kernel& kernel, const GuestFiles& asked,
                      const fs::path& target) {
  GuestFiles files = asked;
  files.kmod = files.kmod || files.raceless || !files.modules.empty();
  std::vector<fs::path> own;
  if (files.raceless) {
    auto found = own_modules(project, kernel);
    if (!found) return tl::unexpected(found.error());
    own = *found;
  }
  auto base = cached(
      project.cache / "initramfs", base_key(project, kernel, files, own), inputs_unchanged,
      [&](const fs::path& folder) { return build_base(project, kernel, files, own, folder); });
  if (!base) return tl::unexpected(base.error());

  Tree tree;
  tree.add_text("/case/argv", zero_ended(files.argv));
  tree.add_text("/case/env", zero_ended(files.env));
  tree.add_text("/case/options", files.options);
  for (const auto& [source, guest] : files.files) {
    std::string path = guest.empty() ? "/root/" + source.filename().string() : guest;
    if (auto added = tree.add_file(path, source); !added) return added;
  }
  fs::path part = target.string() + ".case";
  if (auto written = tree.write(part); !written) return written;
  Fd out(open(target.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!out) return fail_errno("cannot write " + target.string());
  if (auto done = append(*base / "base.cpio", out.get()); !done) return done;
  if (auto done = append(part, out.get()); !done) return done;
  fs::remove(part);
  return {};
}

}  // namespace raceless::vm
