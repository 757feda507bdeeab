// SPDX-License-Identifier: Apache-2.0
//
// Portraits composed by a GPU, against the CPU's. In sessions the networks are on the CPU, for the plan has
// no engines for the emulated GPU; where they are on the GPU too, the pipeline stands alone.
#include <cmath>
#include <cstring>
#include <talkrt/error.hpp>

#include "engine/src/nn/onnxruntime_graph.hpp"
#include "engine/src/pipelines/vasa1.hpp"
#include "tests/engine/nn/onnxruntime_on_host.hpp"
#include "tests/engine/session/emulated_gpu.hpp"
#include "tests/engine/session/tiny_portrait.hpp"

namespace talkrt::session {
namespace {

using GpuPortrait = OnGpu;
using EmulatedGpuPortrait = OnEmulatedGpu;

constexpr std::size_t kSamples = 6000;

std::shared_ptr<Session> portrait_of(const std::shared_ptr<Engine>& shared,
                                     const talkrt_session_config& config) {
  return Session::create(shared, shared->load(kPortraitPlan), config);
}

TEST_F(GpuPortrait, frames_are_those_of_the_cpu_to_the_byte_however_late_the_gpu_is) {
  const auto pixels = picture();
  talkrt_session_config config = portrait_config(pixels);
  const auto host = engine(with_threads(1)), gpu = gpu_engine();
  const auto audio = voice(kSamples);
  for (const bool crop_only : {false, true}) {
    config.portrait_crop_only = crop_only ? 1 : 0;
    config.width = 75, config.height = crop_only ? 75 : 61;  // another size than the picture's, and odd
    const auto expected = frames_of(*portrait_of(host, config), audio);
    ASSERT_GT(expected.size(), 3u);
    for (const int ahead : {0, 2}) {
      talkrt_emulation_set_late(1);
      config.frames_ahead = ahead;
      const auto found = frames_of(*portrait_of(gpu, config), audio);
      ASSERT_EQ(found.size(), expected.size());
      for (std::size_t i = 0; i < found.size(); ++i) {
        EXPECT_EQ(found[i].position, expected[i].position);
        // A real GPU may run networks, too, and rounds their sums otherwise.
        EXPECT_GE(psnr(found[i].pixels, expected[i].pixels), on_emulation() ? INFINITY : 40)
            << crop_only << ", ahead " << ahead << ", frame " << i;
      }
      talkrt_emulation_set_late(0);
      config.frames_ahead = 0;
    }
  }
}

TEST_F(GpuPortrait, frames_of_every_format_and_memory_are_the_same_picture) {
  const auto pixels = picture();
  talkrt_session_config config = portrait_config(pixels);
  const auto shared = gpu_engine();
  const auto audio = voice(kSamples);
  const auto first_frame = [&](const std::shared_ptr<Engine>& on, talkrt_pixel_format format,
                               talkrt_frame_memory memory) {
    config.pixel_format = format;
    config.frame_memory = memory;
    const auto one = portrait_of(on, config);
    EXPECT_EQ(one->push(audio, kRate), audio.size());
    talkrt_frame frame{};
    EXPECT_EQ(one->pull(frame), Pull::frame);
    const std::int64_t rows =
        format == TALKRT_PIXELS_NV12 ? frame.height + (frame.height + 1) / 2 : frame.height;
    std::vector<std::uint8_t> out(static_cast<std::size_t>(frame.stride * rows));
    if (memory == TALKRT_FRAMES_DEVICE) {
      EXPECT_EQ(frame.pixels, nullptr);
      EXPECT_NE(frame.stream, on->gpu()->batch.stream());  // networks keep nobody's Gaussians waiting
      cuda::Why why{};
      EXPECT_EQ(on->gpu()->device.table().finish(0, static_cast<CUstream_st*>(frame.stream), &why), 0);
      on->gpu()->device.copy_out(std::as_writable_bytes(std::span(out)), frame.device_pixels);
    } else {
      std::memcpy(out.data(), frame.pixels, out.size());
    }
    frame::FramePool::release(slot_of(frame));
    return out;
  };
  const auto host = engine(with_threads(1));
  // A real GPU may run networks, too, and rounds their sums otherwise.
  const auto& reference = on_emulation() ? host : shared;
  const auto bytes = first_frame(reference, TALKRT_PIXELS_RGBA8, TALKRT_FRAMES_HOST);
  talkrt_emulation_set_late(1);
  for (const auto memory : {TALKRT_FRAMES_HOST, TALKRT_FRAMES_DEVICE}) {
    EXPECT_EQ(first_frame(shared, TALKRT_PIXELS_RGBA8, memory), bytes);
    EXPECT_EQ(first_frame(shared, TALKRT_PIXELS_NV12, memory),
              first_frame(reference, TALKRT_PIXELS_NV12, TALKRT_FRAMES_HOST));
    const auto floats = first_frame(shared, TALKRT_PIXELS_RGBA_F32, memory);
    const std::size_t row = std::size_t{4} * kPictureWidth, stride = bytes.size() / kPictureHeight;
    for (std::size_t i = 0; i < floats.size() / sizeof(float); ++i) {
      float value = 0;
      std::memcpy(&value, floats.data() + i * sizeof value, sizeof value);
      ASSERT_EQ(255 * value, bytes[i / row * stride + i % row]) << i;
    }
  }
}

TEST_F(EmulatedGpuPortrait, memory_that_ends_and_a_gpu_that_is_lost_are_codes_and_leave_nothing) {
  const auto pixels = picture();
  const auto shared = gpu_engine();
  const auto audio = voice(kSamples);
  (void)portrait_of(shared, portrait_config(pixels));  // which makes what the model's portraits share
  const std::uint64_t before = talkrt_emulation_bytes_taken();
  const auto life = [&] {
    const auto one = portrait_of(shared, portrait_config(pixels));
    (void)one->push(audio, kRate);
    std::vector<CopiedFrame> frames;
    (void)pull_all(*one, frames, 2);
  };
  std::uint64_t calls = talkrt_emulation_calls(nullptr);
  life();
  calls = talkrt_emulation_calls(nullptr) - calls;
  const std::pair<int, talkrt_status> kinds[] = {{700, TALKRT_ERROR_DEVICE_LOST},
                                                 {2, TALKRT_ERROR_OUT_OF_MEMORY}};
  for (const auto& [error, code] : kinds) {
    int refusals = 0;
    for (std::uint64_t nth = 0; nth < calls; nth += 5) {
      talkrt_emulation_fail(nth, error);
      const talkrt_status found = code_of(life);
      EXPECT_TRUE(found == TALKRT_OK || found == code) << nth << ": " << found;
      refusals += found == code ? 1 : 0;
      talkrt_emulation_restore();
      ASSERT_EQ(talkrt_emulation_bytes_taken(), before) << nth;
    }
    EXPECT_GT(refusals, 10);
  }
}

/// Opens warp and picture on the GPU, the others on the CPU.
class HalfOnGpu final : public nn::Backend {
 public:
  explicit HalfOnGpu(const device::CudaDevice& gpu) : cuda_(std::make_shared<const nn::OnHost>(gpu)) {}
  std::unique_ptr<nn::Graph> open(const plan::Plan& plan, const plan::GraphSpec& spec, int threads,
                                  device::Budget* budget) override {
    const auto& roles = plan.manifest().vasa1->graphs;
    const bool on_gpu = spec.name == roles.warp || spec.name == roles.picture;
    return std::make_unique<nn::OnnxRuntimeGraph>(library_, plan, spec, threads, budget,
                                                  on_gpu ? cuda_ : nullptr);
  }
  device::Budget::Line needs(const plan::Plan& plan, const plan::GraphSpec& spec) const override {
    return nn::OnnxRuntimeGraph::needs(plan, spec, false);
  }
  std::string describe_json() const override { return "{}"; }

