// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/nvml.hpp"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <utility>
#include <vector>

namespace talkrt::device {
namespace {

constexpr const char* kVariable = "TALKRT_NVML";
constexpr const char* kFile = "libnvidia-ml.so.1";

// The little that is used of NVML's interface, which is stable: functions never change, new versions of them
// get new names.
using Gpu = struct OpaqueGpu*;
constexpr int kOk = 0, kNotSupported = 3, kNoPermission = 4, kNotFound = 6, kMoreRoom = 7, kNoDriver = 9,
              kLost = 15, kMismatch = 18;
constexpr std::uint64_t kNoFigure = ~std::uint64_t{0};

struct Memory {
  unsigned long long total, free, used;
};
struct FirstProcess {  // of nvmlDeviceGetComputeRunningProcesses
  unsigned pid;
  unsigned long long bytes;
};
struct Process {  // of its versions 2 and 3
  unsigned pid;
  unsigned long long bytes;
  unsigned gpu_instance, compute_instance;
};

constexpr unsigned kMostProcesses = 1 << 16, kMostParts = 64;  // a count beyond it is no count

/// Why there is no figure.
struct Missing : std::runtime_error {
  using std::runtime_error::runtime_error;
};

std::string reason(int code) {
  switch (code) {
    case kNotSupported:
      return "this GPU does not offer it";
    case kNoPermission:
      return "this user may not ask for it";
    case kNotFound:
      return "NVML does not know this GPU";
    case kNoDriver:
      return "the NVIDIA driver is not loaded";
    case kLost:
      return "the GPU has fallen off the bus or cannot be reached";
    case kMismatch:
      return "the loaded driver and NVML are of different versions: restart the machine, or in a container "
             "use the host's libraries";
    default:
      return "error " + std::to_string(code);
  }
}

class Library {
 public:
  Library() {
    const char* named = std::getenv(kVariable);
    path_ = named != nullptr && *named != '\0' ? named : kFile;
    handle_.reset(dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL));
    if (handle_) return;
    const char* why = dlerror();  // begins with the path
    throw Missing{std::string("no NVML: ") + (why != nullptr ? why : path_)};
  }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

  template <class F>
  [[nodiscard]] F* find(const char* name) const {
    return reinterpret_cast<F*>(dlsym(handle_.get(), name));
  }
  template <class... Arguments>
  void call(const char* name, Arguments... arguments) const {
    const auto function = find<int(Arguments...)>(name);
    if (function == nullptr) throw Missing{path_ + " has no " + name + ": it is no NVML, or too old"};
    if (const int code = function(arguments...); code != kOk) throw Missing{failure(name, code)};
  }
  [[nodiscard]] static std::string failure(const char* name, int code) {
    return std::string(name) + " failed: " + reason(code);
  }

 private:
  struct Close {
    void operator()(void* handle) const { dlclose(handle); }
  };
  std::string path_;
  std::unique_ptr<void, Close> handle_;
};

class Opened {
 public:
  explicit Opened(const Library& library) : library_(library) { library.call("nvmlInit_v2"); }
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() {
    if (const auto end = library_.find<int()>("nvmlShutdown")) end();
  }

