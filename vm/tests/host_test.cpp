// SPDX-License-Identifier: GPL-2.0
// The host's smaller parts, on fixtures in a temporary folder.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

#include "../host/accel.h"
#include "../host/archive.h"
#include "../host/cache.h"
#include "../host/case_file.h"
#include "../host/console.h"
#include "../host/junit.h"
#include "../host/kernel.h"
#include "../host/machine.h"
#include "../host/process.h"
#include "../host/qmp.h"
#include "../host/tree.h"

namespace raceless::vm {
namespace {

namespace fs = std::filesystem;

class Host : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "raceless-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  fs::path write(const std::string& name, const std::string& text) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return folder_ / name;
  }
  static std::string output(const Argv& argv) {
    auto finished = run_program(argv);
    return finished ? finished->out : finished.error().message();
  }

  fs::path folder_;
};

TEST_F(Host, AccelNeedsFlagDeviceAndABootThatWorks) {
  auto yes = [] { return true; };
  auto no = [] { return false; };
  write("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu sse\n");
  write("dev/kvm", "");
  EXPECT_EQ(choose_accel("auto", folder_, yes)->reason, "no vmx or svm flag in /proc/cpuinfo");
  write("proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu svm sse\n");
  EXPECT_EQ(choose_accel("auto", folder_, yes)->name, "kvm");
  EXPECT_EQ(choose_accel("auto", folder_, no)->name, "tcg");
  fs::remove(folder_ / "dev/kvm");
  EXPECT_EQ(choose_accel("auto", folder_, yes)->name, "tcg");
  EXPECT_FALSE(choose_accel("kvm", folder_, yes).has_value());
  EXPECT_EQ(choose_accel("tcg", folder_, yes)->name, "tcg");
  EXPECT_FALSE(choose_accel("xen", folder_, yes).has_value());
}

TEST_F(Host, ATreeBecomesAnArchiveThatCpioReads) {
  Tree tree;
  tree.add_link("/bin", "usr/bin");
  tree.add_text("/bin/tool", "#!/bin/sh\n", 0755);
  tree.add_text("/etc/a/b", "text");
  ASSERT_TRUE(tree.add_file("/root/data", write("data", std::string("\0\1\2", 3))).has_value());
  ASSERT_TRUE(tree.write(folder_ / "a.cpio").has_value());
  std::string list = output({"/bin/busybox", "cpio", "-t", "-F", (folder_ / "a.cpio").string()});
  EXPECT_EQ(list, "bin\netc\netc/a\netc/a/b\nroot\nroot/data\nusr\nusr/bin\nusr/bin/tool\n");
  EXPECT_EQ(fs::file_size(folder_ / "a.cpio") % 4, 0u);
  ASSERT_EQ(tree.sources().size(), 1u);
}

TEST_F(Host, EqualTreesAreEqualBytes) {
  for (const char* name : {"a", "b"}) {
    Tree tree;
    ASSERT_TRUE(tree.add_file("/x", write("x", "text")).has_value());
    ASSERT_TRUE(tree.write(folder_ / name).has_value());
  }
  EXPECT_EQ(run_program({"cmp", (folder_ / "a").string(), (folder_ / "b").string()})->status, 0);
}

TEST_F(Host, AMissingFileIsAnError) {
  Tree tree;
  EXPECT_FALSE(tree.add_file("/x", folder_ / "absent").has_value());
  EXPECT_FALSE(tree.add_file("/x", "/dev/null").has_value());
}

TEST_F(Host, ResultsComeOutOfADiskImage) {
  write("in/sub/f", "text");
  fs::path image = folder_ / "image";
  output({"tar", "-cf", image.string(), "-C", (folder_ / "in").string(), "."});
  fs::resize_file(image, 1 << 20);  // a disk is longer than its tar
  fs::create_directory(folder_ / "out");
  auto extracted = extract_tar(image, folder_ / "out");
  ASSERT_TRUE(extracted.has_value()) << extracted.error().message();
  EXPECT_EQ(fs::file_size(folder_ / "out/sub/f"), 4u);
}

TEST_F(Host, ResultsCannotLeaveTheirFolder) {
  write("in/f", "text");
  fs::path image = folder_ / "image";
  output({"tar", "-cPf", image.string(), "-C", (folder_ / "in").string(), "--transform",
          "s,^f$,../../escaped,", "f"});
  fs::create_directories(folder_ / "out/deep");
  EXPECT_FALSE(extract_tar(image, folder_ / "out/deep").has_value());
  EXPECT_FALSE(fs::exists(folder_ / "escaped"));
}

