// SPDX-License-Identifier: Apache-2.0
//
// People's own avatars on a GPU, against the CPU: TalkingGaussian's networks, GaussianTalker's, grown alpha,
// torsos, sizes, distances. The GPU is emulated; the kernels, the module and the engine are the ones that
// ship.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <random>
#include <talkrt/error.hpp>

#include "tests/engine/session/emulated_gpu.hpp"

namespace talkrt::session {
namespace {

using GpuAvatar = OnGpu;
using EmulatedGpuAvatar = OnEmulatedGpu;

std::string plan_of(const char* name) { return std::string(TALKRT_TEST_DATA "/") + name + ".plan"; }

/// A session fed with rows, as many as there are positions to see.
struct Shown {
  std::shared_ptr<Session> session;
  std::vector<CopiedFrame> frames;

  Shown(const std::shared_ptr<Engine>& on, const std::string& plan, std::size_t rows,
        const talkrt_session_config& config = default_session_config(),
        const talkrt_controls& controls = motion::default_controls()) {
    auto model = on->load(plan);
    const auto& features = *model->manifest().rows;
    const auto width =
        static_cast<std::size_t>(features.channels) * static_cast<std::size_t>(features.row_width);
    session = Session::create(on, std::move(model), config);
    session->set_controls(controls);
    std::mt19937 bits(5);
    std::vector<float> values(rows * width);
    for (float& v : values) v = static_cast<float>(bits() * 0x1p-31 - 1);
    for (std::span<const float> left(values); !left.empty();) {
      left = left.subspan(session->push_features(left, width) * width);
      pull_all(*session, frames);
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

TEST_F(GpuAvatar, frames_of_both_kinds_of_networks_are_those_of_the_cpu) {
  const auto gpu = gpu_engine(), cpu = engine(with_threads(1));
  for (const char* name : {"tiny_avatar", "golden_talkinggaussian", "golden_gaussiantalker"}) {
    SCOPED_TRACE(name);
    const Shown found(gpu, plan_of(name), 6), expected(cpu, plan_of(name), 6);
    EXPECT_TRUE(gpu->load(plan_of(name))->avatar().on_gpu());
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
  std::ifstream in(plan_of("golden_talkinggaussian"), std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  const std::string off = R"(dilate\":false)";
  const std::size_t at = bytes.find(off);
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, off.size(), R"(dilate\":true )");
  const std::filesystem::path path = std::filesystem::path(::testing::TempDir()) / "dilated_on_gpu.plan";
  std::ofstream(path, std::ios::binary) << bytes;
  const auto gpu = gpu_engine(), cpu = engine(with_threads(1));
  const Shown found(gpu, path.string(), 4);
  expect_same_frames(found, Shown(cpu, path.string(), 4));
  EXPECT_NE(found.frames, Shown(gpu, plan_of("golden_talkinggaussian"), 4).frames);
  std::filesystem::remove(path);
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
