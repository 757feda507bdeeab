// SPDX-License-Identifier: Apache-2.0
//
// A recorded avatar as the core holds it: what its networks move, what its frames copy in, its backdrop. What
// never changes stays in memory of the test's own, which an emulated GPU reads as well.
#pragma once

#include <cuda_runtime_api.h>

#include "kernels/gaussian/avatar_cuda.hpp"
#include "tests/engine/cuda/session.hpp"
#include "tests/kernels/gaussian/attending_head.hpp"
#include "tests/kernels/gaussian/layered_head.hpp"

namespace talkrt::testing {

/// The recording's size is the frame's, and a torso hides or does not: so what is composed needs no sums.
struct Look {
  bool background = true, grows = false;
  int width = 40, height = 24;
};

struct GpuAvatar {
  static constexpr int kSlots = cuda::kUnderWay + 1;
  static constexpr int kTop = 9, kLeft = 5, kRows = 7, kColumns = 9;

  GpuAvatar(const layered::Head& head, const Look& wanted) : GpuAvatar(head.scene, wanted) {
    for (int i = 0; i < 2; ++i) {
      layers.push_back({packed.splats(), head.networks[i], head.inputs[i], moved()});
      needs.layers_rows = std::max(needs.layers_rows, move_rows_of(head.networks[i]));
    }
    finish();
  }
  GpuAvatar(const attending::Head& head, const Look& wanted) : GpuAvatar(head.scene, wanted) {
    attention.push_back({packed.splats(), head.net.view, head.input, moved()});
    needs.attention_rows = move_rows_of(head.net.view);
    finish();
  }
  GpuAvatar(const GpuAvatar&) = delete;
  GpuAvatar& operator=(const GpuAvatar&) = delete;
  ~GpuAvatar() { module().destroy_ticket(job.done); }

  /// The next frame: `strength` of what the networks add, and another torso. `out` is where its pixels go.
  void next(float strength, unsigned char shade) {
    std::byte* to = slots[static_cast<std::size_t>(turn++ % kSlots)].as();
    for (std::size_t i = 0; i < layers.size(); ++i) layers[i].input.strength = strength;
    for (std::size_t i = 0; i < attention.size(); ++i) attention[i].input.strength = strength;
    fill_torso(shade);
    std::memcpy(to, &track, sizeof track);
    std::memcpy(to + kNetworks, layers.data(), layers.size() * sizeof(gaussian::CudaLayers));
    std::memcpy(to + kNetworks, attention.data(), attention.size() * sizeof(gaussian::CudaAttention));
    std::memcpy(to + kTorso, torso.data(), torso.size());
    recorded.in.from = to;
  }
  [[nodiscard]] std::vector<float> picture() const {
    return {pixels, pixels + frame_bytes() / sizeof(float)};
  }
  [[nodiscard]] std::size_t frame_bytes() const {
    return static_cast<std::size_t>(limits.width) * limits.height * 4 * sizeof(float);
  }
  void wait() {
    must([&](auto* why) { return module().wait(job.done, why); });
  }

  /// The frame that next() made, drawn by launches of this avatar's own over a picture that the test
  /// composed.
  [[nodiscard]] std::vector<float> expected() {
    Moved own(packed.splats());
    std::vector<gaussian::CudaLayers> here = layers;
    std::vector<gaussian::CudaAttention> attending = attention;
    for (auto& network : here) network.out = own.out();
    for (auto& network : attending) network.out = own.out();
    gaussian::CudaAvatar avatar;
    avatar.layers = here.data();
    avatar.layers_count = static_cast<int>(here.size());
    avatar.attention = attending.data();
    avatar.attention_count = static_cast<int>(attending.size());
    avatar.track = &track;
    const gaussian::CudaAvatars all{&avatar, 1};
    const gaussian::CudaPlaces places{7, std::size_t{227} * 1024};
    EXPECT_EQ(move_layers_cuda(&all, needs.layers_rows, places, nullptr), 0);
    EXPECT_EQ(move_attention_cuda(&all, needs.attention_rows, places, nullptr), 0);
    gaussian::CudaView view = job.view;
    view.rig.rest = own.splats(packed.splats());
    std::vector<std::uint8_t> image = composed();
    if (look.background) view.background.image = image.data();
    gaussian::Aligned<std::byte> scratch(gaussian::lay_out_cuda_scratch(limits, nullptr).bytes);
    view.scratch = gaussian::lay_out_cuda_scratch(limits, scratch.data());
    std::vector<float> rgba(frame_bytes() / sizeof(float));
    view.target.rgba_float = rgba.data();
    EXPECT_EQ(rasterize_cuda(&view, 1, gaussian::grid_of(limits), true, nullptr), 0);
    EXPECT_EQ(grow_behind_cuda(&view, &all, places, nullptr), 0);  // where there is light
    EXPECT_EQ(cudaStreamSynchronize(nullptr), cudaSuccess);
    return rgba;
  }

  Look look;
  gaussian::PackedScene packed;
  gaussian::CudaLimits limits;
  gaussian::CudaAvatarLimits& needs = limits.avatar;
  std::vector<gaussian::CudaLayers> layers;
  std::vector<gaussian::CudaAttention> attention;
  gaussian::CudaTrack track;
  std::vector<std::uint8_t> background, torso;
  cuda::Recorded recorded;
  cuda::Job job;
  std::deque<Taken> arrays, slots;
  const float* pixels = nullptr;              // page-locked
  const std::uint8_t* bytes_drawn = nullptr;  // the device's RGBA8
  int turn = 0;

