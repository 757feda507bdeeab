// SPDX-License-Identifier: Apache-2.0
//
// Opening: which files are read at all, and how long the bytes stay.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <talkrt/error.hpp>
#include <utility>

#include "engine/src/plan/plan.hpp"
#include "tests/engine/plan/editable_plan.hpp"

namespace talkrt::plan {
namespace {

namespace fs = std::filesystem;

const std::string kTiny = TALKRT_TEST_DATA "/tiny.plan";

/// A folder that goes away with the test.
class Folder {
 public:
  Folder() : path_(fs::path(testing::TempDir()) / ("plan" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ / name; }

 private:
  fs::path path_;
};

talkrt_status code_of(const std::string& path, std::string* message = nullptr) {
  try {
    const Plan plan(path);
    return TALKRT_OK;
  } catch (const Error& error) {
    if (message != nullptr) *message = error.what();
    return error.code();
  }
}

TEST(PlanFile, opens_what_python_wrote) {
  const Plan plan(kTiny);
  EXPECT_EQ(plan.label(), kTiny);
  EXPECT_EQ(plan.bytes().size(), fs::file_size(kTiny));
  EXPECT_EQ(plan.manifest().name, "tiny");
  EXPECT_EQ(nlohmann::json::parse(plan.manifest_json()).at("name"), "tiny");
}

TEST(PlanFile, that_does_not_exist_is_not_found) {
  std::string message;
  EXPECT_EQ(code_of("/no/such/folder/a.plan", &message), TALKRT_ERROR_NOT_FOUND);
  EXPECT_EQ(message, "/no/such/folder/a.plan: no such plan file");
  EXPECT_EQ(code_of(kTiny + "/a.plan"), TALKRT_ERROR_NOT_FOUND);
  EXPECT_EQ(code_of(""), TALKRT_ERROR_NOT_FOUND);
}

TEST(PlanFile, that_is_a_directory_is_an_io_error) {
  std::string message;
  EXPECT_EQ(code_of(testing::TempDir(), &message), TALKRT_ERROR_IO);
  EXPECT_NE(message.find("is a directory"), std::string::npos) << message;
}

TEST(PlanFile, that_is_a_fifo_is_refused_without_waiting_for_a_writer) {
  const Folder folder;
  const std::string path = folder / "fifo.plan";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::string message;
  EXPECT_EQ(code_of(path, &message), TALKRT_ERROR_IO);
  EXPECT_NE(message.find("is not a regular file"), std::string::npos) << message;
}

TEST(PlanFile, that_may_not_be_read_is_an_io_error) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read every file";
  const Folder folder;
  const std::string path = folder / "secret.plan";
  fs::copy_file(kTiny, path);
  fs::permissions(path, fs::perms::none);
  EXPECT_EQ(code_of(path), TALKRT_ERROR_IO);
}

TEST(PlanFile, with_a_name_too_long_is_an_io_error) {
  std::string message;
  EXPECT_EQ(code_of(std::string(5000, 'a'), &message), TALKRT_ERROR_IO);
  EXPECT_NE(message.find("cannot be opened"), std::string::npos);
}

TEST(PlanFile, keeps_its_bytes_when_another_file_takes_its_name) {
  const Folder folder;
  const std::string path = folder / "a.plan";
  fs::copy_file(kTiny, path);
  const Plan plan(path);
  std::ofstream(folder / "b") << "something else";
  fs::rename(folder / "b", path);
  const TensorView* means = plan.find("gaussian/means");
  ASSERT_NE(means, nullptr);
  const EditablePlan tiny = EditablePlan::tiny();
  EXPECT_TRUE(
      std::equal(means->bytes.begin(), means->bytes.end(), tiny.tensors.at("gaussian/means").bytes.begin()));
}

TEST(PlanFile, hands_its_views_on_when_moved) {
  Plan plan(kTiny);
  const TensorView* means = plan.find("gaussian/means");
  const Plan moved(std::move(plan));
  EXPECT_EQ(moved.find("gaussian/means"), means);
  EXPECT_EQ(moved.manifest().gaussian->count, 48);
}

TEST(PlanInMemory, equals_the_file) {
  const std::vector<std::byte> bytes = EditablePlan::tiny().bytes();
  const Plan plan(bytes, "an array");
  EXPECT_EQ(plan.label(), "an array");
  EXPECT_EQ(plan.bytes().data(), bytes.data());
  EXPECT_EQ(plan.names(), Plan(kTiny).names());
}

TEST(PlanInMemory, names_its_label_when_refused) {
  EXPECT_EQ(refusal_of({}), "memory: the file is 0 bytes long, expected a plan: at least 10 bytes");
}

TEST(PlanInMemory, is_refused_at_every_length_but_its_own) {
  const std::vector<std::byte> whole = EditablePlan::tiny().bytes();
  // Every cut of the header, then every 97th: reading past a cut is the sanitizers' to find.
  for (std::size_t size = 0; size < whole.size(); size += size < 6000 ? 1 : 97) {
    const std::vector<std::byte> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_NE(refusal_of(cut), "") << size;
  }
}

}  // namespace
}  // namespace talkrt::plan