 private:
  const Library& library_;
};

/// All processes that compute on the GPU. More may begin between asking how many there are and who.
template <class Entry>
std::vector<Entry> processes(const Library& library, const char* name, Gpu gpu) {
  const auto list = library.find<int(Gpu, unsigned*, Entry*)>(name);
  std::vector<Entry> out;
  for (int attempt = 0; attempt < 4; ++attempt) {
    auto count = static_cast<unsigned>(out.size());
    const int code = list(gpu, &count, out.empty() ? nullptr : out.data());
    if (code != kOk && code != kMoreRoom) throw Missing{Library::failure(name, code)};
    if (count > kMostProcesses || (code == kOk && count > out.size())) {
      throw Missing{std::string(name) + " counts " + std::to_string(count) + " processes, which cannot be"};
    }
    if (code == kOk) {
      out.resize(count);
      return out;
    }
    out.resize(std::size_t{count} + 8);
  }
  throw Missing{std::string(name) + ": processes come faster than they can be listed"};
}

template <class Entry>
std::uint64_t own_bytes(const std::vector<Entry>& all, std::uint64_t total) {
  const auto self = static_cast<unsigned>(getpid());
  std::uint64_t sum = 0;
  bool found = false;
  for (const Entry& entry : all) {  // a process may have several contexts
    if (entry.pid != self) continue;
    found = true;
    if (entry.bytes == kNoFigure) throw Missing{"NVML lists this process without a figure"};
    if (entry.bytes > total - sum) {
      throw Missing{"NVML says that this process holds " + std::to_string(entry.bytes) +
                    " bytes, and the GPU has " + std::to_string(total)};
    }
    sum += entry.bytes;
  }
  if (found) return sum;
  throw Missing{
      "process " + std::to_string(self) + " is not among the " + std::to_string(all.size()) +
      " that NVML lists on this GPU: it holds nothing there, or it is in a container and has another "
      "number outside, or none that NVML shows"};
}

std::uint64_t process_bytes(const Library& library, Gpu gpu, std::uint64_t total) {
  for (const char* name :
       {"nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"}) {
    if (library.find<void()>(name) != nullptr) {
      return own_bytes(processes<Process>(library, name, gpu), total);
    }
  }
  constexpr const char* kFirst = "nvmlDeviceGetComputeRunningProcesses";
  if (library.find<void()>(kFirst) == nullptr) throw Missing{library.path() + " has no " + kFirst};
  return own_bytes(processes<FirstProcess>(library, kFirst, gpu), total);
}

NvmlMemory memory_of(const Library& library, Gpu gpu) {
  Memory found{};
  library.call("nvmlDeviceGetMemoryInfo", gpu, &found);
  if (found.total == 0 || found.free > found.total || found.used > found.total) {
    throw Missing{"NVML's figures contradict each other: " + std::to_string(found.used) + " bytes used and " +
                  std::to_string(found.free) + " free of " + std::to_string(found.total)};
  }
  return {found.total, found.used, found.free};
}

template <class Entry>
bool lists_self(const Library& library, const char* name, Gpu gpu) {
  const auto self = static_cast<unsigned>(getpid());
  const std::vector<Entry> all = processes<Entry>(library, name, gpu);
  return std::any_of(all.begin(), all.end(), [&](const Entry& entry) { return entry.pid == self; });
}

/// The part of a split GPU in which this process computes: there is at most one, CUDA sees no more.
Gpu own_part(const Library& library, Gpu whole) {
  const std::string split = "this GPU is split into parts (MIG), and ";
  const auto part_at = library.find<int(Gpu, unsigned, Gpu*)>("nvmlDeviceGetMigDeviceHandleByIndex");
  const auto most = library.find<int(Gpu, unsigned*)>("nvmlDeviceGetMaxMigDeviceCount");
  constexpr const char* kList = "nvmlDeviceGetComputeRunningProcesses_v3";
  unsigned count = 0;
  if (part_at == nullptr || most == nullptr || library.find<void()>(kList) == nullptr ||
      most(whole, &count) != kOk || count > kMostParts) {
    throw Missing{split + "NVML does not list them"};
  }
  Gpu own = nullptr;
  for (unsigned i = 0; i < count; ++i) {
    Gpu part = nullptr;
    if (part_at(whole, i, &part) != kOk || !lists_self<Process>(library, kList, part)) continue;
    if (own != nullptr) throw Missing{split + "NVML lists this process in several"};
    own = part;
  }
  if (own == nullptr) throw Missing{split + "NVML lists this process in none of them"};
  return own;
}

Gpu find_gpu(const Library& library, const NvmlGpu& wanted) {
  Gpu gpu = nullptr;
  const auto by_uuid = library.find<int(const char*, Gpu*)>("nvmlDeviceGetHandleByUUID");
  if (by_uuid != nullptr && !wanted.uuid.empty() && by_uuid(("MIG-" + wanted.uuid).c_str(), &gpu) == kOk) {
    return gpu;
  }
  if (wanted.pci.empty()) {
    library.call("nvmlDeviceGetHandleByIndex_v2", static_cast<unsigned>(wanted.index), &gpu);
  } else {
    library.call("nvmlDeviceGetHandleByPciBusId_v2", wanted.pci.c_str(), &gpu);
  }
  const auto mode = library.find<int(Gpu, unsigned*, unsigned*)>("nvmlDeviceGetMigMode");
  unsigned split = 0, after_reset = 0;
  if (mode == nullptr || mode(gpu, &split, &after_reset) != kOk || split == 0) return gpu;
  return own_part(library, gpu);
}

std::string uuid_of(const Library& library, Gpu gpu) {
  char text[96] = "";
  const auto ask = library.find<int(Gpu, char*, unsigned)>("nvmlDeviceGetUUID");
  if (ask == nullptr || ask(gpu, text, sizeof text) != kOk) return "";
  return {text, strnlen(text, sizeof text)};
}

std::string driver_version(const Library& library) {
  char text[96] = "";
  const auto ask = library.find<int(char*, unsigned)>("nvmlSystemGetDriverVersion");
  if (ask == nullptr || ask(text, sizeof text) != kOk) return "";
  return {text, strnlen(text, sizeof text)};
}

}  // namespace

NvmlReading read_nvml(const NvmlGpu& wanted) {
  NvmlReading out;
  try {
    const Library library;
    out.path = library.path();
    const Opened opened(library);
    out.driver = driver_version(library);
    const Gpu gpu = find_gpu(library, wanted);
    out.uuid = uuid_of(library, gpu);
    out.memory = memory_of(library, gpu);
    try {
      out.process = process_bytes(library, gpu, out.memory->total);
    } catch (const Missing& missing) {
      out.process_missing = missing.what();
    }
  } catch (const Missing& missing) {
    out.missing = out.process_missing = missing.what();
  }
  return out;
}

}  // namespace talkrt::device
