// SPDX-License-Identifier: GPL-2.0
#include "doctor.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "text_file.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

// A machine on which everything is there.
class DoctorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = testing::TempDir() + "doctor-XXXXXX";
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    root_ = folder;
    put("/proc/modules", "");
    put("/proc/sys/kernel/modules_disabled", "0\n");
    put("/proc/sys/kernel/osrelease", "6.12.0-test\n");
    put("/proc/sys/kernel/modprobe", "/sbin/modprobe\n");
    put("/proc/sys/kernel/dmesg_restrict", "1\n");
    put("/proc/sys/kernel/unprivileged_bpf_disabled", "2\n");
    put("/proc/self/status", "Name:\traceless\nCapEff:\t000001ffffffffff\n");
    put("/proc/self/mounts", "bpf /sys/fs/bpf bpf rw 0 0\n");
    put("/proc/kallsyms",
        "0000000000000000 T try_module_get\n0000000000000000 T __traceiter_module_load\n"
        "0000000000000000 T register_ftrace_direct\n");
    put("/sbin/modprobe", "");
    chmod((root_ + "/sbin/modprobe").c_str(), 0755);
    put("/lib/modules/6.12.0-test/modules.dep", "updates/raceless_sample_codec.ko: x.ko\n");
    put("/proc/sys/kernel/ftrace_enabled", "1\n");
    put("/sys/kernel/sched_ext/state", "disabled\n");
    put("/sys/kernel/btf/raceless", "");
    put("/dev/kmsg", "");
    put("/dev/raceless", "");
    put("/sys/module/raceless/initstate", "live\n");
    put("/sys/module/module/parameters/sig_enforce", "N\n");
    put("/sys/kernel/security/lockdown", "[none] integrity confidentiality\n");
    put("/sys/kernel/btf/vmlinux", "");
  }

  void TearDown() override { fs::remove_all(root_); }

  void put(const std::string& path, const std::string& text) const {
    fs::create_directories(fs::path(root_ + path).parent_path());
    ASSERT_TRUE(write_text(root_ + path, text));
  }

  static const Check& find(const std::vector<Check>& checks, const std::string& name) {
    const auto found = std::ranges::find(checks, name, &Check::name);
    if (found == checks.end()) throw std::runtime_error("no check " + name);
    return *found;
  }

  [[nodiscard]] bool answer(const std::string& name) const {
    return find(diagnose(root_).checks, name).yes;
  }
  [[nodiscard]] bool ability(const std::string& name) const {
    return find(diagnose(root_).abilities, name).yes;
  }

  std::string root_;
};

TEST_F(DoctorTest, AGoodMachineCanDoEverything) {
  const Diagnosis diagnosis = diagnose(root_);
  for (const Check& check : diagnosis.checks) EXPECT_TRUE(check.yes) << check.name;
  for (const Check& check : diagnosis.abilities) EXPECT_TRUE(check.yes) << check.name;
}

TEST_F(DoctorTest, AnEmptyMachineCanDoNothingAndEveryNoHasARemedy) {
  const std::string empty = root_ + "/empty";
  fs::create_directories(empty);
  const Diagnosis diagnosis = diagnose(empty);
  for (const Check& check : diagnosis.checks)
    EXPECT_TRUE(check.yes || !check.remedy.empty()) << check.name;
  for (const Check& check : diagnosis.abilities) EXPECT_FALSE(check.yes) << check.name;
}

TEST_F(DoctorTest, SeesWhatForbidsModules) {
  put("/proc/sys/kernel/modules_disabled", "1\n");
  EXPECT_FALSE(answer("module_loading"));
  EXPECT_FALSE(ability("storm_stock"));
  EXPECT_TRUE(ability("trace"));
}

TEST_F(DoctorTest, ReadsCapabilities) {
  // All but CAP_SYS_MODULE (bit 16).
  put("/proc/self/status", "CapEff:\t000001fffffeffff\n");
  EXPECT_FALSE(answer("cap_sys_module"));
  EXPECT_TRUE(answer("cap_bpf"));
  // CAP_BPF (39) without CAP_PERFMON (38) and CAP_SYS_ADMIN (21).
  put("/proc/self/status", "CapEff:\t0000008000000000\n");
  EXPECT_FALSE(answer("cap_bpf"));
  put("/proc/self/status", "CapEff:\t000000c000000000\n");
  EXPECT_TRUE(answer("cap_bpf"));
  put("/proc/self/status", "CapEff:\t0000000000000000\n");
  EXPECT_FALSE(answer("kernel_log"));
}

