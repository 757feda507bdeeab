// SPDX-License-Identifier: Apache-2.0
#include "benchmarks/kernels/cuda_views.hpp"

namespace talkrt::bench {

using cuda::check;
using cuda::Memory;

Bytes::Bytes(Memory kind, std::size_t bytes) : kind_(kind) {
  check(kind == Memory::pinned ? cudaMallocHost(&memory_, bytes) : cudaMalloc(&memory_, bytes),
        "taking memory");
  check(cudaMemset(memory_, 0, bytes), "clearing memory");
}

Bytes::~Bytes() { static_cast<void>(kind_ == Memory::pinned ? cudaFreeHost(memory_) : cudaFree(memory_)); }

template <class T>
T* Views::upload(const T* from, std::size_t count) {
  T* to = memory_.emplace_back(Memory::device, count * sizeof(T)).template as<T>();
  check(cudaMemcpy(to, from, count * sizeof(T), cudaMemcpyHostToDevice), "copying a scene");
  return to;
}

Views::Views(const testing::Scene& scene, int count, int bin_capacity)
    : scene_(scene), limits_{scene.count, scene.camera.width, scene.camera.height, bin_capacity} {
  const testing::PackedScene packed(scene);
  const gaussian::Splats& splats = packed.splats();
  const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(scene.count)) * gaussian::kBlock;
  gaussian::CudaView view;
  view.rig.rest = splats;
  view.rig.rest.means = upload(splats.means, lanes * 3);
  view.rig.rest.frames = upload(splats.frames, lanes * 9);
  view.rig.rest.opacities = upload(splats.opacities, lanes);
  view.rig.rest.sh =
      upload(splats.sh, lanes * 3 * static_cast<std::size_t>(gaussian::sh_bases(scene.sh_degree)));
  if (splats.layers != nullptr) view.rig.rest.layers = upload(splats.layers, lanes);
  view.background = scene.background();
  if (!scene.image.empty()) view.background.image = upload(scene.image.data(), scene.image.size());
  view.camera = prepare_cuda_camera(scene.camera, scene.options);
  view.target.rgba8_stride = std::int64_t{4} * scene.camera.width;
  view.bin_capacity = bin_capacity;
  const std::size_t scratch = lay_out_cuda_scratch(limits_, nullptr).bytes;
  for (int i = 0; i < count; ++i) {
    view.scratch =
        lay_out_cuda_scratch(limits_, memory_.emplace_back(Memory::device, scratch).as<std::byte>());
    views_.push_back(view);
    for (int turn = 0; turn < kFrames; ++turn) {
      device_.push_back(memory_.emplace_back(Memory::device, frame_bytes()).as<std::uint8_t>());
      pinned_.push_back(memory_.emplace_back(Memory::pinned, frame_bytes()).as<std::uint8_t>());
      tickets_.emplace_back(0);
    }
  }
  const cuda::PainterSpec spec{count, 0, 0};
  const cuda::Painter::Bytes bytes = cuda::Painter::measure(spec);
  auto* device = memory_.emplace_back(Memory::device, bytes.device).as<std::byte>();
  auto* pinned = memory_.emplace_back(Memory::pinned, bytes.pinned).as<std::byte>();
  check(cudaStreamSynchronize(nullptr), "taking a scene to the device");
  painter_ = std::make_unique<cuda::Painter>(0, spec, device, pinned);
  painter_->prepare(limits_);
}

std::size_t Views::frame_bytes() const {
  return static_cast<std::size_t>(scene_.camera.width) * static_cast<std::size_t>(scene_.camera.height) * 4;
}

const std::uint8_t* Views::pixels(int turn) const { return pinned_[static_cast<std::size_t>(turn)]; }

std::vector<cuda::Job> Views::jobs(int turn, bool copied) const {
  std::vector<cuda::Job> out(views_.size());
  for (std::size_t i = 0; i < views_.size(); ++i) {
    const std::size_t at = i * kFrames + static_cast<std::size_t>(turn);
    out[i].view = views_[i];
    out[i].view.target.rgba8 = device_[at];
    if (!copied) continue;
    out[i].copies[0] = {device_[at], pinned_[at], frame_bytes()};
    out[i].copy_count = 1;
    out[i].done = &tickets_[at];
  }
  return out;
}

}  // namespace talkrt::bench
