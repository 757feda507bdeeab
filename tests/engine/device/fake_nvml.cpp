// SPDX-License-Identifier: Apache-2.0
//
// An NVML for tests. Environment variables, which a test sets, say what it answers:
//   FAKE_NVML_FAIL       "nvmlInit_v2=9": this function fails with this number
//   FAKE_NVML_PROCESSES  "self:1048576,77:5,self:none": who computes on the GPU; "many": a list that always
//                        grows; "garbage": a count that cannot be
//   FAKE_NVML_MEMORY     "total,free,used", bytes
//   FAKE_NVML_PARTS      "aaa=77:5;bbb=self:9": the GPU is split into parts of these UUIDs, and who computes
//   there
// It counts how often it was opened and closed. Compiled with FAKE_NVML_FIRST it is one of the oldest
// drivers, with FAKE_NVML_BARE it lacks what a figure of the memory needs.
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::atomic<int> opened{0};

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

int outcome(const std::string& function) {
  const std::string fail = setting("FAKE_NVML_FAIL");
  const auto equals = fail.find('=');
  if (fail.substr(0, equals) == function) return std::stoi(fail.substr(equals + 1));
  return opened > 0 || function == "nvmlInit_v2" ? 0 : 1;  // uninitialized
}

struct FirstProcess {
  unsigned pid;
  unsigned long long bytes;
};
struct LaterProcess {
  unsigned pid;
  unsigned long long bytes;
  unsigned gpu_instance, compute_instance;
};

struct Part {
  std::string uuid, processes;
};

std::vector<Part> parts() {
  std::vector<Part> out;
  std::istringstream entries(setting("FAKE_NVML_PARTS"));
  for (std::string entry; std::getline(entries, entry, ';');) {
    const auto equals = entry.find('=');
    out.push_back({entry.substr(0, equals), entry.substr(equals + 1)});
  }
  return out;
}

// A handle is the address of one of these, the first that of the whole GPU.
char handles[9];
std::size_t part_of(const void* gpu) {
  return static_cast<std::size_t>(static_cast<const char*>(gpu) - handles);
}

template <class Entry>
int list(const char* function, const void* gpu, unsigned* count, Entry* out) {
  if (const int code = outcome(function); code != 0) return code;
  const std::size_t part = part_of(gpu);
  const std::string who = part == 0 ? setting("FAKE_NVML_PROCESSES") : parts().at(part - 1).processes;
  if (who == "garbage") return *count = 4000000000u, 7;
  if (who == "many") return *count += 9, 7;
  std::vector<Entry> all;
  std::istringstream entries(who);
  for (std::string entry; std::getline(entries, entry, ',');) {
    const auto colon = entry.find(':');
    const std::string pid = entry.substr(0, colon), bytes = entry.substr(colon + 1);
    Entry made{};
    made.pid = pid == "self" ? static_cast<unsigned>(getpid()) : static_cast<unsigned>(std::stoul(pid));
    made.bytes = bytes == "none" ? ~0ull : std::stoull(bytes);
    all.push_back(made);
  }
  const bool fits = *count >= all.size();
  *count = static_cast<unsigned>(all.size());
  if (!fits) return 7;
  if (!all.empty()) std::memcpy(static_cast<void*>(out), all.data(), all.size() * sizeof(Entry));
  return 0;
}

}  // namespace

#define FAKE extern "C" __attribute__((visibility("default")))

FAKE int nvmlInit_v2() {
  const int code = outcome("nvmlInit_v2");
  if (code == 0) ++opened;
  return code;
}
FAKE int nvmlShutdown() { return --opened, 0; }
FAKE int fake_nvml_opened() { return opened; }
FAKE int nvmlSystemGetDriverVersion(char* text, unsigned size) {
  if (const int code = outcome("nvmlSystemGetDriverVersion"); code != 0) return code;
  std::strncpy(text, "580.95.05", size);
  return 0;
}
FAKE int nvmlDeviceGetHandleByPciBusId_v2(const char* pci, void** out) {
  if (std::strcmp(pci, "0000:65:00.0") != 0) return 6;
  *out = handles;
  return outcome("nvmlDeviceGetHandleByPciBusId_v2");
}
FAKE int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** out) {
  if (index != 0) return 2;
  *out = handles;
  return outcome("nvmlDeviceGetHandleByIndex_v2");
}
FAKE int nvmlDeviceGetComputeRunningProcesses(void* gpu, unsigned* count, FirstProcess* out) {
  return list("nvmlDeviceGetComputeRunningProcesses", gpu, count, out);
}
#ifndef FAKE_NVML_FIRST
FAKE int nvmlDeviceGetComputeRunningProcesses_v3(void* gpu, unsigned* count, LaterProcess* out) {
  return list("nvmlDeviceGetComputeRunningProcesses_v3", gpu, count, out);
}
FAKE int nvmlDeviceGetHandleByUUID(const char* uuid, void** out) {
  const std::vector<Part> all = parts();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (uuid == "MIG-" + all[i].uuid) return *out = handles + i + 1, 0;
  }
  return 6;
}
FAKE int nvmlDeviceGetUUID(void* gpu, char* text, unsigned size) {
  const std::size_t part = part_of(gpu);
  const std::string uuid = part == 0 ? "GPU-whole" : "MIG-" + parts().at(part - 1).uuid;
  std::strncpy(text, uuid.c_str(), size);
  return 0;
}
FAKE int nvmlDeviceGetMigMode(void* /*gpu*/, unsigned* now, unsigned* later) {
  return *now = *later = parts().empty() ? 0 : 1, 0;
}
FAKE int nvmlDeviceGetMaxMigDeviceCount(void* /*gpu*/, unsigned* count) {
  const int code = outcome("nvmlDeviceGetMaxMigDeviceCount");
  return *count = 7, code;
}
FAKE int nvmlDeviceGetMigDeviceHandleByIndex(void* /*gpu*/, unsigned index, void** out) {
  if (index >= parts().size()) return 6;
  return *out = handles + index + 1, 0;
}
#endif
#ifndef FAKE_NVML_BARE
FAKE int nvmlDeviceGetMemoryInfo(void* gpu, unsigned long long* total_free_used) {
  if (const int code = outcome("nvmlDeviceGetMemoryInfo"); code != 0) return code;
  std::string text = part_of(gpu) == 0 ? setting("FAKE_NVML_MEMORY") : "2147483648,1073741824,1073741824";
  std::istringstream figures(text.empty() ? "17179869184,16106127360,1073741824" : text);
  for (int i = 0; i < 3; ++i) {
    std::string figure;
    std::getline(figures, figure, ',');
    total_free_used[i] = std::stoull(figure);
  }
  return 0;
}
#endif
