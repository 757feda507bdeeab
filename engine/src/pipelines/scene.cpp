// SPDX-License-Identifier: Apache-2.0
//
//   splats, shared by all sessions -> pixels
#include "engine/src/pipelines/scene.hpp"

#include <optional>

#include "engine/src/deform/cloud.hpp"
#include "engine/src/deform/cuda_rig.hpp"
#include "engine/src/render/backdrop.hpp"
#include "engine/src/render/cuda_views.hpp"
#include "engine/src/render/raster_options.hpp"
#include "engine/src/render/view_renderer.hpp"

namespace talkrt::pipelines {
namespace {

class Scene final : public Avatar {
 public:
  Scene(const plan::Plan& plan, device::Budget& budget, const render::Gpu* gpu) : source(plan), gpu_(gpu) {
    cloud_.emplace(plan, budget);
    if (gpu == nullptr) return;
    gaussian::RigView rig;
    rig.rest = cloud_->splats();
    cuda_rig_.emplace(rig, gpu->device, budget);
    cloud_.reset();  // nobody reads it any more
  }

  std::unique_ptr<Pipeline> begin(const SessionSpec&, device::Budget&, Executor&) const override;
  std::int64_t look_ahead() const override { return 0; }
  std::span<const std::string> emotions() const override { return {}; }
  bool keeps_plan() const override { return false; }

  const plan::Plan& source;

 private:
  const render::Gpu* gpu_;
  std::optional<deform::Cloud> cloud_;
  std::optional<deform::CudaRig> cuda_rig_;
};

class CpuScene final : public Pipeline {
 public:
  CpuScene(const plan::Plan& source, const gaussian::Splats& splats, const SessionSpec& spec,
           device::Budget& budget, Executor& executor)
      : splats_(splats),
        executor_(executor),
        backdrop_(source, spec.backdrop, spec.width, spec.height, budget),
        behind_(backdrop_, budget),
        views_(render::options_of(*source.manifest().gaussian), budget) {}

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

class CudaScene final : public Pipeline {
 public:
  CudaScene(const plan::Plan& source, const gaussian::RigView& rig, const render::Gpu& gpu,
            const SessionSpec& spec, device::Budget& budget)
      : backdrop_(source, spec.backdrop, spec.width, spec.height, budget),
        views_(rig, render::options_of(*source.manifest().gaussian), backdrop_, gpu, budget) {}

  gaussian::RasterStats draw(const gaussian::Camera& camera, const gaussian::Target& target) override {
    return views_.draw({}, camera, target);
  }

 private:
  render::Backdrop backdrop_;
  render::CudaViews views_;
};

std::unique_ptr<Pipeline> Scene::begin(const SessionSpec& spec, device::Budget& budget,
                                       Executor& executor) const {
  if (gpu_ != nullptr) return std::make_unique<CudaScene>(source, cuda_rig_->view(), *gpu_, spec, budget);
  return std::make_unique<CpuScene>(source, cloud_->splats(), spec, budget, executor);
}

}  // namespace

std::unique_ptr<Avatar> open_scene(const plan::Plan& plan, device::Budget& budget, const render::Gpu* gpu) {
  return std::make_unique<Scene>(plan, budget, gpu);
}

}  // namespace talkrt::pipelines
