// SPDX-License-Identifier: Apache-2.0
#include <utility>

#include "engine/src/render/gaussian_renderer.hpp"
#include "engine/src/render/head_renderer.hpp"
#include "engine/src/render/view_renderer.hpp"

namespace talkrt::render {
namespace {

Figure figure_of(const deform::Deformer& head) { return {&head.rig(), head.pose()}; }

gaussian::Target target_of(const frame::PixelTarget& target) {
  return {target.pixels, target.stride, nullptr, nullptr};
}

class CpuHeadRenderer final : public HeadRenderer {
 public:
  CpuHeadRenderer(const HeadScene& scene, Executor& executor, device::Budget& budget,
                  std::function<void(const std::string&)> warn)
      : executor_(executor),
        backdrop_(scene.backdrop),
        frames_(figure_of(scene.head), scene.camera, scene.options, scene.backdrop.view(),
                target_of(scene.scratch_frame), executor, budget, std::move(warn)),
        behind_(scene.backdrop, budget),
        views_(scene.options, budget) {}

  // Posing happens block by block in the renderer's first stage.
  void draw(const deform::Deformer& head, const gaussian::Camera& camera,
            const frame::PixelTarget& target) override {
    frames_.draw(figure_of(head), head.changes(), camera, backdrop_.view(), target_of(target), executor_);
  }

  gaussian::RasterStats view(deform::Deformer& head, const gaussian::Camera& camera,
                             const gaussian::Target& target) override {
    return views_.draw(head.posed(executor_), camera, behind_.behind(camera), target, executor_);
  }

 private:
  Executor& executor_;
  const Backdrop& backdrop_;
  GaussianRenderer frames_;
  ViewBackdrop behind_;
  ViewRenderer views_;
};

}  // namespace

std::unique_ptr<HeadRenderer> head_renderer_cpu(const HeadScene& scene, Executor& executor,
                                                device::Budget& budget,
                                                std::function<void(const std::string&)> warn) {
  return std::make_unique<CpuHeadRenderer>(scene, executor, budget, std::move(warn));
}

}  // namespace talkrt::render
