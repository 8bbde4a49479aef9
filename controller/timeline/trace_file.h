// SPDX-License-Identifier: GPL-2.0
// A file in the JSON of Chrome's trace viewer ("Trace Event Format"), which Perfetto opens too.
#ifndef RACELESS_CONTROLLER_TIMELINE_TRACE_FILE_H
#define RACELESS_CONTROLLER_TIMELINE_TRACE_FILE_H

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace raceless {

// The viewer's words: a process is a group of tracks, a thread is a track.
struct Track {
  uint32_t group = 0;
  uint32_t track = 0;
};

class TraceFile {
 public:
  // Times are counted from the origin; what is before it starts there.
  explicit TraceFile(uint64_t origin_ns) : origin_ns_(origin_ns) {}

  // Groups and tracks are shown in the order of their numbers.
  void name_group(uint32_t group, const std::string& name);
  void name_track(const Track& track, const std::string& name);

  // Slices of one track are nested or apart, never across each other.
  void slice(const Track& track, const std::string& name, uint64_t begin_ns, uint64_t end_ns,
             const nlohmann::json& arguments = {});
  void instant(const Track& track, const std::string& name, uint64_t time_ns,
               const nlohmann::json& arguments = {});
  // Each end is drawn at the innermost slice that is there at its time.
  void arrow(const std::string& name, const Track& from, uint64_t from_ns, const Track& to,
             uint64_t to_ns);

  [[nodiscard]] std::string text(const nlohmann::json& about);

 private:
  struct Line {
    uint64_t begin_ns = 0;
    uint64_t duration_ns = 0;
    std::string text;
  };

  void add(const char* phase, const Track& track, const std::string& name, uint64_t time_ns,
           uint64_t duration_ns, const std::string& more);
  void add_name(const char* kind, const Track& track, const std::string& name);
  void add_order(const char* kind, const Track& track, uint32_t order);

  uint64_t origin_ns_;
  uint64_t nr_arrows_ = 0;
  std::vector<std::string> names_;
  std::vector<Line> lines_;
};

}  // namespace raceless

#endif
