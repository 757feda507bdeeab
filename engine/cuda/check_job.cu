// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>

#include "engine/cuda/check_job.hpp"

namespace talkrt::cuda {
namespace {

bool on_16_bytes(const void* at) { return reinterpret_cast<std::uintptr_t>(at) % 16 == 0; }

void check_recorded(const Recorded& recorded) {
  require(on_16_bytes(recorded.in.from) && on_16_bytes(recorded.in.to),
          "what an avatar's frame copies in: expected to begin on 16 bytes");
  require(recorded.layers_count >= 0 && recorded.attention_count >= 0 &&
              (recorded.layers_count == 0 || recorded.layers != nullptr) &&
              (recorded.attention_count == 0 || recorded.attention != nullptr),
          "networks of an avatar's frame: expected as many as are counted");
  require((recorded.layers_count == 0 || recorded.layers_rows > 0) &&
              (recorded.attention_count == 0 || recorded.attention_rows > 0),
          "rows of an avatar's networks: expected what move_rows_of() says");
  require(recorded.track != nullptr || (!recorded.composes && !recorded.lays_under),
          "an avatar's frame composes what is behind it and has no track");
}

}  // namespace

void require(bool holds, const char* what) {
  if (!holds) throw std::invalid_argument(what);
}

void check_spec(const PainterSpec& spec) {
  constexpr int kMaxViews = 4096;
  require(spec.views >= 1 && spec.views <= kMaxViews, "views of a painter: expected 1 to 4096");
  require(spec.max_shapes >= 0 && spec.max_shapes <= 65536, "shapes of a painter: expected 0 to 65536");
  require(spec.max_joints >= 0 && spec.max_joints <= gaussian::kMaxJoints,
          "joints of a painter: expected 0 to 16");
}

void check_job(const Job& job, const PainterSpec& spec) {
  const gaussian::RigView& rig = job.view.rig;
  require(rig.rest.count >= 0 && job.view.camera.tiles_x >= 0 && job.view.camera.tiles_y >= 0,
          "a job's view: expected no negative sizes");
  require(job.view.bin_capacity >= 1 && job.view.bin_capacity <= gaussian::kMaxBinCapacity,
          "bin_capacity of a job: expected 1 to 2048");
  require(job.copy_count >= 0 && job.copy_count <= kMaxCopies, "copies of a job: expected 0 to 4");
  if (job.recorded != nullptr) check_recorded(*job.recorded);
  if (job.joint_matrices == nullptr) return;
  require(rig.shapes >= 0 && rig.shapes <= spec.max_shapes,
          "a rig has more shapes than its painter was made for");
  require(rig.joints >= 1 && rig.joints <= spec.max_joints,
          "a rig has more joints than its painter was made for");
  require(rig.shapes == 0 || job.shape_weights != nullptr, "a job with joints has no weights for its shapes");
}

}  // namespace talkrt::cuda
