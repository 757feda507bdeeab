// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>

#include "engine/src/render/cuda_surroundings.hpp"
#include "engine/src/render/cuda_view_pictures.hpp"
#include "engine/src/render/recorded_renderer.hpp"
#include "engine/src/render/recorded_upload.hpp"

namespace talkrt::render {
namespace {

device::Buffer plain_background(const TrackPicture& picture, const Gpu& gpu, device::Budget& budget) {
  if (picture.transparent) return {};
  device::Buffer out(budget, "background on the GPU", picture.background.size(), device::MemoryKind::device,
                     gpu.device);
  gpu.device.copy_in(out.data(), std::as_bytes(picture.background));
  return out;
}

class CudaRecordedRenderer final : public RecordedRenderer {
 public:
  CudaRecordedRenderer(const RecordedScene& scene, const deform::CudaRig& rest,
                       const deform::CudaNetworks& networks, const Gpu& gpu, device::Budget& budget)
      : picture_(scene.backdrop.picture()),
        gpu_(gpu),
        budget_(&budget),
        grows_(scene.dilate),
        upload_(scene.mover, networks, rest.view().rest, picture_, gpu, budget),
        plain_(plain_background(picture_, gpu, budget)),
        frames_around_(around(scene.first_frame.camera)),
        views_(rig(), scene.options, gpu, budget, needs(0, 0)) {
    for (const auto& network : networks.layered()) {
      recorded_.layers_rows = std::max(recorded_.layers_rows, move_rows_of(network));
    }
    for (const auto& network : networks.attending()) {
      recorded_.attention_rows = std::max(recorded_.attention_rows, move_rows_of(network));
    }
    recorded_.lays_under = frames_around_.lays_under();
    const auto for_track = [&](device::MemoryKind kind) {
      return device::Buffer(budget, "a view's backdrop", sizeof(gaussian::CudaTrack), kind, gpu.device);
    };
    view_track_ = for_track(device::MemoryKind::device);
    told_view_track_ = for_track(device::MemoryKind::pinned);
    const gaussian::Camera& camera = scene.first_frame.camera;
    frames_ = std::make_unique<CudaRenderer>(rig(), scene.options, camera.width, camera.height, gpu, budget,
                                             needs(recorded_.layers_rows, recorded_.attention_rows));
    draw(scene.first_frame, scene.scratch_frame);
    scene.scratch_frame.gpu.done->wait();
  }

  void draw(const RecordedFrame& frame, const frame::PixelTarget& target) override {
    const bool other_torso = frame.track_frame != track_frame_;
    gaussian::CudaTrack track = frames_around_.track(frame.distance);
    track.under_floats = true;
    upload_.fill(track, frame.changed, other_torso ? frame.track_frame : -1, recorded_);
    recorded_.composes = frames_around_.composes() && (other_torso || frame.distance != distance_);
    track_frame_ = -1;  // until the GPU was told
    CudaOutput output = output_of(target.gpu);
    frames_around_.dress(output.target);
    output.recorded = &recorded_;
    frames_->draw({}, frame.camera, frames_around_.background(), output);
    track_frame_ = frame.track_frame;
    distance_ = frame.distance;
  }

  /// Behind the last frame in the GPU's stream, so its Gaussians and its torso are there.
  gaussian::RasterStats view(const gaussian::Camera& camera, int /*track_frame*/,
                             const gaussian::Target& target) override {
    if (!views_.fits(camera)) {
      views_.forget();
      views_around_ = CudaSurroundings();
      views_around_ = around(camera);
      views_.make_room(camera);
    }
    const gaussian::CudaTrack track = views_around_.track(1);
    std::memcpy(told_view_track_.data(), &track, sizeof track);
    cuda::Recorded recorded;
    recorded.in = {told_view_track_.data(), view_track_.data(), sizeof track};
    recorded.track = reinterpret_cast<const gaussian::CudaTrack*>(view_track_.data());
    recorded.composes = views_around_.composes();
    recorded.lays_under = views_around_.lays_under();
    CudaOutput dress;
    views_around_.dress(dress.target);
    dress.recorded = &recorded;
    return views_.draw({}, camera, views_around_.background(), dress, target);
  }

 private:
  [[nodiscard]] CudaSurroundings around(const gaussian::Camera& camera) const {
    const std::uint8_t* plain = picture_.transparent ? nullptr : plain_.as<std::uint8_t>().data();
    return {picture_, plain, upload_.torso(), grows_, camera.width, camera.height, gpu_.device, *budget_};
  }
  /// Beside networks the same of frames and views.
  [[nodiscard]] gaussian::CudaAvatarLimits needs(std::size_t layers_rows, std::size_t attention_rows) const {
    return {
        layers_rows, attention_rows, true, frames_around_.composes(), grows_, frames_around_.lays_under()};
  }
  [[nodiscard]] gaussian::RigView rig() const {
    gaussian::RigView out;
    out.rest = upload_.posed();
    return out;
  }

  TrackPicture picture_;
  Gpu gpu_;
  device::Budget* budget_;
  bool grows_;
  RecordedUpload upload_;
  device::Buffer plain_;  // on the GPU
  CudaSurroundings frames_around_, views_around_;
  device::Buffer view_track_, told_view_track_;
  cuda::Recorded recorded_;  // of frames
  std::unique_ptr<CudaRenderer> frames_;
  CudaViewPictures views_;
  int track_frame_ = -1;  // that is composed on the GPU
  float distance_ = 0;
};

}  // namespace

std::unique_ptr<RecordedRenderer> recorded_renderer_cuda(const RecordedScene& scene,
                                                         const deform::CudaRig& rest,
                                                         const deform::CudaNetworks& networks, const Gpu& gpu,
                                                         device::Budget& budget) {
  return std::make_unique<CudaRecordedRenderer>(scene, rest, networks, gpu, budget);
}

}  // namespace talkrt::render
