// SPDX-License-Identifier: GPL-2.0
// Files as kernels wrote them: what agrees there must not when any one number is another.
#include "audit/books.h"

#include <gtest/gtest.h>

#include "text_file.h"

namespace raceless {
namespace {

std::string fixture(const std::string& name) {
  return read_text(RACELESS_SOURCE_DIR "/controller/audit/fixtures/" + name).value();
}

struct Files {
  std::string state = fixture("raceless");
  std::string ledger = fixture("raceless_ledger");
  std::string modules = fixture("modules");
};

Comparison compare(const Files& files) {
  Comparison comparison;
  const Ledger ledger = Ledger::parse(files.ledger).value();
  compare_unloaded(ledger.books.at(0), comparison);
  compare_loaded(StateFile::parse(files.state).value(), ledger.books.at(1),
                 parse_module_list(files.modules).value(), comparison);
  return comparison;
}

// The line that begins so, with another last word.
std::string change(std::string text, const std::string& line, const std::string& value,
                   size_t from = 0) {
  text.insert(0, "\n");  // the first line is one like the others
  const size_t at = text.find("\n" + line + " ", from);
  EXPECT_NE(at, std::string::npos) << line;
  const size_t end = text.find('\n', at + 1);
  const size_t word = text.rfind(' ', end) + 1;
  EXPECT_NE(text.substr(word, end - word), value) << line;
  return text.replace(word, end - word, value).substr(1);
}

TEST(Books, AgreeAsTheKernelWroteThem) {
  const Comparison comparison = compare({});
  EXPECT_EQ(comparison.disagreement(), nullptr) << comparison.summary();
  EXPECT_GT(comparison.numbers().size(), 120U);
}

TEST(Books, EveryTotalOfTheRegistryCounts) {
  for (const char* key : {"gets",
                          "puts",
                          "publishes",
                          "handed_off",
                          "init_failures",
                          "unloads",
                          "replacements",
                          "replace_failures",
                          "flights",
                          "flights_in_place",
                          "flight_errors",
                          "modprobes",
                          "waits",
                          "descriptors_opened",
                          "descriptors_closed",
                          "to_gone",
                          "to_loading",
                          "to_live",
                          "to_stopping",
                          "to_draining",
                          "to_destroying",
                          "get_failures_absent",
                          "get_failures_memory",
                          "broken_1",
                          "broken_8"}) {
    Files files;
    files.state = change(files.state, std::string("# total ") + key, "4711");
    EXPECT_NE(compare(files).disagreement(), nullptr) << key;
    Files unloaded;
    unloaded.ledger = change(unloaded.ledger, std::string("total ") + key, "4711");
    EXPECT_NE(compare(unloaded).disagreement(), nullptr) << key << " at the exit";
  }
}

TEST(Books, EveryTracepointCounts) {
  const std::string ledger = fixture("raceless_ledger");
  for (const char* key : {"transition_0_1",
                          "transition_1_2",
                          "transition_2_3",
                          "transition_4_5_ns",
                          "publish",
                          "publish_handed_off",
                          "replace_ok",
                          "replace_failed",
                          "stop",
                          "stop_ns",
                          "grace_period_polite",
                          "grace_period_ns",
                          "grace_period_instances",
                          "get_fail_1",
                          "get_fail_8",
                          "wait_begin",
                          "wait_ok",
                          "wait_ok_ns",
                          "wait_failed",
                          "flight_start",
                          "flight_end_ok",
                          "flight_end_failed",
                          "flight_end_ns",
                          "flight_in_place",
                          "flight_tries",
                          "broken_3",
                          "out_of_range"}) {
    for (const size_t from : {size_t{0}, ledger.find("book 2")}) {
      Files files;
      files.ledger = change(ledger, key, "4711", from);
      EXPECT_NE(compare(files).disagreement(), nullptr) << key;
    }
  }
}

TEST(Books, ATotalThatIsNotThereDisagrees) {
  Files files;
  const size_t at = files.state.find("# total gets ");
  files.state.erase(at, files.state.find('\n', at) + 1 - at);
  const Comparison comparison = compare(files);
  ASSERT_NE(comparison.disagreement(), nullptr);
  EXPECT_NE(comparison.summary().find("says nothing"), std::string::npos);
}

// Count, sum and maximum are right, but each value is counted one bucket too high.
TEST(Books, AValueInTheWrongBucketShows) {
  Files files;
  const size_t at = files.state.find("# histogram stop_ns");
  for (const auto& [bucket, agrees] : {std::pair("1024", true), std::pair("1152", false)}) {
    files.state.replace(
        at, files.state.find('\n', at) - at,
        std::string("# histogram stop_ns count=2 sum=2100 max=1060 ") + bucket + ":2");
    const Comparison comparison = compare(files);
    for (const Number& number : comparison.numbers()) {
      if (number.name == "stop_ns sum") {
        EXPECT_EQ(number.agrees(), agrees) << bucket;
      }
    }
  }
}

TEST(Books, AReferenceTooManyOnAModuleShows) {
  Files files;
  const size_t at = files.modules.find("raceless ");
  const size_t count = files.modules.find(' ', at + 9) + 1;
  files.modules.replace(count, 1, "7");
  const Comparison comparison = compare(files);
  ASSERT_NE(comparison.disagreement(), nullptr);
  EXPECT_EQ(comparison.disagreement()->name, "references on raceless");
}

TEST(Books, ModuleEventsBalance) {
  const auto events = [] {
    ModuleEvents all;
    all.loads = HistTrigger::parse(fixture("module_load")).value();
    all.frees = HistTrigger::parse(fixture("module_free")).value();
    all.gets = HistTrigger::parse(fixture("module_get")).value();
    all.puts = HistTrigger::parse(fixture("module_put")).value();
    return all;
  };
  ModuleList modules = parse_module_list(fixture("modules")).value();
  for (auto& [name, module] : modules) module.sysfs_count = module.references;
  Comparison good;
  compare_modules(events(), modules, good);
  EXPECT_EQ(good.disagreement(), nullptr) << good.summary();
  EXPECT_GT(good.numbers().size(), 8U);
  for (HistTrigger ModuleEvents::*which :
       {&ModuleEvents::loads, &ModuleEvents::frees, &ModuleEvents::gets, &ModuleEvents::puts}) {
    ModuleEvents off = events();
    (off.*which).hits["raceless_sample_null"]++;
    Comparison bad;
    compare_modules(off, modules, bad);
    EXPECT_NE(bad.disagreement(), nullptr);
    ModuleEvents dropped = events();
    (dropped.*which).dropped++;
    Comparison lossy;
    compare_modules(dropped, modules, lossy);
    EXPECT_NE(lossy.disagreement(), nullptr);
  }
}

TEST(Ledger, WhatMakesNoSenseIsRefused) {
  EXPECT_TRUE(Ledger::parse("lost 0\n"));
  EXPECT_EQ(Ledger::parse("lost 3\n")->lost, 3U);
  for (const char* text :
       {"lost\n", "publish 3\n", "lost 0\nbook 1 ajar\n", "lost 0\nbook 1 open\npublish x\n",
        "lost 0\nbook 1 open\npublish 1\npublish 2\n", "lost 0\n\n"})
    EXPECT_FALSE(Ledger::parse(text)) << text;
}

TEST(HistTrigger, WhatMakesNoSenseIsRefused) {
  EXPECT_FALSE(HistTrigger::parse(""));
  EXPECT_FALSE(HistTrigger::parse("{ name: a } hitcount: x\nTotals:\n Hits: 1\n Dropped: 0\n"));
  EXPECT_FALSE(HistTrigger::parse("{ name: a }\nTotals:\n Hits: 1\n Dropped: 0\n"));
  EXPECT_TRUE(HistTrigger::parse("Totals:\n    Hits: 0\n    Entries: 0\n    Dropped: 0\n"));
}

TEST(ModuleList, ReadsCountsAndUsers) {
  const auto modules = parse_module_list(
      "crypto_simd 16384 2 aesni,other, Live 0xffffffffc0481000\n"
      "ledger 12288 0 [permanent], Live 0x0 (OE)\nraceless 1 0 - Live 0x0 (OE)\n");
  ASSERT_TRUE(modules);
  EXPECT_EQ(modules->at("crypto_simd").references, 2U);
  EXPECT_EQ(modules->at("crypto_simd").users.size(), 2U);
  EXPECT_TRUE(modules->at("ledger").users.empty());
  EXPECT_TRUE(modules->at("raceless").users.empty());
  EXPECT_FALSE(parse_module_list("raceless 1 x - Live 0x0\n"));
}

}  // namespace
}  // namespace raceless
