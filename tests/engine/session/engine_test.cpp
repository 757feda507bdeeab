// SPDX-License-Identifier: Apache-2.0
#include "engine/src/session/engine.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tests/engine/session/tiny_session.hpp"

namespace talkrt::session {
namespace {

namespace fs = std::filesystem;

/// A folder with copies of the tiny plan.
struct Plans {
  fs::path folder = fs::temp_directory_path() / ("talkrt-engine-test-" + std::to_string(::getpid()));

  Plans() { fs::create_directories(folder); }
  ~Plans() { fs::remove_all(folder); }

  [[nodiscard]] std::string copy(const std::string& name) const {
    fs::copy_file(kTinyPlan, folder / name, fs::copy_options::overwrite_existing);
    return (folder / name).string();
  }
};

std::uint64_t model_bytes() { return engine()->load(kTinyPlan)->host_bytes(); }

TEST(Engine, an_unchanged_file_is_loaded_once) {
  const Plans plans;
  const std::string path = plans.copy("a.plan");
  const auto shared = engine();
  const auto first = shared->load(path);
  EXPECT_EQ(shared->load(path), first);
}

TEST(Engine, a_replaced_file_is_loaded_anew_and_the_old_model_lives_on) {
  const Plans plans;
  const std::string path = plans.copy("a.plan"), next = plans.copy("b.plan");
  const auto shared = engine();
  const auto first = shared->load(path);
  fs::rename(next, path);
  const auto second = shared->load(path);
  EXPECT_NE(second, first);
  EXPECT_EQ(first->manifest().name, "tiny");
}

TEST(Engine, makes_room_by_evicting_the_model_that_was_idle_longest) {
  const Plans plans;
  const std::uint64_t each = model_bytes();
  EngineConfig config;
  config.host_budget = 2 * each + each / 2;
  const auto shared = engine(config);
  const std::weak_ptr<const Model> a = shared->load(plans.copy("a.plan"));
  const std::weak_ptr<const Model> b = shared->load(plans.copy("b.plan"));
  EXPECT_FALSE(a.expired()) << "idle models stay while nobody needs their memory";
  const auto a_again = shared->load((plans.folder / "a.plan").string());
  const std::weak_ptr<const Model> c = shared->load(plans.copy("c.plan"));
  EXPECT_TRUE(b.expired());
  EXPECT_FALSE(a.expired());
  EXPECT_FALSE(c.expired());
}

TEST(Engine, models_in_use_are_never_evicted_and_the_load_is_refused_with_a_breakdown) {
  const Plans plans;
  const std::uint64_t each = model_bytes();
  EngineConfig config;
  config.host_budget = 2 * each + each / 2;
  const auto shared = engine(config);
  const auto a = shared->load(plans.copy("a.plan")), b = shared->load(plans.copy("b.plan"));
  try {
    (void)shared->load(plans.copy("c.plan"));
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_OUT_OF_BUDGET);
    EXPECT_NE(std::string(error.what()).find("a.plan"), std::string::npos) << error.what();
  }
  EXPECT_EQ(shared->budget().used(device::MemoryKind::host), 2 * each)
      << "the refused load left something behind";
}

TEST(Engine, a_session_makes_room_too) {
  const Plans plans;
  const auto probe = engine();
  const std::uint64_t each = model_bytes();
  const auto session_bytes = session()->stats().host_bytes;
  EngineConfig config;
  config.host_budget = each + session_bytes + each / 2;
  const auto shared = engine(config);
  const std::weak_ptr<const Model> idle = shared->load(plans.copy("idle.plan"));
  const auto head = session(default_session_config(), shared);
  EXPECT_TRUE(idle.expired());
}

TEST(Engine, a_plans_own_budget_refuses_a_session_and_evicts_nobody) {
  const Plans plans;
  EngineConfig config;
  config.host_budget = std::uint64_t{1} << 40;
  const auto shared = engine(config);
  const std::weak_ptr<const Model> idle = shared->load(plans.copy("idle.plan"));
  talkrt_session_config big = default_session_config();
  big.width = big.height = 8192;  // 268 MB a frame, and the plan allows 64 MiB
  try {
    (void)session(big, shared);
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_OUT_OF_BUDGET);
    EXPECT_NE(std::string(error.what())
                  .find("tiny.plan: memory budget exceeded: \"frames\" of session asks for 768.0 MiB"),
              std::string::npos)
        << error.what();
  }
  EXPECT_FALSE(idle.expired());
}

TEST(Engine, sessions_give_back_all_they_took) {
  const auto shared = engine();
  const auto model = shared->load(kTinyPlan);
  const auto before = shared->budget().used(device::MemoryKind::host);
  for (int i = 0; i < 3; ++i) {
    const auto head = session(default_session_config(), shared);
    EXPECT_EQ(shared->budget().used(device::MemoryKind::host), before + head->stats().host_bytes);
    frames_of(*head, voice(3000));
  }
  EXPECT_EQ(shared->budget().used(device::MemoryKind::host), before);
}

TEST(Engine, without_onnxruntime_every_load_says_what_was_tried) {
  EngineConfig config;
  config.onnxruntime = "/nonexistent/libonnxruntime.so";
  Engine shared(config);
  for (int i = 0; i < 2; ++i) {
    try {
      (void)shared.load(kTinyPlan);
      ADD_FAILURE();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), TALKRT_ERROR_BACKEND_MISSING);
      EXPECT_NE(std::string(error.what()).find("/nonexistent/libonnxruntime.so"), std::string::npos);
    }
  }
  EXPECT_NE(shared.describe_json().find("missing"), std::string::npos);
}

TEST(Engine, a_missing_file_is_not_reported_as_a_missing_library) {
  EngineConfig config;
  config.onnxruntime = "/nonexistent/libonnxruntime.so";
  Engine shared(config);
  try {
    (void)shared.load("/nonexistent/x.plan");
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_NOT_FOUND);
  }
}

}  // namespace
}  // namespace talkrt::session
