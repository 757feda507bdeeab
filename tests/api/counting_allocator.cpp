// SPDX-License-Identifier: Apache-2.0
#include "tests/api/counting_allocator.hpp"

#include <cxxabi.h>
#include <dlfcn.h>
#include <link.h>
#include <unwind.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace talkrt {
namespace {

constexpr std::size_t kDepth = 48;   // frames looked at
constexpr std::size_t kStacks = 6;   // stacks kept for the report
constexpr std::size_t kRanges = 16;  // segments of code of ONNX Runtime's library

struct Stack {
  std::array<std::uintptr_t, kDepth> frames{};
  std::size_t size = 0;
  std::size_t bytes = 0;
};

struct Range {
  std::uintptr_t begin, end;
};

// What the replaced functions see. Plain static storage: they run before and after everything else.
std::atomic<bool> counting{false};
std::atomic<bool> every_thread{false};
thread_local bool on_this_thread = false;
thread_local bool inside = false;  // while counting itself is at work
std::array<Range, kRanges> onnxruntime_code{};
std::size_t onnxruntime_ranges = 0;
std::atomic<std::uint64_t> our_count{0}, our_bytes{0}, ort_count{0}, ort_bytes{0};
std::array<Stack, kStacks> stacks{};

_Unwind_Reason_Code push_frame(_Unwind_Context* context, void* argument) {
  auto& stack = *static_cast<Stack*>(argument);
  if (stack.size == kDepth) return _URC_END_OF_STACK;
  stack.frames[stack.size++] = _Unwind_GetIP(context);
  return _URC_NO_REASON;
}

bool in_onnxruntime(const Stack& stack) {
  for (std::size_t f = 0; f < stack.size; ++f) {
    for (std::size_t r = 0; r < onnxruntime_ranges; ++r) {
      if (stack.frames[f] >= onnxruntime_code[r].begin && stack.frames[f] < onnxruntime_code[r].end)
        return true;
    }
  }
  return false;
}

[[maybe_unused]] void count(std::size_t bytes) noexcept {
  if (!counting.load(std::memory_order_acquire) || inside) return;
  if (!on_this_thread && !every_thread.load(std::memory_order_relaxed)) return;
  inside = true;
  Stack stack;
  stack.bytes = bytes;
  _Unwind_Backtrace(push_frame, &stack);
  if (in_onnxruntime(stack)) {
    ort_count.fetch_add(1);
    ort_bytes.fetch_add(bytes);
  } else {
    const std::uint64_t number = our_count.fetch_add(1);
    our_bytes.fetch_add(bytes);
    if (number < kStacks) stacks[number] = stack;
  }
  inside = false;
}

/// ONNX Runtime is told by what it exports: its file may have any name.
bool is_onnxruntime(const char* path) {
  if (path == nullptr || *path == '\0') return false;
  void* library = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
  if (library == nullptr) return false;
  const bool found = dlsym(library, "OrtGetApiBase") != nullptr;
  dlclose(library);
  return found;
}

struct Module {
  std::string path;
  Range code;
};

void find_onnxruntime() {
  std::vector<Module> modules;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* out) {
        for (int i = 0; i < info->dlpi_phnum; ++i) {
          const auto& segment = info->dlpi_phdr[i];
          if (segment.p_type != PT_LOAD || (segment.p_flags & PF_X) == 0) continue;
          const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
          static_cast<std::vector<Module>*>(out)->push_back(
              {info->dlpi_name, {begin, begin + segment.p_memsz}});
        }
        return 0;
      },
      &modules);
  onnxruntime_ranges = 0;
  for (const Module& module : modules) {
    if (onnxruntime_ranges == kRanges) break;
    if (is_onnxruntime(module.path.c_str())) onnxruntime_code[onnxruntime_ranges++] = module.code;
  }
}

std::string name_of(std::uintptr_t address) {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(address), &info) == 0) return "?";
  char offset[32];
  std::snprintf(offset, sizeof offset, "+0x%zx",
                static_cast<std::size_t>(address - reinterpret_cast<std::uintptr_t>(info.dli_fbase)));
  std::string name = std::string(info.dli_fname) + offset;
  if (info.dli_sname == nullptr) return name;
  int status = 0;
  char* demangled = abi::__cxa_demangle(info.dli_sname, nullptr, nullptr, &status);
  name += std::string(" ") + (status == 0 ? demangled : info.dli_sname);
  std::free(demangled);
  return name;
}

}  // namespace

AllocationCounter::AllocationCounter(Threads threads) {
  find_onnxruntime();
  Stack warm_up;  // the first unwinding of a process looks for tables
  _Unwind_Backtrace(push_frame, &warm_up);
  our_count = our_bytes = ort_count = ort_bytes = 0;
  every_thread = threads == Threads::all;
  on_this_thread = true;
  counting.store(true, std::memory_order_release);
}

AllocationCounter::~AllocationCounter() { stop(); }

AllocationCounter::Counts AllocationCounter::stop() {
  counting.store(false, std::memory_order_release);
  on_this_thread = false;
  return {our_count, our_bytes, ort_count, ort_bytes};
}

std::string AllocationCounter::report() {
  stop();
  std::string text;
  for (std::size_t i = 0; i < std::min<std::uint64_t>(our_count, kStacks); ++i) {
    text += "allocation of " + std::to_string(stacks[i].bytes) + " bytes:\n";
    for (std::size_t f = 1; f < stacks[i].size; ++f) text += "  " + name_of(stacks[i].frames[f]) + "\n";
  }
  return text + "(addr2line -Cfe FILE OFFSET names the lines)";
}

}  // namespace talkrt

#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)

bool talkrt::AllocationCounter::available() { return false; }

#else

bool talkrt::AllocationCounter::available() { return true; }

// glibc exports its own allocator under these names, so that a replacement can stand on it. free needs none:
// what they return is glibc's memory.
extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

__attribute__((visibility("default"))) void* malloc(std::size_t bytes) noexcept {
  talkrt::count(bytes);
  return __libc_malloc(bytes);
}

__attribute__((visibility("default"))) void* calloc(std::size_t count, std::size_t bytes) noexcept {
  talkrt::count(count * bytes);
  return __libc_calloc(count, bytes);
}

__attribute__((visibility("default"))) void* realloc(void* memory, std::size_t bytes) noexcept {
  talkrt::count(bytes);
  return __libc_realloc(memory, bytes);
}

__attribute__((visibility("default"))) void* memalign(std::size_t align, std::size_t bytes) noexcept {
  talkrt::count(bytes);
  return __libc_memalign(align, bytes);
}

__attribute__((visibility("default"))) void* aligned_alloc(std::size_t align, std::size_t bytes) noexcept {
  talkrt::count(bytes);
  return __libc_memalign(align, bytes);
}

__attribute__((visibility("default"))) int posix_memalign(void** out, std::size_t align,
                                                          std::size_t bytes) noexcept {
  if (align % sizeof(void*) != 0 || (align & (align - 1)) != 0 || align == 0) return EINVAL;
  talkrt::count(bytes);
  void* memory = __libc_memalign(align, bytes);
  if (memory == nullptr) return ENOMEM;
  *out = memory;
  return 0;
}
}
#endif
