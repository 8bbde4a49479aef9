// SPDX-License-Identifier: GPL-2.0
#include "leaks/tested_code.h"

#include <fcntl.h>
#include <gelf.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <array>
#include <filesystem>

#include "file_descriptor.h"

namespace raceless {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTextBytes = 0x1200;
constexpr uint64_t kInitValue = 0x10;

// A module as kbuild makes it, as far as it matters: .text with "first" (a call that returns to
// 0x25 in each of its two pages) and "second" (one to 0x1105), and .init.text with "start" (to
// 0x25).
class TestedCodeTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "raceless-test-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    module_ = folder_ / "mine.ko";
    text_.fill(0x90);
    text_[0x20] = text_[0x1100] = init_[0x20] = 0xe8;
    write_module();
    code_.add("mine", module_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  // "leak+0x1f [mine], gone", or nothing.
  std::string find(std::string_view frame) const {
    const auto place = code_.find(frame);
    if (!place) return "";
    return place->name + (place->gone ? ", gone" : "");
  }

  TestedCode code_;
  fs::path folder_;
  fs::path module_;

 private:
  static void add_section(Elf* elf, const GElf_Shdr& wanted, void* bytes, size_t size,
                          Elf_Type type) {
    Elf_Scn* section = elf_newscn(elf);
    Elf_Data* data = elf_newdata(section);
    data->d_buf = bytes;
    data->d_size = size;
    data->d_type = type;
    data->d_align = wanted.sh_addralign;
    GElf_Shdr header;
    gelf_getshdr(section, &header);
    header.sh_name = wanted.sh_name;
    header.sh_type = wanted.sh_type;
    header.sh_flags = wanted.sh_flags;
    header.sh_link = wanted.sh_link;
    header.sh_entsize = wanted.sh_entsize;
    gelf_update_shdr(section, &header);
  }

  void write_module() {
    const FileDescriptor file(open(module_.c_str(), O_RDWR | O_CREAT, 0644));
    elf_version(EV_CURRENT);
    Elf* elf = elf_begin(file.get(), ELF_C_WRITE, nullptr);
    gelf_newehdr(elf, ELFCLASS64);
    GElf_Ehdr header;
    gelf_getehdr(elf, &header);
    header.e_type = ET_REL;
    header.e_machine = EM_X86_64;
    header.e_shstrndx = 4;
    gelf_update_ehdr(elf, &header);
    std::string names("\0.text\0.init.text\0.symtab\0.strtab\0first\0second\0start\0", 53);
    const auto at = [&names](const char* name) {
      return static_cast<Elf64_Word>(names.find(name));
    };
    const unsigned char function = GELF_ST_INFO(STB_LOCAL, STT_FUNC);
    std::array<Elf64_Sym, 4> symbols = {{{},
                                         {at("first"), function, 0, 1, 0, 0x1000},
                                         {at("second"), function, 0, 1, 0x1000, 0x200},
                                         {at("start"), function, 0, 2, kInitValue, 0x30}}};
    GElf_Shdr code{};
    code.sh_type = SHT_PROGBITS;
    code.sh_flags = SHF_ALLOC | SHF_EXECINSTR;
    code.sh_addralign = 16;
    code.sh_name = at(".text");
    add_section(elf, code, text_.data(), text_.size(), ELF_T_BYTE);
    code.sh_name = at(".init.text");
    add_section(elf, code, init_.data(), init_.size(), ELF_T_BYTE);
    GElf_Shdr table{};
    table.sh_type = SHT_SYMTAB;
    table.sh_addralign = 8;
    table.sh_link = 4;
    table.sh_entsize = sizeof(Elf64_Sym);
    table.sh_name = at(".symtab");
    add_section(elf, table, symbols.data(), sizeof symbols, ELF_T_SYM);
    GElf_Shdr strings{};
    strings.sh_type = SHT_STRTAB;
    strings.sh_addralign = 1;
    strings.sh_name = at(".strtab");
    add_section(elf, strings, names.data(), names.size(), ELF_T_BYTE);
    EXPECT_GT(elf_update(elf, ELF_C_WRITE), 0) << elf_errmsg(-1);
    elf_end(elf);
  }

  std::array<uint8_t, kTextBytes> text_{};
  std::array<uint8_t, 0x40> init_{};
};

TEST_F(TestedCodeTest, ALiveModuleIsNamedByTheKernel) {
  EXPECT_EQ(find("leak+0x1f/0x30 [mine]"), "leak+0x1f [mine]");
  EXPECT_EQ(find("leak+0x1f/0x30 [other]"), "");
  EXPECT_EQ(find("param_attr_store+0x94/0xe0"), "");
  EXPECT_EQ(find(""), "");
}

TEST_F(TestedCodeTest, AnAddressIsTheCallBeforeIt) {
  EXPECT_EQ(find("0xffffffffc03b9105"), "second+0x105 [mine], gone");
  EXPECT_EQ(find("0xffffffffc054f025"), "first+0x25 [mine] or start+0x15 [mine], gone");
}

TEST_F(TestedCodeTest, AnAddressOfOtherCodeIsNotOurs) {
  EXPECT_EQ(find("0xffffffffc03b9106"), "code that is gone (at …106)");
  EXPECT_EQ(find("0xffffffffc03b9000"), "code that is gone (at …000)");
}

TEST_F(TestedCodeTest, AFileThatCannotBeReadHasNoNames) {
  TestedCode code;
  code.add("mine", folder_ / "absent");
  EXPECT_TRUE(code.find("leak+0x1f/0x30 [mine]"));
  EXPECT_EQ(code.find("0xffffffffc03b9105")->name, "code that is gone (at …105)");
}

}  // namespace
}  // namespace raceless
