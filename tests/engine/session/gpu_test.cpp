// SPDX-License-Identifier: Apache-2.0
//
// Sessions on a GPU, against those on the CPU. The GPU is emulated; the kernels, the module and the engine
// are the ones that ship. With $TALKRT_CUDA_MODULE set the same tests run on the GPU of that module, but for
// those of EmulatedGpu, which make the GPU fail or count what it was told.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <talkrt/error.hpp>
#include <thread>

#include "tests/engine/session/drawn_view.hpp"
#include "tests/engine/session/emulated_gpu.hpp"

namespace talkrt::session {
namespace {

constexpr int kGpuLost = 700;  // cudaErrorIllegalAddress

using GpuSession = OnGpu;
using EmulatedGpu = OnEmulatedGpu;

talkrt_session_config ahead(int frames, int slots = 4) {
  talkrt_session_config config = default_session_config();
  config.frames_ahead = frames;
  config.frame_slots = slots;
  return config;
}

TEST_F(GpuSession, frames_are_those_of_the_cpu) {
  const auto audio = voice(kRate / 2);
  const auto expected = frames_of(*session(), audio);
  const auto found = frames_of(*session(default_session_config(), gpu_engine()), audio);
  ASSERT_EQ(found.size(), expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i].position, expected[i].position);
    EXPECT_EQ(found[i].channels, expected[i].channels);
    EXPECT_GT(psnr(found[i].pixels, expected[i].pixels), 60) << "frame " << i;
  }
}

TEST_F(GpuSession, frames_are_the_same_bits_for_any_order_of_blocks_and_any_number_ahead) {
  const auto audio = voice(kRate / 3);
  const auto expected = frames_of(*session(ahead(0), gpu_engine()), audio);
  for (int frames = 0; frames <= 2; ++frames) {
    talkrt_emulation_set_order(static_cast<unsigned>(frames) + 5);
    talkrt_emulation_set_late(1);  // whoever does not wait sees an old picture
    const auto found = frames_of(*session(ahead(frames), gpu_engine()), audio);
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      EXPECT_EQ(found[i].pixels, expected[i].pixels) << frames << " ahead, frame " << i;
    }
  }
}

TEST_F(GpuSession, a_frame_says_what_drew_it_and_where_it_is) {
  const auto shared = gpu_engine();
  talkrt_session_config config = default_session_config();
  config.frame_memory = TALKRT_FRAMES_DEVICE;
  const auto on_gpu = session(config, shared), on_host = session(default_session_config(), shared);
  const auto audio = voice(kRate / 4);
  for (const auto& one : {on_gpu, on_host}) ASSERT_EQ(one->push(audio, kRate), audio.size());
  // The GPU draws in order: once the later frame has come to the host, the earlier one is there.
  talkrt_frame here{}, there{};
  ASSERT_EQ(on_gpu->pull(there), Pull::frame);
  ASSERT_EQ(on_host->pull(here), Pull::frame);
  EXPECT_EQ(here.device, TALKRT_DEVICE_CUDA);
  EXPECT_EQ(here.device_pixels, nullptr);
  EXPECT_EQ(here.stream, nullptr);
  EXPECT_EQ(there.pixels, nullptr);
  EXPECT_NE(there.stream, nullptr);
  ASSERT_NE(there.device_pixels, nullptr);
  const auto row = [&](const talkrt_frame& frame, int y) {
    std::vector<std::uint8_t> out(static_cast<std::size_t>(frame.width) * 4);
    shared->gpu()->device.copy_out(std::as_writable_bytes(std::span(out)),
                                   frame.device_pixels + y * frame.stride);
    return out;
  };
  for (int y = 0; y < here.height; ++y) {
    const std::vector<std::uint8_t> drawn = row(there, y);
    EXPECT_TRUE(std::equal(drawn.begin(), drawn.end(), here.pixels + y * here.stride)) << "row " << y;
  }
  std::vector<std::uint8_t> pixels(static_cast<std::size_t>(here.stride) *
                                   static_cast<std::size_t>(here.height));
  talkrt_frame copied{};
  EXPECT_EQ(code_of([&] { (void)on_gpu->pull_into({pixels.data(), here.stride, {}}, copied); }),
            TALKRT_ERROR_UNSUPPORTED);
  talkrt_frame next{};
  ASSERT_EQ(on_gpu->pull(next), Pull::frame);
  ASSERT_EQ(on_host->pull_into({pixels.data(), here.stride, {}}, copied), Pull::frame);
  const std::vector<std::uint8_t> drawn = row(next, 0);
  EXPECT_TRUE(std::equal(drawn.begin(), drawn.end(), pixels.data()));
  for (talkrt_frame* frame : {&here, &there, &next}) frame::FramePool::release(slot_of(*frame));
}

