// SPDX-License-Identifier: Apache-2.0
//
// People's own avatars on a GPU, against the CPU: TalkingGaussian's networks, GaussianTalker's, grown alpha,
// torsos, sizes, distances. The GPU is emulated; the kernels, the module and the engine are the ones that
// ship.
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <talkrt/error.hpp>
#include <utility>
#include <vector>

#include "tests/engine/session/drawn_view.hpp"
#include "tests/engine/session/emulated_gpu.hpp"

namespace talkrt::session {
namespace {

using GpuAvatar = OnGpu;
using EmulatedGpuAvatar = OnEmulatedGpu;

std::string plan_of(const char* name) { return std::string(TALKRT_TEST_DATA "/") + name + ".plan"; }

/// A copy of a plan with words of its manifest exchanged for as long ones.
struct EditedPlan {
  std::string path;

  EditedPlan(const std::string& plan, const std::string& name,
             const std::vector<std::pair<std::string, std::string>>& words)
      : path((std::filesystem::path(::testing::TempDir()) / (name + std::to_string(getpid()) + ".plan"))
                 .string()) {
    std::ifstream in(plan, std::ios::binary);
    std::string bytes((std::istreambuf_iterator<char>(in)), {});
    for (const auto& [from, to] : words) {
      const std::size_t at = bytes.find(from);
      if (at == std::string::npos || from.size() != to.size()) throw std::runtime_error("no " + from);
      bytes.replace(at, from.size(), to);
    }
    std::ofstream(path, std::ios::binary) << bytes;
  }
  EditedPlan(const EditedPlan&) = delete;
  EditedPlan& operator=(const EditedPlan&) = delete;
  ~EditedPlan() { std::filesystem::remove(path); }
};

EditedPlan dilated_plan() {
  return {plan_of("golden_talkinggaussian"), "dilated_on_gpu", {{R"(dilate\":false)", R"(dilate\":true )"}}};
}

/// The tiny avatar has a graph that does the same for each of its networks, of face and mouth.
EditedPlan plan_moved_by_graphs(int networks) {
  std::vector<std::pair<std::string, std::string>> words;
  const auto forget = [&](std::size_t count, const std::string& from, const std::string& to) {
    words.insert(words.end(), count, {from, to});
  };
  forget(networks == 0 ? 2 : 1, R"(\"network\":)", R"(\"unheard\":)");
  forget(6, "\"gaussian/deform/face/", "\"an_other/deform/face/");
  if (networks == 0) forget(3, "\"gaussian/deform/mouth/", "\"an_other/deform/mouth/");
  return {plan_of("tiny_avatar"), "moved_by_graphs_" + std::to_string(networks), words};
}

std::vector<float> floats_of(std::span<const std::uint8_t> bytes) {
  std::vector<float> out(bytes.size() / sizeof(float));
  std::memcpy(out.data(), bytes.data(), bytes.size());
  return out;
}

/// A session fed with rows, as many as there are positions to see.
struct Shown {
  std::shared_ptr<const Model> model;
  std::shared_ptr<Session> session;
  std::vector<CopiedFrame> frames;

  Shown(const std::shared_ptr<Engine>& on, const std::string& plan, std::size_t rows,
        const talkrt_session_config& config = default_session_config(),
        const talkrt_controls& controls = motion::default_controls())
      : model(on->load(plan)), session(Session::create(on, model, config)) {
    session->set_controls(controls);
    if (rows > 0) feed(rows, [] {});
  }

