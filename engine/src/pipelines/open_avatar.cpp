// SPDX-License-Identifier: Apache-2.0
#include <talkrt/error.hpp>

#include "engine/src/pipelines/avatar.hpp"
#include "engine/src/pipelines/gaussian.hpp"
#include "engine/src/pipelines/pipeline.hpp"
#include "engine/src/pipelines/scene.hpp"
#include "engine/src/pipelines/vasa1.hpp"

namespace talkrt::pipelines {

std::unique_ptr<Avatar> open_avatar(const plan::Plan& plan, const std::function<nn::Backend&()>& backend,
                                    device::Budget& budget, int threads, const render::Gpu* gpu) {
  const std::string& model = plan.manifest().model;
  if (model == "gaussian") return open_gaussian(plan, backend(), budget, gpu);
  if (model == "avatar") return open_recorded(plan, backend(), budget, gpu);
  if (model == "scene") return open_scene(plan, budget, gpu);
  if (model == "vasa1") return open_vasa1(plan, backend(), budget, threads, gpu);
  throw Error(TALKRT_ERROR_PLAN_UNSUPPORTED,
              plan.label() + ": model is \"" + model +
                  "\", and this library runs \"gaussian\", \"avatar\", \"scene\" and \"vasa1\"");
}

}  // namespace talkrt::pipelines
