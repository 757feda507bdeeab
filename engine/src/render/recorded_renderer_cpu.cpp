// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "engine/src/render/grown_alpha.hpp"
#include "engine/src/render/recorded_renderer.hpp"
#include "engine/src/render/view_renderer.hpp"

namespace talkrt::render {
namespace {

class CpuRecordedRenderer final : public RecordedRenderer {
 public:
  CpuRecordedRenderer(const RecordedScene& scene, Executor& executor, device::Budget& budget,
                      GaussianRenderer::Warn warn)
      : mover_(&scene.mover),
        backdrop_(&scene.backdrop),
        options_(scene.options),
        dilate_(scene.dilate),
        executor_(&executor),
        budget_(&budget),
        views_(scene.options, budget) {
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

  gaussian::RasterStats view(const gaussian::Camera& camera, int track_frame,
                             const gaussian::Target& target) override {
    if (!view_behind_.fits(camera.width, camera.height)) {
      view_behind_ = Stretch();
      view_behind_ = backdrop_->stretch(camera.width, camera.height, *budget_);
    }
    gaussian::Target cut = target;
    cut.cut_off = true;
    backdrop_->show(track_frame, *executor_);
    const gaussian::Splats& posed = mover_->posed(*executor_);
    gaussian::Background behind = backdrop_->view(view_behind_, 1, *executor_);
    behind.hidden = hidden_in_view(posed, camera);
    const auto stats = views_.draw(posed, camera, behind, cut, *executor_);
    if (target.rgba8 != nullptr) {
      backdrop_->lay_under(target.rgba8, target.rgba8_stride, camera.width, camera.height, 1, *executor_);
    }
    return stats;
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

  /// What the mouth hides in a view, null where it hides only what it covers.
  const float* hidden_in_view(const gaussian::Splats& posed, const gaussian::Camera& camera) {
    if (!dilate_) return nullptr;
    const Figure still{nullptr, {}, &posed, {}};
    if (!view_grown_ || !view_grown_->fits(camera.width, camera.height)) {
      view_grown_.reset();  // so that the account never holds both
      view_grown_ = std::make_unique<GrownAlpha>(still, camera, options_, *executor_, *budget_, nullptr);
    }
    return view_grown_->of(still, camera, *executor_);
  }

  deform::Mover* mover_;
  TrackBackdrop* backdrop_;
  gaussian::RasterOptions options_;
  bool dilate_;
  Executor* executor_;
  device::Budget* budget_;
  Stretch behind_, view_behind_;
  std::unique_ptr<GaussianRenderer> renderer_;
  std::unique_ptr<GrownAlpha> grown_, view_grown_;  // where the mouth's alpha is grown
  const float* hidden_ = nullptr;
  ViewRenderer views_;
};

}  // namespace

std::unique_ptr<RecordedRenderer> recorded_renderer_cpu(const RecordedScene& scene, Executor& executor,
                                                        device::Budget& budget, GaussianRenderer::Warn warn) {
  return std::make_unique<CpuRecordedRenderer>(scene, executor, budget, std::move(warn));
}

}  // namespace talkrt::render
