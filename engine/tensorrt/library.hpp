// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <NvInferRuntime.h>

#include <mutex>
#include <stdexcept>
#include <string>

#include "engine/tensorrt/module.hpp"

namespace talkrt::tensorrt {

/// The sentence for `why`.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Keeps TensorRT's last complaint, for it returns none.
class Complaints final : public nvinfer1::ILogger {
 public:
  void log(Severity severity, const char* text) noexcept override;
  /// And forgets it.
  [[nodiscard]] std::string taken();

 private:
  std::mutex mutex_;
  std::string last_;
};

/// One of TensorRT's runtime libraries.
class Library {
 public:
  Library(const char* path, const char* lean);

  [[nodiscard]] const LibraryInfo& info() const noexcept { return info_; }
  [[nodiscard]] const std::string& lean() const noexcept { return lean_; }
  [[nodiscard]] Complaints& complaints() const noexcept { return complaints_; }
  [[nodiscard]] nvinfer1::IRuntime* make_runtime() const;
  [[nodiscard]] nvinfer1::IRefitter* make_refitter(nvinfer1::ICudaEngine& engine) const;

 private:
  void* handle_;
  LibraryInfo info_{};
  std::string lean_;
  mutable Complaints complaints_;
};

}  // namespace talkrt::tensorrt
