// SPDX-License-Identifier: Apache-2.0
#include "engine/src/render/cuda_views.hpp"

namespace talkrt::render {

gaussian::RasterStats CudaViews::draw(const gaussian::Pose& pose, const gaussian::Camera& camera,
                                      const gaussian::Target& target) {
  if (!pictures_.fits(camera)) {
    pictures_.forget();
    background_ = CudaBackdrop();
    background_ = CudaBackdrop(behind_.behind(camera), camera.width, camera.height, gpu_.device, *budget_);
    pictures_.make_room(camera);
  }
  return pictures_.draw(pose, camera, background_.view(), {}, target);
}

}  // namespace talkrt::render