TEST_F(Host, ResultsReplaceNoFile) {
  write("in/case.json", "the guest's");
  write("out/case.json", "the host's");
  fs::path image = folder_ / "image";
  output({"tar", "-cf", image.string(), "-C", (folder_ / "in").string(), "."});
  EXPECT_FALSE(extract_tar(image, folder_ / "out").has_value());
  EXPECT_EQ(read_console(folder_ / "out/case.json"), "the host's");
}

TEST_F(Host, DamagedResultsAreAnError) {
  fs::create_directory(folder_ / "out");
  EXPECT_FALSE(extract_tar(write("image", std::string(4096, 'x')), folder_ / "out").has_value());
}

TEST_F(Host, TheCacheMakesOnceAndAgainWhenStale) {
  int made = 0;
  bool fresh = true;
  auto get = [&](const std::string& key) {
    return cached(
        folder_ / "cache", key, [&](const fs::path&) { return fresh; },
        [&](const fs::path& path) -> Status {
          ++made;
          std::ofstream(path / "made") << made;
          return {};
        });
  };
  ASSERT_TRUE(get("a").has_value());
  ASSERT_TRUE(get("a").has_value());
  EXPECT_EQ(made, 1);
  ASSERT_TRUE(get("b").has_value());
  EXPECT_EQ(made, 2);
  fresh = false;
  ASSERT_TRUE(get("a").has_value());
  EXPECT_EQ(made, 3);
}

TEST_F(Host, AFailureLeavesNothingInTheCache) {
  auto result = cached(
      folder_ / "cache", "a", [](const fs::path&) { return true; },
      [](const fs::path& path) -> Status {
        std::ofstream(path / "half") << "x";
        return fail(ENOSPC, "no space");
      });
  EXPECT_FALSE(result.has_value());
  for (const auto& entry : fs::directory_iterator(folder_ / "cache"))
    EXPECT_FALSE(entry.is_directory()) << entry.path();
}

TEST_F(Host, ACaseSaysWhatItNeeds) {
  auto parsed = parse_case("x/name.sh",
                           "#!/bin/sh\n# SPDX-License-Identifier: GPL-2.0\n# What it is: prose.\n"
                           "# smp: 4\n# timeout: 7\n# modules: dummy loop\n# needs: raceless\n"
                           "# expect: PANIC\n# cause: a.*b\n# append: x=1 y=2\n\n# smp: 8\n");
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
  EXPECT_EQ(parsed->name, "name");
  EXPECT_EQ(parsed->smp, 4u);
  EXPECT_EQ(parsed->timeout_s, 7u);
  EXPECT_EQ(parsed->modules, (std::vector<std::string>{"dummy", "loop"}));
  EXPECT_TRUE(parsed->raceless && parsed->results);
  EXPECT_EQ(parsed->expect, Verdict::Panic);
  EXPECT_EQ(parsed->append, "x=1 y=2");
  EXPECT_TRUE(parsed->runs_on("6.1"));
}

TEST_F(Host, ACaseSaysOnWhichKernels) {
  struct Row {
    const char* kernels;
    bool on_debug, on_kcsan;
  };
  for (const Row& row : {Row{"6.1 debug", true, false}, Row{"!debug", false, true},
                         Row{"!debug !kcsan", false, false}, Row{"debug !kcsan", true, false}}) {
    auto parsed = parse_case("x.sh", std::string("# SPDX\n# kernels: ") + row.kernels + "\n");
    ASSERT_TRUE(parsed.has_value());
    EXPECT_EQ(parsed->runs_on("debug"), row.on_debug) << row.kernels;
    EXPECT_EQ(parsed->runs_on("kcsan"), row.on_kcsan) << row.kernels;
  }
}

TEST_F(Host, ATypoInACaseIsAnErrorWithItsPlace) {
  for (const char* line : {"# smp: 0", "# smp: four", "# expect: OK", "# needs: everything",
                           "# timout: 3", "# cause: (", "# modules:"}) {
    auto parsed = parse_case("x.sh", std::string("# SPDX\n") + line + "\n");
    ASSERT_FALSE(parsed.has_value()) << line;
    EXPECT_NE(parsed.error().context.find("x.sh:2:"), std::string::npos);
  }
}

