// SPDX-License-Identifier: Apache-2.0
//
// Opens libtalkrt_tensorrt.so and, through it, one of TensorRT's runtimes. Nothing of either is linked.
#pragma once

#include <memory>
#include <string>

#include "engine/src/plan/engine_spec.hpp"
#include "engine/tensorrt/module.hpp"

namespace talkrt::nn {

struct TensorRtModule {
  const tensorrt::Module* table = nullptr;
  std::string path;
  std::string missing;  // why there is none; empty when there is one
};

/// Tries $TALKRT_TENSORRT_MODULE, else the folder of this library, else the loader's path. It stays open.
/// Touches neither TensorRT nor the driver.
TensorRtModule open_tensorrt_module();

class TensorRtLibrary {
 public:
  /// Opens $TALKRT_TENSORRT, else the full, the lean or the dispatch runtime by the loader's path. The driver
  /// has answered before. Throws BACKEND_MISSING with what was tried and why it failed.
  TensorRtLibrary();
  ~TensorRtLibrary();
  TensorRtLibrary(const TensorRtLibrary&) = delete;
  TensorRtLibrary& operator=(const TensorRtLibrary&) = delete;

  [[nodiscard]] const tensorrt::Module& module() const noexcept { return *module_.table; }
  [[nodiscard]] tensorrt::Library* handle() const noexcept { return library_; }
  [[nodiscard]] plan::TensorRtVersion version() const;
  /// The full one runs every engine, the others version-compatible ones.
  [[nodiscard]] bool full() const noexcept { return info_.runtime == tensorrt::Runtime::full; }
  [[nodiscard]] const char* runtime() const noexcept;
  [[nodiscard]] std::string path() const { return info_.path; }

 private:
  TensorRtModule module_;
  tensorrt::Library* library_ = nullptr;
  tensorrt::LibraryInfo info_{};
};

}  // namespace talkrt::nn