TEST_F(GpuSession, sessions_of_several_plans_that_pull_at_once_share_draws) {
  const auto shared = gpu_engine();
  const auto audio = voice(kRate / 3);
  const auto expected = frames_of(*session(default_session_config(), shared), audio);
  talkrt_session_config wide = default_session_config();
  wide.width = 80;
  wide.height = 48;
  const auto expected_wide = frames_of(*session(wide, shared), audio);
  constexpr int kSessions = 6;
  std::vector<std::vector<CopiedFrame>> found(kSessions);
  const std::uint64_t before = talkrt_emulation_launches();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kSessions; ++i) {
      threads.emplace_back([&, i] {
        found[static_cast<std::size_t>(i)] =
            frames_of(*session(i % 2 == 0 ? default_session_config() : wide, shared), audio);
      });
    }
  }
  const std::uint64_t launches = talkrt_emulation_launches() - before;
  for (std::size_t i = 0; i < found.size(); ++i) {
    EXPECT_EQ(found[i], i % 2 == 0 ? expected : expected_wide) << "session " << i;
  }
  if (on_emulation()) {
    EXPECT_LT(launches, 2 * kSessions * (expected.size() + 1)) << "nothing was drawn together";
  }
}

TEST_F(EmulatedGpu, two_kernels_and_no_memory_for_a_frame) {
  const auto one = session(default_session_config(), gpu_engine());
  const auto audio = voice(kRate / 2);
  ASSERT_EQ(one->push(audio, kRate), audio.size());
  std::vector<CopiedFrame> frames;
  (void)pull_all(*one, frames, 1);
  talkrt_emulation_set_late(1);  // so that there is something to wait for
  const auto calls = [](const char* name) { return talkrt_emulation_calls(name); };
  const std::vector<const char*> never{"cudaMalloc", "cudaMallocHost", "cudaStreamSynchronize",
                                       "cudaDeviceSynchronize"};
  std::vector<std::uint64_t> before;
  std::transform(never.begin(), never.end(), std::back_inserter(before), calls);
  const std::uint64_t launches = talkrt_emulation_launches(), waits = calls("cudaEventSynchronize");
  (void)pull_all(*one, frames, 4);
  ASSERT_EQ(frames.size(), 5u);
  EXPECT_EQ(talkrt_emulation_launches() - launches, 2 * 4u);
  EXPECT_EQ(calls("cudaEventSynchronize") - waits, 4u);
  for (std::size_t i = 0; i < never.size(); ++i) EXPECT_EQ(calls(never[i]), before[i]) << never[i];
}

TEST_F(GpuSession, views_are_those_of_the_cpu) {
  const auto expected_head = session(), head = session(default_session_config(), gpu_engine());
  talkrt_camera camera = plan_camera(*engine()->load(kTinyPlan), 40, 56);
  const Drawn expected = drawn(*expected_head, camera), found = drawn(*head, camera);
  EXPECT_EQ(found.view.visible, expected.view.visible);
  EXPECT_GT(psnr(found.rgba8, expected.rgba8), 60);
  for (std::size_t i = 0; i < found.rgba.size(); ++i) ASSERT_NEAR(found.rgba[i], expected.rgba[i], 1e-4);
  for (std::size_t i = 0; i < found.depth.size(); ++i) {
    ASSERT_NEAR(found.depth[i], expected.depth[i], 1e-3 * (1 + expected.depth[i]));
  }
}

TEST_F(GpuSession, a_scene_is_that_of_the_cpu_and_leaves_the_hosts_memory) {
  EngineConfig config = with_threads(1);
  const auto host = std::make_shared<Engine>(config), gpu = gpu_engine();
  const auto expected_model = host->load(kTinyScene), model = gpu->load(kTinyScene);
  EXPECT_LT(model->host_bytes(), expected_model->host_bytes());
  const auto wishes = default_session_config();
  const auto expected_session = Session::create(host, expected_model, wishes),
             scene = Session::create(gpu, model, wishes);
  const talkrt_camera camera = plan_camera(*model, 64, 48);
  const Drawn expected = drawn(*expected_session, camera), found = drawn(*scene, camera);
  EXPECT_GT(psnr(found.rgba8, expected.rgba8), 60);
  EXPECT_EQ(found.view.visible, expected.view.visible);
}

