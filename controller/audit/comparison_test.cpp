// SPDX-License-Identifier: GPL-2.0
#include "audit/comparison.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace raceless {
namespace {

TEST(Comparison, AgreesWhenAllSourcesSayTheSame) {
  Comparison comparison;
  comparison.add("gets", {{"/proc/raceless", 7}, {"tracepoints", 7}, {"run.json", 7}});
  EXPECT_EQ(comparison.disagreement(), nullptr);
  EXPECT_EQ(comparison.summary(), "agree: 1 numbers compared");
}

TEST(Comparison, NamesTheNumberAndEachSourcesValue) {
  Comparison comparison;
  comparison.add("puts", {{"a", 1}, {"b", 1}});
  comparison.begin("load 2");
  comparison.add("gets", {{"/proc/raceless", 1231}, {"tracepoints", 1230}});
  comparison.add("calls", {{"a", 1}, {"b", 2}});
  EXPECT_EQ(comparison.summary(),
            "numbers disagree: load 2: gets: /proc/raceless 1231, tracepoints 1230; and 1 more");
}

TEST(Comparison, SilenceAgreesWithNobody) {
  Comparison comparison;
  comparison.add("gets", {{"a", std::nullopt}, {"b", std::nullopt}});
  ASSERT_NE(comparison.disagreement(), nullptr);
  EXPECT_EQ(comparison.disagreement()->text(), "gets: a says nothing, b says nothing");
}

TEST(Comparison, WritesEveryNumber) {
  Comparison comparison;
  comparison.add("gets", {{"a", 1}, {"b", std::nullopt}});
  const nlohmann::json json = comparison.to_json();
  ASSERT_EQ(json.size(), 1U);
  EXPECT_EQ(json[0]["number"], "gets");
  EXPECT_EQ(json[0]["agrees"], false);
  EXPECT_EQ(json[0]["readings"]["a"], 1);
  EXPECT_TRUE(json[0]["readings"]["b"].is_null());
}

}  // namespace
}  // namespace raceless
