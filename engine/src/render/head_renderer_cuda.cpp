// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/cuda_views.hpp"
#include "engine/src/render/head_renderer.hpp"

namespace talkrt::render {
namespace {

class CudaHeadRenderer final : public HeadRenderer {
 public:
  CudaHeadRenderer(const HeadScene& scene, const deform::CudaRig& rig, const Gpu& gpu, device::Budget& budget)
      : background_(scene.backdrop.view(), scene.camera.width, scene.camera.height, gpu.device, budget),
        frames_(rig.view(), scene.options, scene.camera.width, scene.camera.height, gpu, budget),
        views_(rig.view(), scene.options, scene.backdrop, gpu, budget) {
    draw(scene.head, scene.camera, scene.scratch_frame);
    scene.scratch_frame.gpu.done->wait();
  }

  void draw(const deform::Deformer& head, const gaussian::Camera& camera,
            const frame::PixelTarget& target) override {
    frames_.draw(head.pose(), camera, background_.view(), output_of(target.gpu));
  }

  gaussian::RasterStats view(deform::Deformer& head, const gaussian::Camera& camera,
                             const gaussian::Target& target) override {
    return views_.draw(head.pose(), camera, target);
  }

 private:
  CudaBackdrop background_;
  CudaRenderer frames_;
  CudaViews views_;
};

}  // namespace

std::unique_ptr<HeadRenderer> head_renderer_cuda(const HeadScene& scene, const deform::CudaRig& rig,
                                                 const Gpu& gpu, device::Budget& budget) {
  return std::make_unique<CudaHeadRenderer>(scene, rig, gpu, budget);
}

}  // namespace talkrt::render
