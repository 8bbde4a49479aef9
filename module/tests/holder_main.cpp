// SPDX-License-Identifier: GPL-2.0
// holder NAME COUNT: takes so many references on NAME, says "ready", and keeps them until it is
// killed.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "clock.h"
#include "device.h"

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  raceless::Result<raceless::Device> device = raceless::Device::open();
  if (!device) return 4;
  for (int left = std::atoi(argv[2]); left > 0; left--)
    if (!device->get(argv[1], 30 * raceless::kNsPerSecond)) return 1;
  std::puts("ready");
  std::fflush(stdout);
  for (;;) pause();
}