  /// Calls after() whenever frames came.
  void feed(std::size_t rows, const std::function<void()>& after) {
    const auto& features = *model->manifest().rows;
    const auto width =
        static_cast<std::size_t>(features.channels) * static_cast<std::size_t>(features.row_width);
    std::mt19937 bits(5);
    std::vector<float> values(rows * width);
    for (float& v : values) v = static_cast<float>(bits() * 0x1p-31 - 1);
    for (std::span<const float> left(values); !left.empty();) {
      left = left.subspan(session->push_features(left.first(width), width) * width);
      pull_all(*session, frames);
      after();
    }
    session->finish();
    pull_all(*session, frames);
  }
};

/// At least 60 dB, and no byte off by more than one step.
void expect_same_frames(const Shown& found, const Shown& expected) {
  ASSERT_EQ(found.frames.size(), expected.frames.size());
  ASSERT_GT(found.frames.size(), 0u);
  for (std::size_t i = 0; i < found.frames.size(); ++i) {
    const auto &a = found.frames[i].pixels, &b = expected.frames[i].pixels;
    EXPECT_EQ(found.frames[i].position, expected.frames[i].position);
    ASSERT_GT(psnr(a, b), 60) << "frame " << i;
    for (std::size_t p = 0; p < a.size(); ++p)
      ASSERT_LE(std::abs(a[p] - b[p]), 1) << "frame " << i << ", byte " << p;
  }
  EXPECT_NE(found.frames.front().pixels, found.frames.back().pixels);
}

void expect_same_view(const Drawn& found, const Drawn& expected) {
  ASSERT_GT(psnr(found.rgba8, expected.rgba8), 60);
  for (std::size_t i = 0; i < found.rgba.size(); ++i) {
    ASSERT_LE(std::abs(found.rgba8[i] - expected.rgba8[i]), 1) << i;
    ASSERT_NEAR(found.rgba[i], expected.rgba[i], 2e-3) << i;
    if (expected.rgba[i | 3] <= 0.1f) continue;
    ASSERT_NEAR(found.depth[i / 4], expected.depth[i / 4], 1e-2) << i / 4;
  }
}

TEST_F(GpuAvatar, frames_of_both_kinds_of_networks_are_those_of_the_cpu) {
  const auto gpu = gpu_engine(), cpu = engine(with_threads(1));
  for (const char* name : {"tiny_avatar", "golden_talkinggaussian", "golden_gaussiantalker"}) {
    SCOPED_TRACE(name);
    const Shown found(gpu, plan_of(name), 6), expected(cpu, plan_of(name), 6);
    expect_same_frames(found, expected);
  }
}

TEST_F(GpuAvatar, another_size_and_distance_and_a_clear_backdrop_are_those_of_the_cpu) {
  const auto gpu = gpu_engine(), cpu = engine(with_threads(1));
  for (const char* name : {"tiny_avatar", "golden_gaussiantalker"}) {
    SCOPED_TRACE(name);
    talkrt_session_config config = default_session_config();
    config.width = 84;
    config.height = 72;
    talkrt_controls controls = motion::default_controls();
    controls.head_distance = 1.3f;
    controls.head_yaw = 4;
    controls.expression_scale = 0.6f;
    expect_same_frames(Shown(gpu, plan_of(name), 4, config, controls),
                       Shown(cpu, plan_of(name), 4, config, controls));
    config.background = TALKRT_BACKGROUND_TRANSPARENT;
    expect_same_frames(Shown(gpu, plan_of(name), 4, config, controls),
                       Shown(cpu, plan_of(name), 4, config, controls));
  }
}

TEST_F(GpuAvatar, a_mouth_that_hides_what_is_around_it_is_that_of_the_cpu) {
  const auto gpu = gpu_engine(), cpu = engine(with_threads(1));
  const EditedPlan dilated = dilated_plan();
  const Shown found(gpu, dilated.path, 4);
  expect_same_frames(found, Shown(cpu, dilated.path, 4));
  EXPECT_NE(found.frames, Shown(gpu, plan_of("golden_talkinggaussian"), 4).frames);
}

TEST_F(GpuAvatar, gaussians_that_graphs_move_are_where_the_cpu_draws_them) {
  const auto gpu = gpu_engine(), cpu = engine(with_threads(1));
  talkrt_controls controls = motion::default_controls();
  controls.expression_scale = 0.7f;
  const Shown by_networks(cpu, plan_of("tiny_avatar"), 5, default_session_config(), controls);
  for (const int networks : {0, 1}) {  // of two; graphs move the Gaussians of the others
    SCOPED_TRACE(networks);
    const EditedPlan plan = plan_moved_by_graphs(networks);
    const Shown found(gpu, plan.path, 5, default_session_config(), controls);
    expect_same_frames(found, Shown(cpu, plan.path, 5, default_session_config(), controls));
    EXPECT_GT(psnr(found.frames.back().pixels, by_networks.frames.back().pixels), 50);
  }
}

TEST_F(GpuAvatar, views_show_what_the_last_frame_shows_as_those_of_the_cpu_do) {
  const auto gpu = gpu_engine(), cpu = engine(with_threads(1));
  const EditedPlan dilated = dilated_plan(), by_graphs = plan_moved_by_graphs(0);
  for (const std::string& plan :
       {plan_of("tiny_avatar"), plan_of("golden_gaussiantalker"), dilated.path, by_graphs.path}) {
    for (const auto background : {TALKRT_BACKGROUND_PLAN, TALKRT_BACKGROUND_TRANSPARENT}) {
      SCOPED_TRACE(plan + (background == TALKRT_BACKGROUND_PLAN ? "" : ", on nothing"));
      talkrt_session_config config = default_session_config();
      config.background = background;
      const Shown found(gpu, plan, 4, config), expected(cpu, plan, 4, config);
      for (const int height : {0, 50}) {
        const talkrt_camera camera = plan_camera(*gpu->load(plan), height == 0 ? 0 : 61, height);
        expect_same_view(drawn(*found.session, camera), drawn(*expected.session, camera));
      }
    }
  }
}

TEST_F(GpuAvatar, a_view_changes_nothing_of_the_frames_around_it) {
  const auto gpu = gpu_engine();
  const Shown expected(gpu, plan_of("tiny_avatar"), 6);
  talkrt_emulation_set_order(5);
  talkrt_emulation_set_late(1);
  Shown watched(gpu, plan_of("tiny_avatar"), 0);
  const talkrt_camera camera = plan_camera(*gpu->load(plan_of("tiny_avatar")));
  const Drawn first = drawn(*watched.session, camera);
  EXPECT_EQ(first, drawn(*watched.session, camera));
  watched.feed(6, [&] { (void)drawn(*watched.session, camera); });
  EXPECT_EQ(watched.frames, expected.frames);
  EXPECT_NE(first, drawn(*watched.session, camera));
}

TEST_F(GpuAvatar, frames_of_every_format_are_the_same_picture) {
  const auto gpu = gpu_engine(), cpu = engine(with_threads(1));
  for (const char* name : {"tiny_avatar", "golden_gaussiantalker"}) {
    SCOPED_TRACE(name);
    talkrt_session_config config = default_session_config();
    config.pixel_format = TALKRT_PIXELS_NV12;
    const Shown found(gpu, plan_of(name), 2, config), expected(cpu, plan_of(name), 2, config);
    ASSERT_EQ(found.frames[0].pixels.size(), expected.frames[0].pixels.size());
    for (std::size_t i = 0; i < found.frames[0].pixels.size(); ++i) {
      ASSERT_NEAR(found.frames[0].pixels[i], expected.frames[0].pixels[i], 2) << i;  // of bytes cut off
    }
    config.background = TALKRT_BACKGROUND_TRANSPARENT;
    EXPECT_EQ(code_of([&] { Shown(gpu, plan_of(name), 1, config); }), TALKRT_ERROR_INVALID_ARGUMENT);
    if (std::string(name) != "tiny_avatar") continue;  // has colours above 1, which floats keep
    config.pixel_format = TALKRT_PIXELS_RGBA8;
    const Shown bytes(gpu, plan_of(name), 2, config);
    config.pixel_format = TALKRT_PIXELS_RGBA_F32;
    const Shown floats(gpu, plan_of(name), 2, config);
    const std::vector<float> values = floats_of(floats.frames[0].pixels);
    ASSERT_EQ(values.size(), bytes.frames[0].pixels.size());
    int shown = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float alpha = values[i | 3],
                  value = i % 4 == 3 ? alpha : std::min(values[i] / std::max(alpha, 1e-6f), 1.0f);
      ASSERT_NEAR(255 * alpha, bytes.frames[0].pixels[i | 3], 2) << i;  // two bytes cut off
      if (alpha < 0.5f) continue;  // bytes of what hardly shows were rounded before they were divided
      ASSERT_NEAR(255 * value, bytes.frames[0].pixels[i], 2.5) << i;
      ++shown;
    }
    EXPECT_GT(shown, 100);
  }
}

TEST_F(GpuAvatar, a_frame_is_the_same_bits_alone_and_among_others_ahead_and_in_any_order) {
  const auto gpu = gpu_engine();
  const std::string plan = plan_of("tiny_avatar");
  const Shown expected(gpu, plan, 12);
  talkrt_session_config config = default_session_config();
  config.frames_ahead = 2;
  config.frame_slots = 4;
  talkrt_emulation_set_order(3);
  talkrt_emulation_set_late(1);  // whoever does not wait sees an old picture
  EXPECT_EQ(Shown(gpu, plan, 12, config).frames, expected.frames);
  config.fps_num = 50;
  config.fps_den = 1;  // every other frame shows what the one before it showed
  const Shown twice(gpu, plan, 12, config);
  ASSERT_EQ(twice.frames.size(), 2 * expected.frames.size());
  for (std::size_t i = 0; i < twice.frames.size(); ++i) {
    EXPECT_EQ(twice.frames[i].pixels, expected.frames[i / 2].pixels) << i;
  }
}

TEST_F(EmulatedGpuAvatar, a_view_says_that_the_gpu_was_lost_or_has_no_memory_left) {
  const auto gpu = gpu_engine();
  const EditedPlan plan = plan_moved_by_graphs(1);
  const Shown seen(gpu, plan.path, 2);
  const talkrt_camera camera = plan_camera(*gpu->load(plan.path), 96, 96);
  const auto view = [&] { (void)drawn(*seen.session, camera); };
  const std::uint64_t before = talkrt_emulation_bytes_taken();
  view();
  const std::uint64_t needed = talkrt_emulation_bytes_taken() - before;
  for (std::uint64_t part = 0; part < 6; ++part) {
    (void)drawn(*seen.session, plan_camera(*seen.model, 8, 8));  // gives the others' memory back
    talkrt_emulation_set_memory_limit(before + needed * part / 6);
    EXPECT_EQ(code_of(view), TALKRT_ERROR_OUT_OF_MEMORY) << part;
    talkrt_emulation_restore();
  }
  EXPECT_EQ(code_of(view), TALKRT_OK);
  talkrt_emulation_fail(1, 700);
  EXPECT_EQ(code_of(view), TALKRT_ERROR_DEVICE_LOST);
}

TEST_F(EmulatedGpuAvatar, a_gpu_that_is_lost_ends_a_session_with_a_code) {
  const auto gpu = gpu_engine();
  const auto other = Session::create(gpu, gpu->load(plan_of("tiny_avatar")), default_session_config());
  const std::vector<float> rows(6 * 6);
  ASSERT_EQ(other->push_features(rows, 6), 6u);
  talkrt_emulation_fail(2, 700);
  std::vector<CopiedFrame> frames;
  try {
    pull_all(*other, frames);
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), TALKRT_ERROR_DEVICE_LOST);
  }
}

}  // namespace
}  // namespace talkrt::session