TEST_F(GpuSession, an_interrupt_drops_frames_that_were_begun_ahead) {
  const auto audio = voice(kRate);
  const auto head = session(ahead(2), gpu_engine()), plain = session();
  std::vector<CopiedFrame> frames, expected;
  for (Session* one : {head.get(), plain.get()}) {
    auto& out = one == head.get() ? frames : expected;
    ASSERT_EQ(one->push(audio, kRate), audio.size());
    (void)pull_all(*one, out, 5);
    one->cut();
    ASSERT_EQ(one->push(audio, kRate), audio.size());
    (void)pull_all(*one, out, 5);
  }
  ASSERT_EQ(frames.size(), expected.size());
  for (std::size_t i = 0; i < frames.size(); ++i) EXPECT_EQ(frames[i].index, expected[i].index) << i;
  EXPECT_EQ(head->stats().audio_dropped, plain->stats().audio_dropped);
  EXPECT_EQ(head->stats().frames, plain->stats().frames);
}

TEST_F(GpuSession, frames_of_every_format_are_the_same_picture) {
  const auto shared = gpu_engine();
  talkrt_session_config config = default_session_config();
  config.width = 65;  // odd sides: chroma of the last row and column stands for fewer pixels
  config.height = 49;
  const auto first_frame = [&](const std::shared_ptr<Engine>& on, talkrt_pixel_format format,
                               talkrt_frame& frame) {
    config.pixel_format = format;
    const auto one = session(config, on);
    const auto audio = voice(kRate / 4);
    ASSERT_EQ(one->push(audio, kRate), audio.size());
    ASSERT_EQ(one->pull(frame), Pull::frame);
    EXPECT_EQ(frame.pixel_format, format);
  };
  talkrt_frame bytes{}, planes{}, expected_planes{}, floats{};
  first_frame(shared, TALKRT_PIXELS_RGBA8, bytes);
  first_frame(shared, TALKRT_PIXELS_NV12, planes);
  first_frame(engine(), TALKRT_PIXELS_NV12, expected_planes);
  first_frame(shared, TALKRT_PIXELS_RGBA_F32, floats);
  const int rows = config.height + (config.height + 1) / 2;
  for (int y = 0; y < rows; ++y) {
    for (int x = 0; x < (y < config.height ? 65 : 66); ++x) {
      ASSERT_NEAR(planes.pixels[y * planes.stride + x],
                  expected_planes.pixels[y * expected_planes.stride + x], 1)
          << x << ", " << y;
    }
  }
  for (int y = 0; y < config.height; ++y) {
    for (int i = 0; i < 4 * config.width; ++i) {
      float value = 0;
      std::memcpy(&value, floats.pixels + y * floats.stride + std::int64_t{4} * i, sizeof value);
      if (i % 4 == 3) continue;  // a float frame's alpha is the head's
      ASSERT_NEAR(255 * value, bytes.pixels[y * bytes.stride + i], 0.51);
    }
  }
  for (talkrt_frame* frame : {&bytes, &planes, &expected_planes, &floats}) {
    frame::FramePool::release(slot_of(*frame));
  }
  config.pixel_format = TALKRT_PIXELS_RGBA_F32;
  EXPECT_EQ(code_of([&] { (void)session(config); }), TALKRT_ERROR_INVALID_ARGUMENT);
  config.pixel_format = TALKRT_PIXELS_NV12;
  const auto one = session(config);
  std::vector<std::uint8_t> pixels(std::size_t{65} * 49 * 4);
  talkrt_frame frame{};
  EXPECT_EQ(code_of([&] { (void)one->pull_into({pixels.data(), 65 * 4}, frame); }), TALKRT_ERROR_UNSUPPORTED);
}

TEST_F(GpuSession, audio_and_frames_lie_in_page_locked_memory) {
  const auto one = session(default_session_config(), gpu_engine());
  std::vector<std::string> pinned;
  for (const auto& line : one->budget().lines()) {
    if (line.kind == device::MemoryKind::pinned) pinned.push_back(line.what);
  }
  for (const char* what : {"audio queue", "frames"}) {
    EXPECT_NE(std::find(pinned.begin(), pinned.end(), what), pinned.end()) << what;
  }
}

TEST_F(EmulatedGpu, a_gpu_that_is_lost_says_so_in_every_later_call) {
  const auto shared = gpu_engine();
  const auto head = session(ahead(1), shared), other = session(default_session_config(), shared);
  const auto audio = voice(kRate / 2);
  for (const auto& one : {head, other}) ASSERT_EQ(one->push(audio, kRate), audio.size());
  talkrt_frame held{}, frame{};
  ASSERT_EQ(head->pull(held), Pull::frame);
  talkrt_emulation_fail(0, kGpuLost);
  const auto pull = [&](Session& one) { return code_of([&] { (void)one.pull(frame); }); };
  EXPECT_EQ(pull(*head), TALKRT_ERROR_DEVICE_LOST);
  EXPECT_EQ(pull(*other), TALKRT_ERROR_DEVICE_LOST);
  EXPECT_EQ(pull(*head), TALKRT_ERROR_DEVICE_LOST);
  EXPECT_EQ(code_of([&] { (void)session(default_session_config(), shared); }), TALKRT_ERROR_DEVICE_LOST);
  frame::FramePool::release(slot_of(held));
}

