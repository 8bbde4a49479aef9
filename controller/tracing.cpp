// SPDX-License-Identifier: GPL-2.0
#include "tracing.h"

#include <bpf/bpf.h>

#include <map>
#include <optional>
#include <utility>

#include "causes.skel.h"
#include "modules.skel.h"
#include "registry.skel.h"
#include "text_file.h"
#include "tracing/kernel_btf.h"
#include "tracing/libbpf_log.h"
#include "tracing/map_reader.h"
#include "tracing/pin_folder.h"
#include "tracing/program_set.h"
#include "tracing/reading_turn.h"

namespace raceless {
namespace {

// A ring buffer cannot be smaller than a page.
constexpr std::uint32_t unused_events_bytes = 4096;

// Opens a skeleton and sets its constants, which the kernel freezes when it loads them.
template <typename Skeleton, typename SetConstants>
Result<ProgramSet> open_set(const char* name, SetConstants set_constants) {
  const LibbpfLog log;
  Skeleton* skeleton = Skeleton::open();
  if (!skeleton) return log.fail(errno, std::string("cannot open the BPF programs of ") + name);
  ProgramSet::Skeleton owned(
      skeleton, [](void* opened) { Skeleton::destroy(static_cast<Skeleton*>(opened)); });
  set_constants(*skeleton->rodata);
  return ProgramSet(name, std::move(owned), skeleton->obj);
}

template <typename Skeleton>
void add_map_names(std::vector<std::string>& names) {
  const auto set = open_set<Skeleton>("", [](auto&) {});
  if (!set) return;
  const std::vector<std::string> found = set->map_names();
  names.insert(names.end(), found.begin(), found.end());
}

}  // namespace

class Tracing::Impl {
 public:
  Status open(const Options& options);
  [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }
  [[nodiscard]] Result<Snapshot> snapshot() const;
  [[nodiscard]] Result<std::vector<GetFailure>> get_failures() const;
  [[nodiscard]] Result<Activity> activity() const;
  [[nodiscard]] bool has_registry() const { return registry_.has_value(); }
  [[nodiscard]] std::vector<std::uint64_t> stack(std::int32_t number) const;
  [[nodiscard]] Result<FailureCause> cause(pid_t tid, std::uint64_t since_ns) const;
  Result<int> poll(std::chrono::milliseconds timeout,
                   const std::function<void(const Event&)>& handle);

 private:
  Status load_modules(const Options& options, const KernelBtf& kernel);
  Status load_registry(const Options& options, const KernelBtf& kernel);
  Status load_causes(const Options& options, const KernelBtf& kernel);
  Status load_sharing(ProgramSet& set, const KernelBtf& kernel);
  Status pin_maps(const Options& options);
  Status pin_programs();
  Status open_ring();
  [[nodiscard]] std::vector<const ProgramSet*> sets() const;
  static int on_event(void* self, void* record, std::size_t bytes);

  struct FreeRing {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
  };

  std::vector<std::string> missing_;
  std::optional<ProgramSet> modules_;  // owns the maps that all sets share
  std::optional<ProgramSet> registry_;
  std::optional<ProgramSet> causes_;
  std::optional<PinFolder> pins_;
  std::unique_ptr<ring_buffer, FreeRing> ring_;

