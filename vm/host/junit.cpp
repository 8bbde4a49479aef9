// SPDX-License-Identifier: GPL-2.0
#include "junit.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>

namespace raceless::vm {
namespace {

// Control characters have no place in XML, not even escaped.
std::string escaped(const std::string& text) {
  std::string result;
  for (char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result +=
            static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e ? '?' : c;
    }
  }
  return result;
}

}  // namespace

std::string junit_xml(const std::vector<TestResult>& results) {
  auto failures = std::count_if(results.begin(), results.end(), [](auto& r) { return !r.passed; });
  std::string xml = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuite name=\"raceless\" tests=\"{}\" failures=\"{}\">\n",
      results.size(), failures);
  for (const TestResult& r : results) {
    xml += fmt::format("  <testcase classname=\"{}\" name=\"{}\" time=\"{:.3f}\"", escaped(r.group),
                       escaped(r.name), r.seconds);
    std::string said;
    for (const std::string& line : r.diagnostics) said += escaped(line) + "\n";
    xml += r.passed ? "/>\n"
                    : fmt::format(">\n    <failure message=\"{}\">{}</failure>\n  </testcase>\n",
                                  escaped(r.message), said);
  }
  return xml + "</testsuite>\n";
}

Status write_junit(const std::filesystem::path& file, const std::vector<TestResult>& results) {
  std::ofstream out(file);
  out << junit_xml(results);
  out.flush();
  if (!out) return fail(EIO, "cannot write " + file.string());
  return {};
}

}  // namespace raceless::vm