TEST_F(DoctorTest, SeesLockdownAndSignatures) {
  put("/sys/kernel/security/lockdown", "none [integrity] confidentiality\n");
  put("/sys/module/module/parameters/sig_enforce", "Y\n");
  EXPECT_FALSE(answer("no_lockdown"));
  EXPECT_FALSE(answer("unsigned_modules"));
  EXPECT_TRUE(ability("storm_stock"));
  EXPECT_FALSE(ability("storm_module"));
}

TEST_F(DoctorTest, ConfidentialityKeepsProgramsFromReading) {
  put("/sys/kernel/security/lockdown", "none integrity [confidentiality]\n");
  EXPECT_FALSE(answer("bpf_reads_kernel"));
  EXPECT_FALSE(ability("trace"));
}

TEST_F(DoctorTest, ModprobeMustBeExecutable) {
  chmod((root_ + "/sbin/modprobe").c_str(), 0644);
  EXPECT_FALSE(answer("modprobe"));
  put("/proc/sys/kernel/modprobe", "\n");
  EXPECT_FALSE(answer("modprobe"));
}

TEST_F(DoctorTest, AnAbilityNamesWhatItLacks) {
  fs::remove(root_ + "/sys/kernel/btf/vmlinux");
  const Diagnosis diagnosis = diagnose(root_);
  EXPECT_EQ(find(diagnosis.abilities, "trace").detail, "needs kernel_btf, fexit_try_module_get");
}

TEST_F(DoctorTest, TheRegistryMayBeInstalledRatherThanLoaded) {
  fs::remove_all(root_ + "/sys/module/raceless");
  EXPECT_FALSE(answer("registry"));
  EXPECT_FALSE(ability("storm_registry"));
  put("/lib/modules/6.12.0-test/modules.dep",
      "updates/raceless.ko:\nupdates/raceless_sample_codec.ko: updates/raceless.ko\n");
  EXPECT_TRUE(answer("registry"));
  EXPECT_TRUE(ability("storm_registry"));
}

TEST_F(DoctorTest, TheRegistryAloneHasNothingToStorm) {
  put("/lib/modules/6.12.0-test/modules.dep", "updates/raceless.ko:\n");
  EXPECT_FALSE(ability("storm_registry"));
  EXPECT_TRUE(ability("gate"));
}

TEST_F(DoctorTest, TheGateNeedsTheTypesOfTheRegistry) {
  fs::remove(root_ + "/sys/kernel/btf/raceless");
  EXPECT_EQ(find(diagnose(root_).abilities, "gate").detail, "needs registry_btf");
  fs::remove_all(root_ + "/sys/module/raceless");
  EXPECT_EQ(find(diagnose(root_).checks, "registry_btf").detail, "it is not loaded");
}

TEST_F(DoctorTest, FtraceMayBeOff) {
  put("/proc/sys/kernel/ftrace_enabled", "0\n");
  EXPECT_FALSE(ability("gate"));
  EXPECT_FALSE(ability("trace"));
  EXPECT_TRUE(ability("holders"));
}

TEST_F(DoctorTest, PerturbingNeedsSchedExt) {
  fs::remove_all(root_ + "/sys/kernel/sched_ext");
  EXPECT_EQ(find(diagnose(root_).abilities, "perturb").detail, "needs sched_ext");
}

TEST_F(DoctorTest, JsonHasTheSameAnswers) {
  fs::remove_all(root_ + "/sys/module/raceless");
  const nlohmann::json json = diagnosis_json(diagnose(root_));
  EXPECT_EQ(json["schema"], 1);
  for (const nlohmann::json& check : json["checks"])
    EXPECT_EQ(check["yes"], check["name"] != "registry") << check["name"];
}

}  // namespace
}  // namespace raceless