TEST_F(EmulatedGpu, the_end_of_memory_is_an_error_wherever_it_comes) {
  const auto shared = gpu_engine();
  (void)shared->load(kTinyPlan);
  const std::uint64_t before = talkrt_emulation_bytes_taken();
  std::uint64_t needed = 0;
  {
    const auto whole = session(default_session_config(), shared);
    needed = talkrt_emulation_bytes_taken() - before;
    EXPECT_EQ(needed, whole->budget().used(device::MemoryKind::device) +
                          whole->budget().used(device::MemoryKind::pinned))
        << "taken, and not in the account";
  }
  for (std::uint64_t part = 0; part < 8; ++part) {
    talkrt_emulation_set_memory_limit(before + needed * part / 8);
    EXPECT_EQ(code_of([&] { (void)session(default_session_config(), shared); }), TALKRT_ERROR_OUT_OF_MEMORY);
    EXPECT_EQ(talkrt_emulation_bytes_taken(), before);
  }
}

TEST_F(GpuSession, a_held_frame_outlives_its_session_and_engine) {
  talkrt_frame frame{};
  std::vector<std::uint8_t> seen;
  {
    const auto head = session(ahead(2), gpu_engine());
    const auto audio = voice(kRate / 2);
    ASSERT_EQ(head->push(audio, kRate), audio.size());
    ASSERT_EQ(head->pull(frame), Pull::frame);
    seen.assign(frame.pixels, frame.pixels + frame.stride * frame.height);
  }
  EXPECT_TRUE(std::equal(seen.begin(), seen.end(), frame.pixels));
  std::jthread([&] { frame::FramePool::release(slot_of(frame)); }).join();
}

TEST_F(GpuSession, sessions_may_end_in_any_order_from_any_thread) {
  const auto shared = gpu_engine();
  const auto audio = voice(kRate / 4);
  std::vector<std::shared_ptr<Session>> sessions;
  for (int i = 0; i < 4; ++i) {
    sessions.push_back(session(ahead(i % 3), shared));
    ASSERT_EQ(sessions.back()->push(audio, kRate), audio.size());
    talkrt_frame frame{};
    ASSERT_EQ(sessions.back()->pull(frame), Pull::frame);
    frame::FramePool::release(slot_of(frame));
  }
  std::vector<std::jthread> threads;
  for (std::size_t i : {2u, 0u, 3u, 1u}) {
    threads.emplace_back([&, i] { sessions[i].reset(); });
  }
}

TEST_F(GpuSession, wishes_that_only_a_gpu_fulfils_are_refused_on_the_cpu) {
  talkrt_session_config config = default_session_config();
  config.frame_memory = TALKRT_FRAMES_DEVICE;
  EXPECT_EQ(code_of([&] { (void)session(config); }), TALKRT_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(code_of([&] { (void)session(ahead(3), gpu_engine()); }), TALKRT_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(code_of([&] { (void)session(ahead(2, 2), gpu_engine()); }), TALKRT_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(code_of([&] { (void)session(ahead(2)); }), TALKRT_OK) << "the CPU just draws none ahead";
}

TEST_F(GpuSession, automatic_choice_takes_the_gpu_and_without_one_the_cpu_and_says_why) {
  std::vector<std::string> lines;
  EngineConfig config = with_threads(1);
  config.device = TALKRT_DEVICE_AUTO;
  config.log = {[](void* to, talkrt_log_level, const char* line) {
                  static_cast<std::vector<std::string>*>(to)->emplace_back(line);
                },
                &lines, TALKRT_LOG_INFO};
  EXPECT_NE(engine(config)->gpu(), nullptr);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with("device: GPU 0, ")) << lines[0];
  const NamedModule elsewhere("/nowhere/libtalkrt_cuda.so");
  EXPECT_EQ(engine(config)->gpu(), nullptr);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_TRUE(lines[1].starts_with("device: the CPU, for GPU 0 cannot be used: no CUDA module: /nowhere/"))
      << lines[1];
  config.device = TALKRT_DEVICE_CUDA;
  EXPECT_EQ(code_of([&] { (void)engine(config); }), TALKRT_ERROR_BACKEND_MISSING);
}

}  // namespace
}  // namespace talkrt::session
