// SPDX-License-Identifier: GPL-2.0
// int $0x80 from a 64-bit program is a call of a 32-bit one; what it points to lies low.
#ifndef RACELESS_MODULE_TESTS_CALL_32_H
#define RACELESS_MODULE_TESTS_CALL_32_H

namespace raceless {

// The result, or a negative errno.
inline int call_32(long number, long a, long b, long c, long d, long e) {
  long result = 0;
  asm volatile("int $0x80"
               : "=a"(result)
               : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
               : "memory", "r8", "r9", "r10", "r11");
  return static_cast<int>(result);
}

}  // namespace raceless

#endif