 private:
  std::shared_ptr<const nn::OnnxRuntimeLibrary> library_ = std::make_shared<nn::OnnxRuntimeLibrary>("");
  std::shared_ptr<const nn::OnnxRuntimeCuda> cuda_;
};

TEST_F(EmulatedGpuPortrait, networks_on_the_gpu_hand_pictures_on_there_and_no_host_sees_them) {
  const auto pixels = picture();
  const auto expected = frames_of(*portrait_session(engine(with_threads(1))), voice(kSamples));
  const auto shared = gpu_engine();
  const plan::Plan plan(kPortraitPlan);
  device::Budget budget("model", 0);
  HalfOnGpu backend(shared->gpu()->device);
  const auto avatar = pipelines::open_vasa1(plan, backend, budget, 1, shared->gpu());
  CheckedConfig config = check_config(portrait_config(pixels), plan.manifest(), true);
  frame::FramePool frames(2, {config.spec.width, config.spec.height}, true, shared->gpu()->device, budget);
  config.spec.scratch_frame = frames.scratch();
  device::Budget session("session", 0, &budget);
  const auto pipeline = avatar->begin(config.spec, session, shared->executor());
  for (const auto& line : session.lines()) {
    // Keypoints in; a "warped", or a picture, would be far larger.
    const bool pinned = line.what.starts_with("graph ") && line.kind == device::MemoryKind::pinned;
    EXPECT_TRUE(!pinned || line.bytes <= 512) << line.what << ": " << line.bytes;
  }
  pipelines::Speaker& speaker = *pipeline->speaker();
  pipelines::StageTimes times{};
  const auto audio = voice(kSamples);
  std::span<const float> left(audio);
  const std::vector<float> silence(1024);
  std::int64_t fed = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const std::int64_t position = expected[i].position;
    while (fed < speaker.audio_end(position)) {
      const auto most =
          std::min<std::size_t>(1024, static_cast<std::size_t>(speaker.audio_end(position) - fed));
      const auto chunk =
          left.empty() ? std::span(silence).first(most) : left.first(std::min(most, left.size()));
      if (!left.empty()) left = left.subspan(chunk.size());
      speaker.feed(chunk, times);
      fed += static_cast<std::int64_t>(chunk.size());
    }
    frame::FrameSlot& slot = *frames.acquire({});
    speaker.render(position, motion::default_controls(), slot.target, times);
    slot.target.gpu.done->wait();
    std::vector<std::uint8_t> found;
    for (int y = 0; y < config.spec.height; ++y) {
      const std::uint8_t* row = slot.pixels() + y * slot.target.stride;
      found.insert(found.end(), row, row + std::ptrdiff_t{4} * config.spec.width);
    }
    EXPECT_EQ(found, expected[i].pixels) << "frame " << i;
    frame::FramePool::release(slot);
  }
}

}  // namespace
}  // namespace talkrt::session
