// SPDX-License-Identifier: GPL-2.0
#include "leaks/tested_code.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gelf.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>

#include "file_descriptor.h"

namespace raceless {

namespace {

constexpr uint64_t kPage = 4096;
constexpr uint8_t kCall = 0xe8;          // with 4 bytes of distance
constexpr uint8_t kCallIndirect = 0xff;  // with a register in the second byte

struct ElfEnd {
  void operator()(Elf* elf) const { elf_end(elf); }
};

// Where the kernel puts a section: those of init are freed after it, so they lie apart.
struct Placed {
  size_t region;
  uint64_t offset;
};

bool returns_to(const std::vector<uint8_t>& code, uint64_t offset) {
  if (offset >= 5 && code[offset - 5] == kCall) return true;
  return offset >= 2 && code[offset - 2] == kCallIndirect && (code[offset - 1] & 0xf8) == 0xd0;
}

std::string without_size(std::string_view symbol) {
  return std::string(symbol.substr(0, symbol.find('/')));
}

}  // namespace

void TestedCode::add(const std::string& module, const std::string& path) {
  modules_.push_back(module);
  Result<std::vector<Region>> regions = read(module, path);
  if (!regions) return;
  for (Region& region : *regions) regions_.push_back(std::move(region));
}

// As layout_sections() of kernel/module/main.c: executable sections in the order of the file, each
// aligned as it asks.
Result<std::vector<TestedCode::Region>> TestedCode::read(const std::string& module,
                                                         const std::string& path) {
  elf_version(EV_CURRENT);
  const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail_errno("cannot read " + path);
  const std::unique_ptr<Elf, ElfEnd> elf(elf_begin(file.get(), ELF_C_READ, nullptr));
  size_t names = 0;
  if (!elf || elf_kind(elf.get()) != ELF_K_ELF || elf_getshdrstrndx(elf.get(), &names) != 0)
    return fail(ENOEXEC, path + " is no ELF file");

  std::vector<Region> regions = {{module, {}, {}}, {module, {}, {}}};
  std::map<size_t, Placed> placed;
  Elf_Scn* symbols = nullptr;
  for (Elf_Scn* section = nullptr; (section = elf_nextscn(elf.get(), section)) != nullptr;) {
    GElf_Shdr header;
    if (gelf_getshdr(section, &header) == nullptr) continue;
    if (header.sh_type == SHT_SYMTAB) symbols = section;
    constexpr uint64_t kCode = SHF_ALLOC | SHF_EXECINSTR;
    if ((header.sh_flags & kCode) != kCode || header.sh_type != SHT_PROGBITS) continue;
    const char* name = elf_strptr(elf.get(), names, header.sh_name);
    const size_t which = name != nullptr && std::string_view(name).starts_with(".init") ? 1 : 0;
    std::vector<uint8_t>& bytes = regions[which].bytes;
    const uint64_t align = std::max<uint64_t>(header.sh_addralign, 1);
    bytes.resize((bytes.size() + align - 1) / align * align);
    placed[elf_ndxscn(section)] = {which, bytes.size()};
    const Elf_Data* data = elf_getdata(section, nullptr);
    if (data == nullptr || data->d_buf == nullptr) continue;
    const auto* begin = static_cast<const uint8_t*>(data->d_buf);
    bytes.insert(bytes.end(), begin, begin + data->d_size);
  }
  if (symbols == nullptr) return fail(ENOEXEC, path + " has no symbols");

  GElf_Shdr header;
  const Elf_Data* data = elf_getdata(symbols, nullptr);
  if (gelf_getshdr(symbols, &header) == nullptr || data == nullptr || header.sh_entsize == 0)
    return fail(ENOEXEC, path + " has no symbols");
  const int count = static_cast<int>(header.sh_size / header.sh_entsize);
  for (int i = 0; i < count; i++) {
    GElf_Sym symbol;
    if (gelf_getsym(const_cast<Elf_Data*>(data), i, &symbol) == nullptr) continue;
    const auto where = placed.find(symbol.st_shndx);
    if (GELF_ST_TYPE(symbol.st_info) != STT_FUNC || where == placed.end()) continue;
    const char* name = elf_strptr(elf.get(), header.sh_link, symbol.st_name);
    if (name == nullptr || std::string_view(name).starts_with("__pfx_")) continue;
    const uint64_t begin = where->second.offset + symbol.st_value;
    regions[where->second.region].functions.push_back({begin, begin + symbol.st_size, name});
  }
  return regions;
}

void TestedCode::find_in(const Region& region, uint64_t offset_in_page,
                         std::vector<std::string>& names) {
  for (uint64_t at = offset_in_page; at < region.bytes.size(); at += kPage) {
    if (!returns_to(region.bytes, at)) continue;
    // A call that does not return is the last instruction of its function.
    const auto function = std::ranges::find_if(
        region.functions, [at](const Function& f) { return f.begin < at && at <= f.end; });
    if (function == region.functions.end()) continue;
    std::string name =
        fmt::format("{}+{:#x} [{}]", function->name, at - function->begin, region.module);
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
}

std::optional<TestedCode::Place> TestedCode::find(std::string_view frame) const {
  if (frame.starts_with("0x")) {
    uint64_t address = 0;
    const auto parsed = std::from_chars(frame.data() + 2, frame.data() + frame.size(), address, 16);
    if (parsed.ec != std::errc{}) return std::nullopt;
    std::vector<std::string> names;
    for (const Region& region : regions_) find_in(region, address % kPage, names);
    if (names.empty())
      return Place{fmt::format("code that is gone (at …{:03x})", address % kPage), false};
    return Place{fmt::format("{}", fmt::join(names, " or ")), true};
  }
  for (const std::string& module : modules_)
    if (frame.ends_with(" [" + module + "]"))
      return Place{without_size(frame) + " [" + module + "]", false};
  return std::nullopt;
}

}  // namespace raceless
