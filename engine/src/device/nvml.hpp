// SPDX-License-Identifier: Apache-2.0
//
// What NVIDIA's management library (NVML, part of the driver) says of a GPU's memory and of this process on
// it: figures that do not come from our own account. The library is opened at run time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace talkrt::device {

struct NvmlMemory {
  std::uint64_t total = 0, used = 0, free = 0;  // bytes; of all processes and the driver
};

struct NvmlReading {
  std::string path;    // of the library; "" when it could not be opened
  std::string driver;  // version; "" when it does not say
  std::optional<NvmlMemory> memory;
  std::optional<std::uint64_t> process;  // bytes of this process
  std::string missing;                   // why there is no figure of the memory; else empty
  std::string process_missing;           // why there is none of the process; else empty
};

/// Asks $TALKRT_NVML, else libnvidia-ml.so.1, about the GPU at this PCI address ("0000:65:00.0"), or about
/// number `index` of NVML when the address is empty. Opens NVML and closes it again; takes milliseconds.
[[nodiscard]] NvmlReading read_nvml(const std::string& pci, int index = 0);

}  // namespace talkrt::device
