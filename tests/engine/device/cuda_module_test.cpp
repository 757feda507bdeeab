// SPDX-License-Identifier: Apache-2.0
//
// The module as built here, on machines with a GPU and without.
#include "engine/src/device/cuda_module.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace talkrt::device {
namespace {

/// $TALKRT_CUDA_MODULE for one test.
class Named {
 public:
  explicit Named(const char* path) { setenv("TALKRT_CUDA_MODULE", path, 1); }
  Named(const Named&) = delete;
  Named& operator=(const Named&) = delete;
  ~Named() { unsetenv("TALKRT_CUDA_MODULE"); }
};

TEST(CudaModuleLibrary, missing_file_is_named_in_one_sentence) {
  const Named named("/nowhere/libtalkrt_cuda.so");
  const CudaModule found = open_cuda_module();
  EXPECT_EQ(found.table, nullptr);
  EXPECT_NE(found.missing.find("/nowhere/libtalkrt_cuda.so"), std::string::npos) << found.missing;
}

TEST(CudaModuleLibrary, other_library_is_not_taken_for_it) {
  const Named named("libm.so.6");
  const CudaModule found = open_cuda_module();
  EXPECT_EQ(found.table, nullptr);
  EXPECT_EQ(found.missing, "libm.so.6 is not the CUDA module of this version of TalkRT");
}

#ifdef TALKRT_CUDA_MODULE_FILE
TEST(CudaModuleLibrary, module_opens_with_or_without_a_driver) {
  const Named named(TALKRT_CUDA_MODULE_FILE);
  const CudaModule found = open_cuda_module();
  ASSERT_NE(found.table, nullptr) << found.missing;
  if (found.device) {
    EXPECT_GE(found.device->major, 8);
    return;
  }
  const bool says =
      found.missing == "no NVIDIA driver is installed" || found.missing.starts_with("CUDA failed at");
  EXPECT_TRUE(says) << found.missing;
  cuda::RasterizerSpec spec;
  spec.posed = false;
  spec.width = spec.height = 16;
  cuda::Rasterizer* rasterizer = nullptr;
  cuda::Why why{};
  EXPECT_NE(found.table->create(0, &spec, &rasterizer, &why), 0);
  EXPECT_EQ(rasterizer, nullptr);
  EXPECT_NE(std::string(why.text).find("CUDA failed at choosing the device"), std::string::npos) << why.text;
}
#endif

}  // namespace
}  // namespace talkrt::device
