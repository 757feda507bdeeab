// SPDX-License-Identifier: Apache-2.0
//
// NVML's answers, good and bad, from a library of the tests; and the real one where there is a driver.
#include "engine/src/device/nvml.hpp"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace talkrt::device {
namespace {

constexpr const char* kPci = "0000:65:00.0";
constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

class Nvml : public ::testing::Test {
 protected:
  void SetUp() override { setenv("TALKRT_NVML", FAKE_NVML, 1); }
  void TearDown() override {
    for (const char* name :
         {"TALKRT_NVML", "FAKE_NVML_FAIL", "FAKE_NVML_PROCESSES", "FAKE_NVML_MEMORY", "FAKE_NVML_PARTS"}) {
      unsetenv(name);
    }
  }
  static NvmlReading after(const char* name, const char* value) {
    setenv(name, value, 1);
    return read_nvml({kPci, ""});
  }
};

void expect_text(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST_F(Nvml, figures_of_the_gpu_and_of_this_process) {
  const NvmlReading found = after("FAKE_NVML_PROCESSES", "77:5,self:1048576,78:9");
  EXPECT_EQ(found.uuid, "GPU-whole");
  EXPECT_EQ(found.path, FAKE_NVML);
  EXPECT_EQ(found.driver, "580.95.05");
  ASSERT_TRUE(found.memory);
  EXPECT_EQ(found.memory->total, 16 * kGiB);
  EXPECT_EQ(found.memory->free, 15 * kGiB);
  EXPECT_EQ(found.memory->used, kGiB);
  EXPECT_EQ(found.process, 1048576u);
  EXPECT_EQ(found.missing + found.process_missing, "");
}

TEST_F(Nvml, contexts_of_a_process_are_added_and_other_gpus_asked_by_number) {
  setenv("FAKE_NVML_PROCESSES", "self:1000,self:24", 1);
  EXPECT_EQ(read_nvml({kPci, ""}).process, 1024u);
  EXPECT_EQ(read_nvml({kPci, ""}).uuid, "GPU-whole");
  EXPECT_EQ(read_nvml(NvmlGpu(0)).process, 1024u);
  expect_text(read_nvml(NvmlGpu(3)).missing, "nvmlDeviceGetHandleByIndex_v2 failed: error 2");
  expect_text(read_nvml({"0000:aa:00.0", ""}).missing, "NVML does not know this GPU");
}

TEST_F(Nvml, of_a_split_gpu_the_figures_are_those_of_the_part_that_the_process_uses) {
  setenv("FAKE_NVML_PROCESSES", "self:1,77:2", 1);  // of all parts together
  setenv("FAKE_NVML_PARTS", "aaa=77:5;bbb=78:3,self:4096;ccc=", 1);
  for (const NvmlGpu& gpu : {NvmlGpu{kPci, "bbb"},       // CUDA tells the part,
                             NvmlGpu{kPci, "whole"}}) {  // or only the parent
    const NvmlReading found = read_nvml(gpu);
    EXPECT_EQ(found.uuid, "MIG-bbb");
    EXPECT_EQ(found.process, 4096u);
    ASSERT_TRUE(found.memory) << found.missing;
    EXPECT_EQ(found.memory->total, 2 * kGiB);
  }
  const NvmlReading other = read_nvml({kPci, "ccc"});
  EXPECT_TRUE(other.memory);
  expect_text(other.process_missing, "is not among the 0 that NVML lists");
}

TEST_F(Nvml, where_nobody_tells_which_part_of_a_split_gpu_it_is_there_is_no_figure) {
  for (const auto& [parts, text] : std::vector<std::pair<const char*, const char*>>{
           {"aaa=77:5;bbb=78:3", "is split into parts (MIG), and NVML lists this process in none of them"},
           {"aaa=self:5;bbb=self:3", "lists this process in several"}}) {
    const NvmlReading found = after("FAKE_NVML_PARTS", parts);
    EXPECT_FALSE(found.memory || found.process);
    expect_text(found.missing, text);
    EXPECT_EQ(found.missing, found.process_missing);
  }
  expect_text(after("FAKE_NVML_FAIL", "nvmlDeviceGetMaxMigDeviceCount=4").missing, "NVML does not list them");
}

TEST_F(Nvml, the_layout_of_the_oldest_drivers_is_known) {
  setenv("TALKRT_NVML", FAKE_NVML_FIRST, 1);
  EXPECT_EQ(after("FAKE_NVML_PROCESSES", "77:5,78:6,self:4096").process, 4096u);
}

TEST_F(Nvml, a_missing_library_is_named) {
  setenv("TALKRT_NVML", "/nowhere/libnvidia-ml.so.1", 1);
  const NvmlReading found = read_nvml({kPci, ""});
  EXPECT_EQ(found.path, "");
  EXPECT_FALSE(found.memory || found.process);
  expect_text(found.missing, "no NVML: /nowhere/libnvidia-ml.so.1");
  EXPECT_EQ(found.process_missing, found.missing);
}

TEST_F(Nvml, a_missing_function_is_named) {
  setenv("TALKRT_NVML", FAKE_NVML_BARE, 1);
  expect_text(read_nvml({kPci, ""}).missing, "has no nvmlDeviceGetMemoryInfo");
  setenv("TALKRT_NVML", "libm.so.6", 1);
  expect_text(read_nvml({kPci, ""}).missing, "libm.so.6 has no nvmlInit_v2: it is no NVML, or too old");
}

TEST_F(Nvml, failures_of_the_start_leave_no_figure) {
  for (const auto& [failure, text] : std::vector<std::pair<const char*, const char*>>{
           {"nvmlInit_v2=18", "the loaded driver and NVML are of different versions"},
           {"nvmlInit_v2=9", "the NVIDIA driver is not loaded"},
           {"nvmlInit_v2=4", "this user may not ask for it"},
           {"nvmlDeviceGetHandleByPciBusId_v2=15", "fallen off the bus"},
           {"nvmlDeviceGetMemoryInfo=3", "this GPU does not offer it"},
           {"nvmlDeviceGetMemoryInfo=999", "nvmlDeviceGetMemoryInfo failed: error 999"}}) {
    const NvmlReading found = after("FAKE_NVML_FAIL", failure);
    EXPECT_FALSE(found.memory || found.process) << failure;
    expect_text(found.missing, text);
  }
}

TEST_F(Nvml, without_a_figure_of_the_process_that_of_the_gpu_stays) {
  const auto expect = [](const NvmlReading& found, const char* text) {
    EXPECT_TRUE(found.memory);
    EXPECT_FALSE(found.process) << *found.process;
    EXPECT_EQ(found.missing, "");
    expect_text(found.process_missing, text);
  };
  expect(after("FAKE_NVML_PROCESSES", ""), "is not among the 0 that NVML lists");
  expect(after("FAKE_NVML_PROCESSES", "1:5,2:6"), "is not among the 2 that NVML lists");
  expect(after("FAKE_NVML_PROCESSES", "self:none"), "lists this process without a figure");
  expect(after("FAKE_NVML_PROCESSES", "self:17179869185"), "and the GPU has 17179869184");
  expect(after("FAKE_NVML_PROCESSES", "self:17179869184,self:1"), "and the GPU has");
  expect(after("FAKE_NVML_PROCESSES", "garbage"), "counts 4000000000 processes, which cannot be");
  expect(after("FAKE_NVML_PROCESSES", "many"), "processes come faster than they can be listed");
  expect(after("FAKE_NVML_FAIL", "nvmlDeviceGetComputeRunningProcesses_v3=4"), "this user may not ask");
}

TEST_F(Nvml, figures_that_contradict_each_other_are_none) {
  for (const char* memory : {"0,0,0", "100,200,0", "100,0,200"}) {
    expect_text(after("FAKE_NVML_MEMORY", memory).missing, "contradict");
  }
}

TEST_F(Nvml, is_closed_as_often_as_opened_from_any_thread) {
  void* library = dlopen(FAKE_NVML, RTLD_NOW);
  ASSERT_NE(library, nullptr);
  const auto opened = reinterpret_cast<int (*)()>(dlsym(library, "fake_nvml_opened"));
  (void)after("FAKE_NVML_PROCESSES", "garbage");
  (void)after("FAKE_NVML_FAIL", "nvmlDeviceGetMemoryInfo=3");
  EXPECT_EQ(opened(), 0);
  setenv("FAKE_NVML_FAIL", "", 1);
  setenv("FAKE_NVML_PROCESSES", "self:8", 1);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([] {
      for (int k = 0; k < 20; ++k) EXPECT_EQ(read_nvml({kPci, ""}).process, 8u);
    });
  }
  threads.clear();
  EXPECT_EQ(opened(), 0);
  dlclose(library);
}

TEST(NvmlOfThisMachine, has_figures_or_a_reason) {
  const NvmlReading found = read_nvml(NvmlGpu(0));
  EXPECT_NE(found.memory.has_value(), !found.missing.empty());
  EXPECT_NE(found.process.has_value(), !found.process_missing.empty());
}

}  // namespace
}  // namespace talkrt::device