  // Of the poll() that is running.
  const std::function<void(const Event&)>* handle_ = nullptr;
  ReadingTurn turn_;
  std::optional<Error> event_error_;
};

Status Tracing::Impl::load_modules(const Options& options, const KernelBtf& kernel) {
  auto set = open_set<modules_bpf>("modules", [&](auto& constants) {
    constants.emit_events = options.events;
    constants.watch_some = !options.modules.empty();
  });
  if (!set) return tl::unexpected(set.error());
  if (!options.module_gets) set->leave_out("on_module_get");
  const std::uint32_t bytes = options.events ? options.events_bytes : unused_events_bytes;
  if (bytes != 0) {
    if (auto resized = set->resize("events", bytes); !resized) return resized;
  }
  if (auto loaded = set->load(kernel, missing_); !loaded) return loaded;
  modules_ = std::move(*set);
  return watch_modules(*modules_, options.modules);
}

Status Tracing::Impl::load_sharing(ProgramSet& set, const KernelBtf& kernel) {
  for (const char* map : {"events", "drops", "stacks"}) {
    if (auto shared = set.share(map, *modules_); !shared) return shared;
  }
  return set.load(kernel, missing_);
}

Status Tracing::Impl::load_registry(const Options& options, const KernelBtf& kernel) {
  if (!kernel.has_registry()) {
    missing_.emplace_back(
        "the registry's tracepoints: raceless.ko is not loaded, or was built without BTF (there is "
        "no /sys/kernel/btf/raceless), so that all of its numbers stay away; modprobe raceless "
        "first");
    return {};
  }
  auto set = open_set<registry_bpf>(
      "registry", [&](auto& constants) { constants.emit_events = options.events; });
  if (!set) return tl::unexpected(set.error());
  if (auto loaded = load_sharing(*set, kernel); !loaded) return loaded;
  registry_ = std::move(*set);
  return prepare_registry(*registry_);
}

Status Tracing::Impl::load_causes(const Options& options, const KernelBtf& kernel) {
  auto set = open_set<causes_bpf>("causes", [&](auto& constants) {
    constants.emit_events = options.events;
    constants.watched_tgid = static_cast<std::uint32_t>(options.tgid);
  });
  if (!set) return tl::unexpected(set.error());
  if (options.tgid != 0) {
    set->leave_out_all("on_call_end_");
    set->leave_out_all("on_delete");
  }
  if (auto loaded = load_sharing(*set, kernel); !loaded) return loaded;
  causes_ = std::move(*set);
  return {};
}

Status Tracing::Impl::pin_maps(const Options& options) {
  std::map<std::string, int> maps;
  for (const ProgramSet* set : sets()) {
    for (const std::string& name : set->map_names()) maps.emplace(name, set->map_fd(name));
  }
  // A dead run may have pinned those of other sets.
  std::vector<std::string> names;
  add_map_names<modules_bpf>(names);
  add_map_names<registry_bpf>(names);
  add_map_names<causes_bpf>(names);
  auto folder = PinFolder::claim(options.pin_dir, names);
  if (!folder) return tl::unexpected(folder.error());
  pins_.emplace(std::move(*folder));
  if (options.keep_pins) pins_->keep();
  for (const auto& [name, fd] : maps) {
    if (auto pinned = pins_->pin(fd, name); !pinned) return pinned;
  }
  return {};
}

// Of the modules set, prog_modules_on_module_load and link_modules_on_module_load….
Status Tracing::Impl::pin_programs() {
  for (const ProgramSet* set : sets()) {
    for (const auto& [name, fd] : set->attached()) {
      if (auto pinned = pins_->pin(fd, name); !pinned) return pinned;
    }
  }
  return {};
}

int Tracing::Impl::on_event(void* self, void* record, std::size_t bytes) {
  auto* impl = static_cast<Impl*>(self);
  const auto event = decode_event(record, bytes);
  if (event) {
    (*impl->handle_)(*event);
  } else if (!impl->event_error_) {
    impl->event_error_ = event.error();
  }
  return impl->turn_.after_record();
}

Status Tracing::Impl::open_ring() {
  const LibbpfLog log;
  ring_.reset(ring_buffer__new(modules_->map_fd("events"), on_event, this, nullptr));
  if (!ring_) return log.fail(errno, "cannot open the ring buffer");
  return {};
}

Status Tracing::Impl::open(const Options& options) {
  const auto kernel = KernelBtf::load();
  if (!kernel) return tl::unexpected(kernel.error());

  if (auto loaded = load_modules(options, *kernel); !loaded) return loaded;
  if (options.registry) {
    if (auto loaded = load_registry(options, *kernel); !loaded) return loaded;
  }
  if (options.calls || (options.tgid != 0 && !options.registry)) {
    if (auto loaded = load_causes(options, *kernel); !loaded) return loaded;
  }
  if (options.events) {
    if (auto opened = open_ring(); !opened) return opened;
  }
  if (!options.pin_dir.empty()) {
    if (auto pinned = pin_maps(options); !pinned) return pinned;
  }
  // From here on it counts.
  for (std::optional<ProgramSet>* set : {&modules_, &registry_, &causes_}) {
    if (*set) (*set)->attach(missing_);
  }
  if (first_line("/proc/sys/kernel/ftrace_enabled") == "0")
    missing_.emplace_back(
        "all programs at functions: ftrace is off, so that they are attached and do not run; "
        "sysctl kernel.ftrace_enabled=1");
  if (pins_ && options.pin_programs) return pin_programs();
  return {};
}

std::vector<const ProgramSet*> Tracing::Impl::sets() const {
  std::vector<const ProgramSet*> loaded;
  for (const std::optional<ProgramSet>* set : {&modules_, &registry_, &causes_}) {
    if (*set) loaded.push_back(&**set);
  }
  return loaded;
}

Result<Snapshot> Tracing::Impl::snapshot() const {
  Snapshot snapshot;
  if (auto read = read_modules(*modules_, snapshot); !read) return tl::unexpected(read.error());
  if (registry_) {
    if (auto read = read_registry(*registry_, snapshot); !read) {
      return tl::unexpected(read.error());
    }
  }
  if (auto read = read_drops(sets(), snapshot); !read) return tl::unexpected(read.error());
  return snapshot;
}

Result<std::vector<GetFailure>> Tracing::Impl::get_failures() const {
  std::vector<GetFailure> failures;
  if (registry_) {
    if (auto read = read_get_failures(*registry_, failures); !read) {
      return tl::unexpected(read.error());
    }
  }
  if (auto read = read_module_get_failures(*modules_, failures); !read) {
    return tl::unexpected(read.error());
  }
  return failures;
}

Result<Activity> Tracing::Impl::activity() const {
  Activity activity;
  if (auto read = read_module_activity(*modules_, activity); !read)
    return tl::unexpected(read.error());
  if (causes_) {
    if (auto read = read_call_failures(*causes_, activity); !read)
      return tl::unexpected(read.error());
  }
  auto failures = get_failures();
  if (!failures) return tl::unexpected(failures.error());
  activity.get_failures = std::move(*failures);
  return activity;
}

std::vector<std::uint64_t> Tracing::Impl::stack(std::int32_t number) const {
  return read_stack(modules_->map_fd("stacks"), number);
}

Result<FailureCause> Tracing::Impl::cause(pid_t tid, std::uint64_t since_ns) const {
  if (!causes_) return fail(EINVAL, "causes are not traced: no process was named to watch");
  const auto key = static_cast<std::uint32_t>(tid);
  raceless_caller seen{};
  if (bpf_map_lookup_and_delete_elem(causes_->map_fd("callers"), &key, &seen) != 0) {
    if (errno == ENOENT) return FailureCause::unknown;
    return fail_errno("cannot read the BPF map callers");
  }
  return classify(seen, since_ns);
}

Result<int> Tracing::Impl::poll(std::chrono::milliseconds timeout,
                                const std::function<void(const Event&)>& handle) {
  if (!ring_) return fail(EINVAL, "events are not traced: Tracing was opened without them");
  handle_ = &handle;
  event_error_.reset();
  turn_ = ReadingTurn(now_ns() + static_cast<std::uint64_t>(timeout.count()) * kNsPerMs);
  int events = ring_buffer__poll(ring_.get(), static_cast<int>(timeout.count()));
  // The programs wake nobody up while there is little to read (bpf/record.h).
  if (events == 0) events = ring_buffer__consume(ring_.get());
  handle_ = nullptr;
  if (event_error_) return tl::unexpected(*event_error_);
  if (events < 0 && events != ReadingTurn::kEnd && events != -EINTR)
    return fail(-events, "cannot read the ring buffer");
  return turn_.records();
}

Tracing::Tracing(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Tracing::~Tracing() = default;

Result<std::unique_ptr<Tracing>> Tracing::open(const Options& options) {
  auto impl = std::make_unique<Impl>();
  if (auto opened = impl->open(options); !opened) return tl::unexpected(opened.error());
  return std::unique_ptr<Tracing>(new Tracing(std::move(impl)));
}

const std::vector<std::string>& Tracing::missing() const { return impl_->missing(); }
Result<Snapshot> Tracing::snapshot() const { return impl_->snapshot(); }
Result<std::vector<GetFailure>> Tracing::get_failures() const { return impl_->get_failures(); }

bool Tracing::has_registry() const { return impl_->has_registry(); }

Result<Activity> Tracing::activity() const { return impl_->activity(); }

std::vector<std::uint64_t> Tracing::stack(std::int32_t number) const {
  return impl_->stack(number);
}

Result<FailureCause> Tracing::cause(pid_t tid, std::uint64_t since_ns) {
  return impl_->cause(tid, since_ns);
}

Result<int> Tracing::poll(std::chrono::milliseconds timeout,
                          const std::function<void(const Event&)>& handle) {
  return impl_->poll(timeout, handle);
}

}  // namespace raceless
