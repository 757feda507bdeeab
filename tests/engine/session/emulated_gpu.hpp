// SPDX-License-Identifier: Apache-2.0
//
// Engines on the emulated GPU of tests/emulation, or on a real one.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <optional>
#include <string>

#include "tests/emulation/controls.h"
#include "tests/engine/session/tiny_session.hpp"

namespace talkrt::session {

/// $TALKRT_CUDA_MODULE, while it lives.
class NamedModule {
 public:
  explicit NamedModule(const char* path) : before_(named() == nullptr ? "" : named()) {
    setenv("TALKRT_CUDA_MODULE", path, 1);
  }
  NamedModule(const NamedModule&) = delete;
  NamedModule& operator=(const NamedModule&) = delete;
  ~NamedModule() {
    if (before_.empty()) {
      unsetenv("TALKRT_CUDA_MODULE");
    } else {
      setenv("TALKRT_CUDA_MODULE", before_.c_str(), 1);
    }
  }
  static const char* named() { return std::getenv("TALKRT_CUDA_MODULE"); }

 private:
  std::string before_;
};

/// On the emulated GPU, or on that of the module which $TALKRT_CUDA_MODULE names. Every test begins with a
/// sound GPU, and leaves nothing on it.
class OnGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (on_emulation()) module_.emplace(TALKRT_EMULATED_MODULE);
    talkrt_emulation_restore();
    talkrt_emulation_set_late(0);
    talkrt_emulation_set_order(0);
    taken_before_ = talkrt_emulation_bytes_taken();
  }
  void TearDown() override {
    talkrt_emulation_restore();
    EXPECT_EQ(talkrt_emulation_bytes_taken(), taken_before_) << "memory of the GPU was not given back";
  }

  [[nodiscard]] bool on_emulation() const { return module_ || NamedModule::named() == nullptr; }
  static std::shared_ptr<Engine> gpu_engine(EngineConfig config = with_threads(1)) {
    config.device = TALKRT_DEVICE_CUDA;
    return engine(std::move(config));
  }

 private:
  std::optional<NamedModule> module_;
  std::uint64_t taken_before_ = 0;
};

/// What only an emulated GPU does.
class OnEmulatedGpu : public OnGpu {
 protected:
  void SetUp() override {
    OnGpu::SetUp();
    if (!on_emulation()) GTEST_SKIP() << "a GPU does not fail, or count, at a test's wish";
  }
};

/// Peak signal to noise of bytes, dB; infinite when equal.
inline double psnr(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = double{1} * a[i] - b[i];
    sum += difference * difference;
  }
  return a.size() != b.size() ? 0 : 10 * std::log10(255.0 * 255.0 * static_cast<double>(a.size()) / sum);
}

}  // namespace talkrt::session
