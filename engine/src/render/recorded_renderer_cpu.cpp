// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "engine/src/render/grown_alpha.hpp"
#include "engine/src/render/recorded_renderer.hpp"

namespace talkrt::render {
namespace {

class CpuRecordedRenderer final : public RecordedRenderer {
 public:
  CpuRecordedRenderer(const RecordedScene& scene, Executor& executor, device::Budget& budget,
                      GaussianRenderer::Warn warn)
      : mover_(&scene.mover), backdrop_(&scene.backdrop), executor_(&executor) {
    const gaussian::Camera& camera = scene.first_frame.camera;
    behind_ = backdrop_->stretch(camera.width, camera.height, budget);
    backdrop_->show(scene.first_frame.track_frame, executor);
    if (scene.dilate) {
      grown_ = std::make_unique<GrownAlpha>(figure(), camera, scene.options, executor, budget, warn);
    }
    renderer_ = std::make_unique<GaussianRenderer>(
        figure(), camera, scene.options, backdrop_->view(behind_, 1, executor),
        target_of(scene.scratch_frame), executor, budget, std::move(warn));
  }

  void draw(const RecordedFrame& frame, const frame::PixelTarget& target) override {
    backdrop_->show(frame.track_frame, *executor_);
    gaussian::Background behind = backdrop_->view(behind_, frame.distance, *executor_);
    if (grown_ && frame.changed) hidden_ = grown_->of(figure(), frame.camera, *executor_);
    behind.hidden = hidden_;
    renderer_->draw(figure(), {nullptr, 0, frame.changed}, frame.camera, behind, target_of(target),
                    *executor_);
    backdrop_->lay_under(target.pixels, target.stride, frame.camera.width, frame.camera.height,
                         frame.distance, *executor_);
  }

 private:
  [[nodiscard]] Figure figure() const { return {nullptr, {}, &mover_->splats(), mover_->movement()}; }
  static gaussian::Target target_of(const frame::PixelTarget& target) {
    gaussian::Target out;
    out.rgba8 = target.pixels;
    out.rgba8_stride = target.stride;
    out.cut_off = true;  // as the original programs do
    return out;
  }

  const deform::Mover* mover_;
  TrackBackdrop* backdrop_;
  Executor* executor_;
  Stretch behind_;
  std::unique_ptr<GaussianRenderer> renderer_;
  std::unique_ptr<GrownAlpha> grown_;
  const float* hidden_ = nullptr;
};

}  // namespace

std::unique_ptr<RecordedRenderer> recorded_renderer_cpu(const RecordedScene& scene, Executor& executor,
                                                        device::Budget& budget, GaussianRenderer::Warn warn) {
  return std::make_unique<CpuRecordedRenderer>(scene, executor, budget, std::move(warn));
}

}  // namespace talkrt::render