 private:
  static constexpr std::size_t kNetworks = 256, kTorso = 2048, kBytes = kTorso + kRows * kColumns * 4;
  static_assert(sizeof(gaussian::CudaTrack) <= kNetworks &&
                kNetworks + 2 * sizeof(gaussian::CudaLayers) <= kTorso &&
                kNetworks + sizeof(gaussian::CudaAttention) <= kTorso && kBytes % 16 != 0);

  /// What networks write.
  struct Moved {
    attending::Arrays of;
    explicit Moved(const gaussian::Splats& rest) : of(attending::at_rest(rest)) {}
    [[nodiscard]] gaussian::PosedSplats out() {
      return {of.means.data(), of.frames.data(), of.opacities.data(), of.sh.data()};
    }
    [[nodiscard]] gaussian::Splats splats(gaussian::Splats rest) const {
      rest.means = of.means.data();
      rest.frames = of.frames.data();
      rest.opacities = of.opacities.data();
      rest.sh = of.sh.data();
      return rest;
    }
  };

  GpuAvatar(const Scene& scene, const Look& wanted)
      : look(wanted),
        packed(scene),
        limits{scene.count, wanted.width, wanted.height, 256},
        moved_(packed.splats()) {}

  [[nodiscard]] gaussian::PosedSplats moved() { return moved_.out(); }

  void finish() {
    const std::size_t pixel_count = frame_bytes() / (4 * sizeof(float));
    const auto device = [&](std::size_t bytes) -> Taken& {
      return arrays.emplace_back(cuda::Memory::device, bytes);
    };
    std::byte* frame = device(kBytes).as();
    for (int i = 0; i < kSlots; ++i) slots.emplace_back(cuda::Memory::pinned, kBytes);
    recorded.in = {nullptr, frame, kBytes};
    recorded.track = reinterpret_cast<const gaussian::CudaTrack*>(frame);
    recorded.composes = needs.composes = look.background;
    recorded.lays_under = needs.lays_under = !look.background;
    needs.takes_in = true;
    needs.grows = look.grows;
    recorded.layers_rows = needs.layers_rows;
    recorded.attention_rows = needs.attention_rows;
    recorded.layers_count = static_cast<int>(layers.size());
    recorded.attention_count = static_cast<int>(attention.size());
    recorded.layers = reinterpret_cast<const gaussian::CudaLayers*>(frame + kNetworks);
    recorded.attention = reinterpret_cast<const gaussian::CudaAttention*>(frame + kNetworks);
    track.torso = reinterpret_cast<const std::uint8_t*>(frame + kTorso);
    track.width = track.frame_width = look.width;
    track.height = track.frame_height = look.height;
    track.top = kTop, track.left = kLeft, track.rows = kRows, track.columns = kColumns;
    gaussian::RasterOptions options;
    options.layers_apart = look.grows;
    job.view.rig.rest = moved_.splats(packed.splats());
    job.view.camera = gaussian::prepare_cuda_camera(plain_camera(look.width, look.height), options);
    if (look.background) {
      for (std::size_t i = 0; i < pixel_count * 3; ++i)
        background.push_back(static_cast<std::uint8_t>(i * 37 % 251));
      track.background = background.data();
      track.image = device(pixel_count * 3).as<std::uint8_t>();
      job.view.background.kind = gaussian::Backdrop::image;
      job.view.background.image = track.image;
    } else {
      job.view.background.kind = gaussian::Backdrop::transparent;
    }
    auto& target = job.view.target;
    target.rgba_float = device(frame_bytes()).as<float>();
    target.rgba8 = device(pixel_count * 4).as<std::uint8_t>();
    target.rgba8_stride = std::int64_t{4} * look.width;
    bytes_drawn = target.rgba8;
    if (look.grows) {
      target.light = device(frame_bytes()).as<float>();
      target.behind = device(pixel_count * sizeof(float)).as<float>();
    }
    job.view.scratch = gaussian::lay_out_cuda_scratch(
        limits, device(gaussian::lay_out_cuda_scratch(limits, nullptr).bytes).as());
    job.view.bin_capacity = limits.bin_capacity;
    auto* out = arrays.emplace_back(cuda::Memory::pinned, frame_bytes()).as<float>();
    std::fill_n(out, frame_bytes() / sizeof(float), -1.0f);
    pixels = out;
    job.copies[0] = {target.rgba_float, out, frame_bytes()};
    job.copy_count = 1;
    job.recorded = &recorded;
    must([&](auto* why) { return module().create_ticket(0, &job.done, why); });
  }

  void fill_torso(unsigned char shade) {
    torso.resize(kRows * kColumns * 4);
    for (std::size_t i = 0; i < torso.size(); ++i) {
      torso[i] = i % 4 == 3 ? (i / 4 % 3 == 0 ? 0 : 255) : static_cast<std::uint8_t>(shade + i);
    }
  }
  [[nodiscard]] std::vector<std::uint8_t> composed() const {
    std::vector<std::uint8_t> out = background;
    for (int y = 0; y < kRows && !out.empty(); ++y) {
      for (int x = 0; x < kColumns; ++x) {
        const std::uint8_t* from = torso.data() + (y * kColumns + x) * 4;
        if (from[3] == 255) std::copy_n(from, 3, out.data() + ((y + kTop) * look.width + x + kLeft) * 3);
      }
    }
    return out;
  }

  Moved moved_;
};

}  // namespace talkrt::testing
