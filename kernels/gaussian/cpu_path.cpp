// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/cpu_path.hpp"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace talkrt::gaussian {

namespace baseline {
extern const CpuPath kPath;
}
#if defined(__x86_64__)
namespace avx2 {
extern const CpuPath kPath;
}
namespace avx512 {
extern const CpuPath kPath;
}
#endif

namespace {

/// Widest first; null where this CPU lacks the instructions.
struct Paths {
  const CpuPath* widest_first[3] = {};

  Paths() {
#if defined(__x86_64__)
    __builtin_cpu_init();
    // The byte compress of VBMI2 came with Ice Lake and Zen 4; older AVX-512 machines take the AVX2 path.
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2")) {
      widest_first[0] = &avx512::kPath;
    }
    // Every CPU with AVX2 and FMA also converts halves (F16C).
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2")) {
      widest_first[1] = &avx2::kPath;
    }
#endif
    widest_first[2] = &baseline::kPath;
  }
};

const CpuPath& choose() {
  const Paths paths;
  const char* forced = std::getenv("TALKRT_CPU");
  const std::string_view wanted = forced != nullptr ? forced : "";
  std::string available;
  for (const CpuPath* path : paths.widest_first) {
    if (path == nullptr) continue;
    if (wanted.empty() || wanted == path->name) return *path;
    available += (available.empty() ? "" : ", ") + std::string(path->name);
  }
  throw std::invalid_argument("TALKRT_CPU is \"" + std::string(wanted) +
                              "\"; this CPU can run: " + available);
}

}  // namespace

const CpuPath& active_cpu_path() {
  static const CpuPath& path = choose();
  return path;
}

}  // namespace talkrt::gaussian