TEST_F(Host, AKeyThatIsGivenTwiceIsAnError) {
  auto parsed = parse_case("x.sh", "# SPDX\n# allow: ^a\n# smp: 2\n# allow: ^b\n");
  ASSERT_FALSE(parsed.has_value());
  EXPECT_NE(parsed.error().context.find("x.sh:4: allow: is given twice"), std::string::npos);
}

TEST_F(Host, AnUnknownCaseListsTheKnown) {
  write("cases/one.sh", "# SPDX\n");
  write("cases/two.sh", "# SPDX\n");
  EXPECT_EQ(find_cases(folder_ / "cases", "")->size(), 2u);
  EXPECT_EQ(find_cases(folder_ / "cases", "t*")->size(), 1u);
  EXPECT_EQ(find_cases(folder_ / "cases", "one")->size(), 1u);
  write("cases/more/one.sh", "# SPDX\n");
  EXPECT_EQ(find_cases(folder_ / "cases", "one")->size(), 1u);
  EXPECT_EQ(find_cases(folder_ / "cases", "more/*")->at(0).name, "more/one");
  auto absent = find_cases(folder_ / "cases", "three");
  ASSERT_FALSE(absent.has_value());
  EXPECT_NE(absent.error().context.find("more/one one two"), std::string::npos);
}

TEST_F(Host, TheConsoleIsFollowedAcrossPieces) {
  fs::path log = write("console.log", "[    0.1] a line\n[    0.2] Kernel pan");
  Console console(log);
  console.follow();
  EXPECT_FALSE(console.panicked());
  std::ofstream(log, std::ios::app) << "ic - not syncing: x\n\n";
  console.follow();
  EXPECT_TRUE(console.panicked());
  EXPECT_EQ(last_line(read_console(log)), "Kernel panic - not syncing: x");
  EXPECT_EQ(read_console(folder_ / "absent"), "");
}

TEST_F(Host, ADumpSaysWhereTheGuestIsStuck) {
  EXPECT_EQ(where_stuck("[ 1.0] sysrq: Show Blocked State\n"), "");
  EXPECT_EQ(where_stuck("[ 1.0] task:insmod          state:D stack:0     pid:140\n"
                        "[ 1.0]  schedule+0x5d/0xe0\n"
                        "[ 1.0]  bad_init+0xa1/0xff0 [bad]\n"
                        "[ 1.0]  bad_caller+0xa1/0xff0 [bad]\n"
                        "[ 1.1] task:cat             state:D stack:0     pid:141\n"
                        "[ 1.2] task:sh              state:S stack:0     pid:142\n"
                        "[ 1.2]  bad_read+0xa1/0xff0 [bad]\n"),
            "blocked: insmod in bad_init+0xa1/0xff0 [bad], cat");
  EXPECT_EQ(where_stuck("[ 2.0] Kernel panic - not syncing: NMI: Not continuing\n"
                        "[ 2.1] RIP: 0010:pv_native_safe_halt+0xf/0x20\n"),
            "init does not answer, though a CPU was idle");
  EXPECT_EQ(where_stuck("[ 1.0] RIP: 0010:pv_native_safe_halt+0xf/0x20\n"
                        "[ 2.0] Kernel panic - not syncing: NMI: Not continuing\n"
                        "[ 2.1] RIP: 0010:bad_init+0xa1/0xff0 [bad]\n"
                        "[ 2.2] RIP: 0033:0x47fbe9\n"),
            "stuck in bad_init+0xa1/0xff0 [bad]");
}

TEST_F(Host, AFloodIsNamedByWhatIsMostOfIt) {
  std::string log = "[ 1.0] a line\n";
  for (int i = 0; i < 99; ++i)
    log += "[ 2." + std::to_string(i) + "] noise number " + std::to_string(i) + "\n";
  EXPECT_EQ(most_said(log), "99 % of it: noise number 0");
  EXPECT_EQ(most_said(""), "nothing");
}

