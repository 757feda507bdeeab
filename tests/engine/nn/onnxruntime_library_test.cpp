// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <talkrt/error.hpp>

#include "engine/src/nn/graph.hpp"

namespace talkrt::nn {
namespace {

std::string missing(const std::string& library) {
  try {
    open_onnxruntime(library);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_BACKEND_MISSING);
    return error.what();
  }
  ADD_FAILURE() << library << " was opened";
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Sets $TALKRT_ONNXRUNTIME for one test.
class Variable {
 public:
  explicit Variable(const char* value) {
    if (const char* before = std::getenv(kName)) before_ = before;
    value != nullptr ? setenv(kName, value, 1) : unsetenv(kName);
  }
  ~Variable() { before_ ? setenv(kName, before_->c_str(), 1) : unsetenv(kName); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  static constexpr const char* kName = "TALKRT_ONNXRUNTIME";
  std::optional<std::string> before_;
};

TEST(OnnxRuntimeLibrary, a_path_that_does_not_open_is_named_with_the_loaders_reason_and_a_remedy) {
  const std::string message = missing("/no/such/libonnxruntime.so");
  EXPECT_TRUE(contains(message, "/no/such/libonnxruntime.so: ")) << message;
  EXPECT_TRUE(contains(message, "No such file")) << message;
  EXPECT_TRUE(contains(message, "pip install onnxruntime")) << message;
  EXPECT_TRUE(contains(message, "given to the engine")) << message;
}

TEST(OnnxRuntimeLibrary, a_path_that_was_asked_for_is_never_replaced_by_another) {
  const Variable variable("/from/the/variable.so");
  EXPECT_FALSE(contains(missing("/from/the/engine.so"), "/from/the/variable.so"));
  const std::string message = missing("");
  EXPECT_TRUE(contains(message, "/from/the/variable.so")) << message;
  EXPECT_TRUE(contains(message, "named by $TALKRT_ONNXRUNTIME")) << message;
}

TEST(OnnxRuntimeLibrary, without_a_path_the_loaders_names_are_tried_and_listed) {
  const Variable variable(nullptr);
  try {
    const auto backend = open_onnxruntime({});
    EXPECT_TRUE(contains(backend->describe_json(), "found by the dynamic loader"));  // one is installed here
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_BACKEND_MISSING);
    EXPECT_TRUE(contains(error.what(), "libonnxruntime.so.1: ")) << error.what();
    EXPECT_TRUE(contains(error.what(), "libonnxruntime.so: ")) << error.what();
  }
}

TEST(OnnxRuntimeLibrary, files_that_are_no_library_and_libraries_that_are_something_else_are_told_apart) {
  EXPECT_TRUE(contains(missing(TALKRT_TEST_DATA "/tiny.plan"), "tiny.plan: "));
  EXPECT_TRUE(contains(missing(TALKRT_NOT_ONNXRUNTIME), "no OrtGetApiBase"));
}

TEST(OnnxRuntimeLibrary, an_older_version_is_refused_with_both_versions) {
  const std::string message = missing(TALKRT_OLD_ONNXRUNTIME);
  EXPECT_TRUE(contains(message, "ONNX Runtime 1.17.3 at ")) << message;
  EXPECT_TRUE(contains(message, "needs 1.21 or newer")) << message;
}

TEST(OnnxRuntimeLibrary, describes_itself) {
  const auto backend = open_onnxruntime({});
  const auto json = nlohmann::json::parse(backend->describe_json());
  EXPECT_EQ(json["name"], "onnxruntime-cpu");
  EXPECT_TRUE(json["version"].get<std::string>().starts_with("1.")) << json;
  EXPECT_FALSE(json["path"].get<std::string>().empty());
  bool cpu = false;
  for (const auto& provider : json["providers"]) cpu |= provider == "CPUExecutionProvider";
  EXPECT_TRUE(cpu) << json;
}

}  // namespace
}  // namespace talkrt::nn
