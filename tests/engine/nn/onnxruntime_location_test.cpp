// SPDX-License-Identifier: Apache-2.0
//
// Whatever a graph says about where its weights are, ONNX Runtime opens no file and follows no address.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <talkrt/error.hpp>
#include <vector>

#include "engine/src/nn/graph.hpp"
#include "tests/engine/nn/onnx_builder.hpp"
#include "tests/engine/nn/plan_builder.hpp"

namespace talkrt::nn {
namespace {

namespace fs = std::filesystem;

const nlohmann::json kEntry = nlohmann::json::parse(R"({
  "inputs":  [{"name": "x", "dtype": "F32", "shape": [2], "from": "controls"}],
  "outputs": [{"name": "y", "dtype": "F32", "shape": [2]}]})");

/// y = x + W, W as `tensor` says; the plan holds weight/probe/W = {1, 2}.
ProbePlan sum_plan(const std::string& tensor, const ProbePlan::Tensor& weight = {"F32", {2}, {1, 2}}) {
  const onnx::Graph graph{.nodes = {onnx::node("Add", {"x", "W"}, {"y"})},
                          .initializers = {tensor},
                          .inputs = {onnx::value("x", {2})},
                          .outputs = {onnx::value("y", {2})}};
  // The plan's reader looks for the tensor's name in the model; a doc string satisfies it.
  return {
      onnx::model(graph.bytes()) + onnx::field(6, "weight/probe/W"), kEntry, {{"weight/probe/W", weight}}};
}

std::unique_ptr<Graph> open(const ProbePlan& probe) {
  static const auto backend = open_onnxruntime({});
  return backend->open(probe.plan(), probe.spec());
}

/// A folder with a decoy file at weight/probe/W that is the working directory while this lives, and a watch
/// that counts how often the decoy is opened.
class Decoy {
 public:
  Decoy()
      : before_(fs::current_path()),
        folder_(fs::temp_directory_path() / ("talkrt-location-" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_ / "weight" / "probe");
    const float values[2] = {100, 200};
    std::ofstream(path(), std::ios::binary).write(reinterpret_cast<const char*>(values), sizeof values);
    fs::current_path(folder_);
    watch_ = inotify_init1(IN_NONBLOCK);
    EXPECT_GE(inotify_add_watch(watch_, path().c_str(), IN_OPEN), 0);
  }
  ~Decoy() {
    close(watch_);
    fs::current_path(before_);
    fs::remove_all(folder_);
  }
  Decoy(const Decoy&) = delete;
  Decoy& operator=(const Decoy&) = delete;

  [[nodiscard]] fs::path path() const { return folder_ / "weight" / "probe" / "W"; }
  [[nodiscard]] bool was_opened() const {
    char events[4096];
    return read(watch_, events, sizeof events) > 0;
  }

 private:
  fs::path before_, folder_;
  int watch_ = -1;
};

TEST(Location, the_watch_of_this_test_notices_an_opened_file) {
  const Decoy decoy;
  EXPECT_FALSE(decoy.was_opened());
  close(::open(decoy.path().c_str(), O_RDONLY));
  EXPECT_TRUE(decoy.was_opened());
}

TEST(Location, a_weights_location_opens_no_file_of_that_name) {
  const Decoy decoy;
  const ProbePlan probe = sum_plan(onnx::external_at("W", {2}, "weight/probe/W"));
  const auto graph = open(probe);
  const auto instance = graph->instance();
  instance->run();
  EXPECT_EQ(instance->output("y")[0], 1);  // the plan's, not the decoy's 100
  EXPECT_EQ(instance->output("y")[1], 2);
  EXPECT_FALSE(decoy.was_opened());
}

TEST(Location, hostile_ones_are_refused_by_name_before_onnxruntime_sees_them) {
  const Decoy decoy;
  const auto at = [](const std::string& location, const std::vector<std::string>& more = {}) {
    // The value before the key: not what writers do, so not what a search for the usual bytes finds.
    std::vector<std::string> entries{onnx::entry("location", location, true)};
    entries.insert(entries.end(), more.begin(), more.end());
    return onnx::external("W", {2}, entries);
  };
  struct Case {
    std::string tensor;
    std::string message;
  };
  const Case cases[] = {
      {at(decoy.path()),
       "has its data at \"" + decoy.path().string() + "\", expected a tensor named weight/probe/"},
      {at("../talkrt-location-test/weight/probe/W"), "expected a tensor named weight/probe/"},
      {at("weight/speech_to_motion/W"), "expected a tensor named weight/probe/"},
      {at("weight/probe/missing"), "needs the tensor weight/probe/missing, which the plan lacks"},
      {at("*/_ORT_MEM_ADDR_/*", {onnx::entry("offset", "4096")}), "has its data at \"*/_ORT_MEM_ADDR_/*\""},
      {at("weight/probe/W", {onnx::entry("offset", "4")}), "external_data offset 4, expected 0"},
      {at("weight/probe/W", {onnx::entry("length", "80")}), "external_data length 80, but the tensor"},
      {onnx::external("W", {3}, {onnx::entry("location", "weight/probe/W", true)}),
       "initializer \"W\" is F32 [3] in the graph, but the tensor weight/probe/W is F32 [2]"},
      {onnx::external("W", {2}, {onnx::entry("location", "weight/probe/W", true)}, onnx::kInt64),
       "initializer \"W\" is I64 [2] in the graph, but the tensor weight/probe/W is F32 [2]"},
      {onnx::field(1, 2) + onnx::field(2, 1) + onnx::field(8, "W") + onnx::field(14, 1),
       "has its data at \"\""},
  };
  for (const Case& one : cases) {
    const ProbePlan probe = sum_plan(one.tensor);
    try {
      open(probe);
      ADD_FAILURE() << "accepted where expected: " << one.message;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), TALKRT_ERROR_PLAN_CORRUPT) << error.what();
      EXPECT_NE(std::string(error.what()).find(one.message), std::string::npos)
          << error.what() << "\nlacks: " << one.message;
    }
  }
  EXPECT_FALSE(decoy.was_opened());
}

TEST(Location, onnxruntimes_own_file_format_is_not_taken_in_place_of_onnx) {
  // The format that ONNX Runtime recognises by these four bytes has weights and paths of its own.
  const ProbePlan probe(std::string("\x10\0\0\0ORTM", 8) + std::string(64, '\0'), kEntry);
  EXPECT_THROW(open(probe), Error);
}

}  // namespace
}  // namespace talkrt::nn