TEST_F(Host, QemuSaysWhyTheMachineEnded) {
  Qmp qmp(folder_);
  qmp.attend();
  EXPECT_EQ(qmp.fd(), -1);
  EXPECT_FALSE(qmp.inject_nmi().has_value());
  Fd server(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::string path = (folder_ / qmp_socket).string();
  ASSERT_LT(path.copy(address.sun_path, sizeof address.sun_path - 1), sizeof address.sun_path - 1);
  ASSERT_EQ(bind(server.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(listen(server.get(), 1), 0);
  qmp.attend();
  ASSERT_NE(qmp.fd(), -1);
  Fd peer(accept(server.get(), nullptr, nullptr));
  auto say = [&](const std::string& text) {
    EXPECT_EQ(::write(peer.get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    qmp.attend();
  };
  say("{\"QMP\": {}}\r\n{\"return\": {}}\r\nno json\r\n[]\r\n");
  say("{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, ");
  EXPECT_EQ(qmp.shutdown_reason(), "");
  say("\"reason\": \"guest-reset\"}}\r\n{\"event\": \"STOP\"}\r\n");
  EXPECT_EQ(qmp.shutdown_reason(), "guest-reset");
  EXPECT_TRUE(qmp.inject_nmi().has_value());
}

TEST_F(Host, TheXmlIsEscaped) {
  std::string xml =
      junit_xml({{"6.1", "a", true, 1.5, ""}, {"6.1", "b", false, 0, "<&\"\1>", {"a > b"}}});
  EXPECT_NE(xml.find("tests=\"2\" failures=\"1\""), std::string::npos);
  EXPECT_NE(xml.find("message=\"&lt;&amp;&quot;?&gt;\">a &gt; b\n</failure>"), std::string::npos);
}

TEST_F(Host, DetectorsWaitLongerOnALoadedHost) {
  EXPECT_EQ(patience_for(0.0, 4, 2), 1u);
  EXPECT_EQ(patience_for(2.0, 2, 4), 3u);
  EXPECT_EQ(patience_for(1000.0, 2, 4), 8u);
  EXPECT_EQ(patience_for(0.0, 0, 1), 1u);
  EXPECT_EQ(stretched_limit(30, 1), 30u);
  EXPECT_EQ(stretched_limit(30, 3), 90u);
  EXPECT_EQ(stretched_limit(300, 8), 600u);
  EXPECT_EQ(stretched_limit(0, 8), 0u);
}

TEST_F(Host, WhatAKernelsGuestNeedsFollowsFromItsConfiguration) {
  write("config", "# CONFIG_KASAN is not set\nCONFIG_ACPI=y\n");
  const Kernel plain{folder_, "6.12"};
  EXPECT_EQ(plain.weight(), 1u);
  EXPECT_FALSE(plain.lacks_clock());
  write("config", "CONFIG_KASAN=y\n# CONFIG_ACPI is not set\n");
  EXPECT_GT(plain.weight(), 1u);
  EXPECT_TRUE(plain.lacks_clock());
}

TEST_F(Host, PerturbationIsAPercentageAndPerhapsASeed) {
  EXPECT_EQ(perturbation_arguments(nullptr).value(), "");
  EXPECT_EQ(perturbation_arguments("").value(), "");
  EXPECT_EQ(perturbation_arguments("10").value(),
            "raceless.perturb_percent=10 raceless.perturb_seed=1");
  EXPECT_EQ(perturbation_arguments("100:7").value(),
            "raceless.perturb_percent=100 raceless.perturb_seed=7");
  for (const char* wrong : {"101", "ten", "10:", ":7", "10:x", "-1"}) {
    const auto refused = perturbation_arguments(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_NE(refused.error().context.find(wrong), std::string::npos);
  }
}

TEST_F(Host, TheSavedScriptIsAShellScriptWithRelativeNames) {
  Machine machine;
  machine.results_disk = true;
  machine.append = {"it's=quoted"};
  fs::path script = write("qemu-cmd", machine.script(60));
  EXPECT_EQ(run_program({"sh", "-n", script.string()})->status, 0);
  EXPECT_EQ(machine.script(60).find(folder_.string()), std::string::npos);
}

TEST_F(Host, AProgramThatIsNotThereIsAnError) {
  EXPECT_FALSE(run_program({"no-such-program-here"}).has_value());
  EXPECT_EQ(run_program({"sh", "-c", "echo out; exit 3"})->status, 3);
  EXPECT_EQ(run_program({"sh", "-c", "kill -9 $$"})->status, 137);
}

}  // namespace
}  // namespace raceless::vm
