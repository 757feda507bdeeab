// SPDX-License-Identifier: Apache-2.0
//
// The module as built here, on machines with a GPU and without.
#include "engine/src/device/cuda_module.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/emulation/controls.h"

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
  void* memory = &memory;
  cuda::Why why{};
  EXPECT_NE(found.table->take(0, cuda::Memory::device, 256, &memory, &why), 0);
  EXPECT_EQ(memory, nullptr);
  EXPECT_NE(std::string(why.text).find("CUDA failed at choosing the device"), std::string::npos) << why.text;
}
#endif

TEST(CudaModuleLibrary, emulated_module_of_the_tests_has_a_device) {
  const Named named(TALKRT_CUDA_EMULATED);
  const CudaModule found = open_cuda_module();
  ASSERT_TRUE(found.device) << found.missing;
  EXPECT_STREQ(found.device->name, "emulation");
  void* memory = nullptr;
  cuda::Why why{};
  ASSERT_EQ(found.table->take(0, cuda::Memory::device, 256, &memory, &why), 0) << why.text;
  EXPECT_EQ(talkrt_emulation_bytes_taken(), 256u);
  found.table->give(0, cuda::Memory::device, memory);
  EXPECT_EQ(talkrt_emulation_bytes_taken(), 0u);
}

}  // namespace
}  // namespace talkrt::device
