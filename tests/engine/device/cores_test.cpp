// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/cores.hpp"

#include <gtest/gtest.h>
#include <sched.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "engine/src/device/thread_pool.hpp"

namespace talkrt::device {
namespace {

namespace fs = std::filesystem;

/// A folder that looks like /sys/fs/cgroup, removed afterwards.
class Cgroups : public testing::Test {
 protected:
  void SetUp() override {
    mount_ = fs::temp_directory_path() /
             (std::string("talkrt-cgroup-") + testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(mount_);
    fs::create_directories(mount_);
  }
  void TearDown() override { fs::remove_all(mount_); }

  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((mount_ / file).parent_path());
    std::ofstream(mount_ / file) << text;
  }

  fs::path mount_;
};

TEST_F(Cgroups, without_files_there_is_no_limit) {
  EXPECT_EQ(cgroup_cores("0::/a/b\n", mount_), std::nullopt);
  EXPECT_EQ(cgroup_cores("", mount_), std::nullopt);
  EXPECT_EQ(cgroup_cores("nonsense\n::\n:", mount_), std::nullopt);
}

TEST_F(Cgroups, version_2_takes_the_smallest_quota_up_to_the_root) {
  write("a/cpu.max", "150000 100000\n");
  write("a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(cgroup_cores("0::/a/b\n", mount_), 1.5);
  write("a/b/cpu.max", "50000 100000\n");
  EXPECT_EQ(cgroup_cores("0::/a/b\n", mount_), 0.5);
}

TEST_F(Cgroups, version_2_in_a_container_reads_the_mount_when_its_path_is_hidden) {
  write("cpu.max", "300000 100000\n");
  EXPECT_EQ(cgroup_cores("0::/docker/123/../x\n", mount_), 3.0);
}

TEST_F(Cgroups, version_1_reads_quota_and_period_of_the_cpu_controller_only) {
  write("cpu,cpuacct/job/cpu.cfs_quota_us", "250000\n");
  write("cpu,cpuacct/job/cpu.cfs_period_us", "100000\n");
  write("memory/job/cpu.cfs_quota_us", "1\n");
  write("memory/job/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cgroup_cores("5:memory:/job\n4:cpu,cpuacct:/job\n", mount_), 2.5);
  write("cpu,cpuacct/job/cpu.cfs_quota_us", "-1\n");
  EXPECT_EQ(cgroup_cores("4:cpu,cpuacct:/job\n", mount_), std::nullopt);
}

TEST_F(Cgroups, garbage_is_no_limit) {
  for (const char* text : {"", "max", "-1 100000", "100000 0", "nan 100000", "inf 1", "x y"}) {
    write("cpu.max", text);
    EXPECT_EQ(cgroup_cores("0::/\n", mount_), std::nullopt) << text;
  }
}

TEST(UsableCores, follow_the_affinity_of_the_thread) {
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  EXPECT_GE(usable_cores(), 1);
  EXPECT_LE(usable_cores(), CPU_COUNT(&before));
  int cpu = 0;
  while (!CPU_ISSET(cpu, &before)) ++cpu;
  CPU_ZERO(&one);
  CPU_SET(cpu, &one);
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  EXPECT_EQ(usable_cores(), 1);
  ASSERT_EQ(sched_setaffinity(0, sizeof before, &before), 0);
}

}  // namespace
}  // namespace talkrt::device
