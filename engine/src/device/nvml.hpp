// SPDX-License-Identifier: Apache-2.0
//
// What NVIDIA's management library (NVML, part of the driver) says of a GPU's memory and of this process on
// it: figures that do not come from our own account. The library is opened at run time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace talkrt::device {

struct NvmlMemory {
  std::uint64_t total = 0, used = 0, free = 0;  // bytes; of all processes and the driver
};

/// Which GPU is meant: NVML numbers GPUs as they are plugged in, and a process may see others of them, in
/// another order, or one part of one (MIG), which has its parent's address.
struct NvmlGpu {
  NvmlGpu(std::string address, std::string unique) : pci(std::move(address)), uuid(std::move(unique)) {}
  explicit NvmlGpu(int number) : index(number) {}

  std::string pci;   // "0000:65:00.0"; "": number `index` of NVML's
  std::string uuid;  // "f8c6bd8b-...", of the GPU or of the part, without a prefix; "": not known
  int index = 0;
};

struct NvmlReading {
  std::string path;    // of the library; "" when it could not be opened
  std::string driver;  // version; "" when it does not say
  std::string uuid;    // "GPU-..." or, of a part, "MIG-..."; "" when it does not say
  std::optional<NvmlMemory> memory;
  std::optional<std::uint64_t> process;  // bytes of this process
  std::string missing;                   // why there is no figure of the memory; else empty
  std::string process_missing;           // why there is none of the process; else empty
};

/// Asks $TALKRT_NVML, else libnvidia-ml.so.1. Of a GPU that is split, the figures are those of the part that
/// `uuid` names, else of the one in which this process computes. Opens NVML and closes it again; takes
/// milliseconds.
[[nodiscard]] NvmlReading read_nvml(const NvmlGpu& gpu);

}  // namespace talkrt::device
