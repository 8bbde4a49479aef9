// SPDX-License-Identifier: GPL-2.0
#include "holders/attribution.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "printable.h"
#include "text_file.h"

namespace raceless {

namespace {

constexpr unsigned kMinorBits = 20;
constexpr uint32_t kMinorMask = (1U << kMinorBits) - 1;

// Of a kind: what it is called in `parts`, and what a thing that has it is. The first part that is
// there decides.
struct Kind {
  raceless_holder_kind kind;
  const char* part;
  const char* holder;
};

constexpr std::array<Kind, RACELESS_HOLDER_KINDS> kKinds = {{
    {RACELESS_HOLDER_MOUNT, "type", "mount"},
    {RACELESS_HOLDER_MOUNTED_DISK, "disk", "mount"},
    {RACELESS_HOLDER_SWAP, "swap", "swap"},
    {RACELESS_HOLDER_NETWORK, "default", "network"},
    {RACELESS_HOLDER_LINK, "link", "bpf"},
    {RACELESS_HOLDER_PROGRAM, "program", "bpf"},
    {RACELESS_HOLDER_CONTEXT, "type", "context"},
    {RACELESS_HOLDER_DISK, "disk", "disk"},
    {RACELESS_HOLDER_SOCKET, "operations", "socket"},
    {RACELESS_HOLDER_PROTOCOL, "protocol", "socket"},
    {RACELESS_HOLDER_CONGESTION, "congestion_control", "socket"},
    {RACELESS_HOLDER_LAYER, "layer", "socket"},
    {RACELESS_HOLDER_ALGORITHM_TYPE, "algorithm_type", "socket"},
    {RACELESS_HOLDER_ALGORITHM, "algorithm", "socket"},
    {RACELESS_HOLDER_TERMINAL, "driver", "terminal"},
    {RACELESS_HOLDER_DISCIPLINE, "discipline", "terminal"},
    {RACELESS_HOLDER_DEVICE, "device", "device"},
    {RACELESS_HOLDER_DEBUGFS, "operations", "file"},
    {RACELESS_HOLDER_OPERATIONS, "operations", "file"},
    {RACELESS_HOLDER_USE, "", ""},
}};

struct Thing {
  std::map<raceless_holder_kind, raceless_holder> records;  // the first of each kind
  Holder holder;
  std::vector<raceless_holder> users;
};

std::string text_of(const char* bytes, size_t size) { return {bytes, strnlen(bytes, size)}; }

std::string device_text(uint32_t device) {
  return fmt::format("{}:{}", device >> kMinorBits, device & kMinorMask);
}

const Kind* kind_of(const Thing& thing) {
  for (const Kind& kind : kKinds)
    if (thing.records.contains(kind.kind)) return &kind;
  return nullptr;
}

// A slash in the name of a device is an exclamation mark in its name in sysfs.
std::string device_file(const raceless_holder& record) {
  std::string name = text_of(record.name, sizeof(record.name));
  std::ranges::replace(name, '!', '/');
  return name;
}

std::string how_text(int32_t fd) {
  switch (fd) {
    case RACELESS_HOLDER_MAPPED:
      return "mapped";
    case RACELESS_HOLDER_CURRENT:
      return "current folder";
    case RACELESS_HOLDER_ROOT:
      return "root folder";
    default:
      return fmt::format("fd {}", fd);
  }
}

// Whoever has it as a descriptor needs not be told to have it mapped, too.
void add_user(Thing& thing, const raceless_holder& record) {
  if (record.fd == RACELESS_HOLDER_NOBODY) return;
  const auto same = [&record](const raceless_holder& user) {
    return user.pid == record.pid && user.fd == record.fd;
  };
  if (std::ranges::none_of(thing.users, same)) thing.users.push_back(record);
}

std::string umount_text(const std::vector<MountPoint>& points) {
  std::vector<std::string> commands;
  for (const MountPoint& point : points) {
    const std::string enter =
        point.is_other ? fmt::format("nsenter -t {} -m ", point.pid) : std::string();
    commands.push_back(fmt::format("{}umount {}", enter, shell_quoted(point.path)));
  }
  return fmt::format("{}", fmt::join(commands, "; "));
}

std::string places_text(const std::vector<MountPoint>& points) {
  std::vector<std::string> places;
  places.reserve(points.size());
  for (const MountPoint& point : points)
    places.push_back(point.is_other
                         ? fmt::format("{} (in the mount namespace of {})", point.path, point.pid)
                         : point.path);
  return fmt::format("{}", fmt::join(places, ", "));
}

void describe_mount(Thing& thing, const raceless_holder& record, const MountPoints& mounts) {
  const std::vector<MountPoint>& points = mounts.of(record.number);
  Holder& holder = thing.holder;
  holder.what =
      fmt::format("{} ({})", text_of(record.name, sizeof(record.name)), device_text(record.number));
  if (!points.empty()) {
    holder.what += " mounted on " + places_text(points);
    holder.remedy = umount_text(points);
  } else if (record.active == 0) {
    holder.what += ", whose last use ends just now";
    holder.remedy = "wait";
  } else if (thing.users.empty()) {
    holder.what += " without a mount point: detached, or the kernel's own";
    holder.remedy =
        "look for who has it: a file in flight, a loop device or swap on it, a namespace without "
        "a process";
  } else {
    holder.what += " without a mount point: detached (umount -l), kept by its users";
    holder.remedy = "end its users";
  }
}

std::string name_and(const raceless_holder& record, const std::string& before) {
  const std::string name = text_of(record.name, sizeof(record.name));
  return name.empty() ? before : before + " " + name;
}

std::string close_text(const Holder& holder) {
  std::vector<std::string> ends;
  for (const HolderUser& user : holder.users) {
    const std::string end = fmt::format("{}[{}]", user.comm, user.pid);
    if (std::ranges::find(ends, end) == ends.end()) ends.push_back(end);
  }
  return fmt::format("close it, or end {}", fmt::join(ends, " and "));
}

void describe(Thing& thing, const Kind& kind, const MountPoints& mounts) {
  const raceless_holder& record = thing.records.at(kind.kind);
  Holder& holder = thing.holder;
  holder.kind = kind.holder;
  holder.remedy = close_text(holder);
  switch (kind.kind) {
    case RACELESS_HOLDER_MOUNT:
    case RACELESS_HOLDER_MOUNTED_DISK:
      describe_mount(thing, record, mounts);
      break;
    case RACELESS_HOLDER_SWAP:
      holder.what = name_and(record, "swap on");
      holder.remedy = "swapoff /dev/" + device_file(record);
      break;
    case RACELESS_HOLDER_NETWORK:
      holder.what = name_and(record, "default TCP congestion control") +
                    fmt::format(" of the network namespace of {}[{}]",
                                text_of(record.comm, sizeof(record.comm)), record.pid);
      holder.remedy =
          fmt::format("nsenter -t {} -n sysctl net.ipv4.tcp_congestion_control=reno", record.pid);
      break;
    case RACELESS_HOLDER_LINK:
    case RACELESS_HOLDER_PROGRAM:
      holder.what = name_and(
          record, kind.kind == RACELESS_HOLDER_LINK ? "link of the BPF program" : "BPF program");
      if (holder.users.empty())
        holder.remedy = kind.kind == RACELESS_HOLDER_LINK
                            ? "remove its pin, below /sys/fs/bpf"
                            : "detach it (bpftool net, bpftool link), or remove its pin or its "
                              "link's, below /sys/fs/bpf";
      break;
    case RACELESS_HOLDER_CONTEXT:
      holder.what = name_and(record, "a file system that is being set up (fsopen):");
      break;
    case RACELESS_HOLDER_DISK:
      holder.what = name_and(record, "open disk");
      break;
    case RACELESS_HOLDER_TERMINAL:
    case RACELESS_HOLDER_DISCIPLINE:
      holder.what = name_and(record, "open terminal");
      break;
    case RACELESS_HOLDER_DEVICE:
      holder.what = "open device " + device_text(record.number);
      break;
    case RACELESS_HOLDER_OPERATIONS:
    case RACELESS_HOLDER_DEBUGFS:
      holder.what = "open file";
      break;
    default:
      holder.what =
          fmt::format("{} (address family {})", name_and(record, "socket of"), record.number);
  }
}

std::string mapped_path(const raceless_holder& record, const std::string& root) {
  const Result<std::string> maps = read_text(fmt::format("{}/proc/{}/maps", root, record.pid));
  if (!maps) return "";
  const std::string begin = fmt::format("{:08x}-", record.place);
  size_t line = maps->starts_with(begin) ? 0 : maps->find("\n" + begin);
  if (line == std::string::npos) return "";
  line = maps->find(begin, line);
  const std::string text = maps->substr(line, maps->find('\n', line) - line);
  const size_t slash = text.find('/');
  return slash == std::string::npos ? "" : text.substr(slash);
}

}  // namespace

std::string path_of(const raceless_holder& record, const std::string& root) {
  if (record.fd == RACELESS_HOLDER_MAPPED) return mapped_path(record, root);
  const char* name = record.fd == RACELESS_HOLDER_CURRENT ? "cwd" : "root";
  const std::string link = fmt::format("{}/proc/{}/{}", root, record.pid,
                                       record.fd >= 0 ? fmt::format("fd/{}", record.fd) : name);
  std::error_code gone;  // then it is ""
  return std::filesystem::read_symlink(link, gone);
}

std::vector<Holder> attribute(const std::vector<raceless_holder>& records,
                              const MountPoints& mounts, const FindPath& path) {
  std::map<uint64_t, Thing> things;
  std::vector<uint64_t> order;
  std::set<std::pair<uint32_t, uint64_t>> seen;
  for (const raceless_holder& record : records) {
    if (record.kind >= RACELESS_HOLDER_KINDS) continue;
    const auto kind = static_cast<raceless_holder_kind>(record.kind);
    const auto [found, is_new] = things.try_emplace(record.thing);
    Thing& thing = found->second;
    if (is_new) order.push_back(record.thing);
    thing.records.try_emplace(kind, record);
    add_user(thing, record);
    if (kind == RACELESS_HOLDER_USE || !seen.insert({record.kind, record.object}).second) continue;
    const auto part = std::ranges::find(kKinds, kind, &Kind::kind);
    thing.holder.references += record.references;
    thing.holder.parts[part->part] += record.references;
  }
  std::vector<Holder> holders;
  for (const uint64_t id : order) {
    Thing& thing = things[id];
    // Uses of a file system are its mount's; without that they hold nothing.
    if (thing.holder.references == 0) continue;
    for (const raceless_holder& user : thing.users)
      thing.holder.users.push_back(
          {user.pid, text_of(user.comm, sizeof(user.comm)), how_text(user.fd), path(user)});
    describe(thing, *kind_of(thing), mounts);
    holders.push_back(std::move(thing.holder));
  }
  return holders;
}

}  // namespace raceless
