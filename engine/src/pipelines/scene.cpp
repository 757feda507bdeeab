// SPDX-License-Identifier: Apache-2.0
//
//   splats, shared by all sessions -> pixels
#include "engine/src/pipelines/scene.hpp"

#include "engine/src/deform/cloud.hpp"
#include "engine/src/render/backdrop.hpp"
#include "engine/src/render/raster_options.hpp"
#include "engine/src/render/view_renderer.hpp"

namespace talkrt::pipelines {
namespace {

class Scene final : public Avatar {
 public:
  Scene(const plan::Plan& plan, device::Budget& budget) : source(plan), cloud(plan, budget) {}

  std::unique_ptr<Pipeline> begin(const SessionSpec&, device::Budget&, Executor&) const override;
  std::int64_t look_ahead() const override { return 0; }
  std::span<const std::string> emotions() const override { return {}; }
  bool keeps_plan() const override { return false; }

  const plan::Plan& source;
  const deform::Cloud cloud;
};

class ScenePipeline final : public Pipeline {
 public:
  ScenePipeline(const Scene& scene, const SessionSpec& spec, device::Budget& budget, Executor& executor)
      : splats_(scene.cloud.splats()),
        executor_(executor),
        backdrop_(scene.source, spec.backdrop, spec.width, spec.height, budget),
        behind_(backdrop_, budget),
        views_(render::options_of(*scene.source.manifest().gaussian), budget) {}

  gaussian::RasterStats draw(const gaussian::Camera& camera, const gaussian::Target& target) override {
    return views_.draw(splats_, camera, behind_.behind(camera), target, executor_);
  }

 private:
  const gaussian::Splats& splats_;
  Executor& executor_;
  render::Backdrop backdrop_;
  render::ViewBackdrop behind_;
  render::ViewRenderer views_;
};

std::unique_ptr<Pipeline> Scene::begin(const SessionSpec& spec, device::Budget& budget,
                                       Executor& executor) const {
  return std::make_unique<ScenePipeline>(*this, spec, budget, executor);
}

}  // namespace

std::unique_ptr<Avatar> open_scene(const plan::Plan& plan, device::Budget& budget) {
  return std::make_unique<Scene>(plan, budget);
}

}  // namespace talkrt::pipelines
