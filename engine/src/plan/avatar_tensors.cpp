// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <string>

#include "engine/src/plan/camera_rules.hpp"
#include "engine/src/plan/message.hpp"
#include "engine/src/plan/tensor_checks.hpp"
#include "engine/src/plan/typed_reads.hpp"

namespace talkrt::plan {
namespace {

constexpr std::int64_t kLanes = 16;  // Gaussians in a block
constexpr float kLargestNumber = 1e4f;
constexpr std::int64_t kLeastRows = 4;

using Dims = std::vector<std::int64_t>;

std::string at(const std::string& name, std::size_t index) {
  return "tensor " + name + "[" + std::to_string(index) + "]";
}

/// Looks tensors up, and remembers which ones the avatar has a use for.
class Tensors {
 public:
  Tensors(const TensorMap& tensors, std::string_view label) : tensors_(tensors), label_(label) {}

  const TensorView& require(const std::string& name, DType dtype, const Dims& dims) {
    used_.insert(name);
    return require_tensor(tensors_, label_, name, dtype, dims);
  }

  /// F32, or F16 where `half`: every number within the limit. Says which.
  DType require_numbers(const std::string& name, bool half, const Dims& dims) {
    const auto found = tensors_.find(name);
    const bool is_half = half && found != tensors_.end() && found->second.dtype == DType::f16;
    const TensorView& tensor = require(name, is_half ? DType::f16 : DType::f32, dims);
    const std::size_t count = tensor.bytes.size() / size_of(tensor.dtype);
    for (std::size_t i = 0; i < count; ++i) {
      const float value = is_half ? half_element(tensor, i) : element<float>(tensor, i);
      if (!(std::abs(value) <= kLargestNumber)) {
        refuse(label_, at(name, i), described(value),
               "at most " + described(kLargestNumber) + " in magnitude");
      }
    }
    return tensor.dtype;
  }

  [[nodiscard]] bool has(std::string_view name) const { return tensors_.find(name) != tensors_.end(); }

  void refuse_others() const {
    for (const auto& [name, tensor] : tensors_) {
      if (name.starts_with("gaussian/") && !used_.contains(name)) {
        refuse(label_, "tensor " + name, "present", "none of that name in this plan of model \"avatar\"");
      }
    }
  }

  [[nodiscard]] std::string_view label() const { return label_; }

 private:
  const TensorMap& tensors_;
  std::string_view label_;
  std::set<std::string, std::less<>> used_;
};

void check_network(const Deform& deform, Tensors& tensors) {
  const DeformNetwork& network = *deform.network;
  const std::string prefix = "gaussian/deform/" + deform.graph + "/";
  const std::int64_t blocks = (std::int64_t{deform.count} + kLanes - 1) / kLanes;
  tensors.require_numbers(prefix + "still", true, {blocks, network.widths[0], kLanes});
  if (network.attention > 0) {
    tensors.require_numbers(prefix + "attention", true, {blocks, network.attention, kLanes});
  }
  for (std::size_t i = 0; i + 1 < network.widths.size(); ++i) {
    tensors.require_numbers(prefix + "layer" + std::to_string(i), false,
                            {network.widths[i], network.widths[i + 1]});
  }
  if (network.quats >= 0) tensors.require_numbers(prefix + "quats", false, {deform.count, 4});
  if (network.scales >= 0) tensors.require_numbers(prefix + "scales", false, {deform.count, 3});
}

void check_attention(const Deform& deform, std::int64_t bases, Tensors& tensors) {
  const AttentionNetwork& network = *deform.attention;
  const std::string prefix = "gaussian/deform/" + deform.graph + "/";
  const std::int64_t blocks = (std::int64_t{deform.count} + kLanes - 1) / kLanes;
  const std::int64_t width = network.width, hidden = network.hidden;
  const auto require = [&](const std::string& name, const Dims& dims) {
    tensors.require_numbers(prefix + name, false, dims);
  };
  const DType still = tensors.require_numbers(prefix + "still", true, {blocks, width, kLanes});
  const DType halves = tensors.require_numbers(prefix + "hidden", true, {blocks, hidden, kLanes});
  if (halves != still) {
    refuse(tensors.label(), "tensor " + prefix + "hidden", "of dtype " + std::string(name_of(halves)),
           "that of still, " + std::string(name_of(still)));
  }
  for (int i = 0; i < network.layers; ++i) {
    const std::string layer = "layer" + std::to_string(i) + "/";
    if (i > 0) require(layer + "first", {width, hidden});
    require(layer + "first_bias", {hidden});
    require(layer + "second", {hidden, width});
    for (const char* name : {"second_bias", "gain", "norm_gain", "norm_bias"}) require(layer + name, {width});
  }
  struct Branch {
    std::string name;
    int width;
    std::int64_t outputs;
  };
  for (const auto& [name, inner, outputs] :
       {Branch{"means", network.means, 3}, Branch{"quats", network.quats, 4},
        Branch{"scales", network.scales, 3}, Branch{"opacities", network.opacities, 1},
        Branch{"sh", network.sh, 3 * bases}}) {
    if (inner == 0) continue;
    require(name + "/first", {width, inner});
    require(name + "/first_bias", {inner});
    require(name + "/second", {inner, outputs});
    require(name + "/second_bias", {outputs});
  }
  if (network.quats > 0) require("quats", {deform.count, 4});
  if (network.scales > 0) require("scales", {deform.count, 3});
  if (network.opacities > 0) require("opacities", {deform.count});
}

void check_layers(const Manifest& manifest, Tensors& tensors) {
  if (manifest.avatar->composite != Composite::layered) return;
  const std::string name = "gaussian/layers";
  const TensorView& layers = tensors.require(name, DType::u8, {manifest.gaussian->count});
  for (const Deform& deform : manifest.avatar->deforms) {
    const auto first = static_cast<std::size_t>(deform.first);
    for (std::size_t g = first; g < first + static_cast<std::size_t>(deform.count); ++g) {
      if (layers.bytes[g] != layers.bytes[first]) {
        refuse(tensors.label(), at(name, g), std::to_string(std::to_integer<int>(layers.bytes[g])),
               "one layer for all that graph " + deform.graph + " moves");
      }
    }
  }
}

void check_viewmats(const Manifest& manifest, Tensors& tensors) {
  const std::string name = "gaussian/track/viewmats";
  const TensorView& viewmats = tensors.require(name, DType::f32, {manifest.avatar->track_frames, 4, 4});
  for (std::size_t p = 0; p < static_cast<std::size_t>(manifest.avatar->track_frames); ++p) {
    std::array<float, 16> matrix{};
    for (std::size_t i = 0; i < matrix.size(); ++i) {
      matrix[i] = element<float>(viewmats, p * matrix.size() + i);
      if (!(std::abs(matrix[i]) <= kHeadReach)) {
        refuse(tensors.label(), at(name, p * matrix.size() + i), described(matrix[i]),
               "at most " + described(kHeadReach) + " in magnitude");
      }
    }
    if (const auto fault = fault_of_viewmat(matrix)) {
      refuse(tensors.label(), at(name, p), std::string(fault->found), fault->expected);
    }
  }
}

/// Row p of a track's tensor is an input without its first dimension, 1; readers of one name agree in shape.
void check_played(const Manifest& manifest, Tensors& tensors) {
  for (const GraphSpec& graph : manifest.graphs) {
    if (graph.runs != Runs::frame) continue;
    for (const Port& port : graph.inputs) {
      if (port.from != "pipeline") continue;
      Dims dims = port.shape;
      dims[0] = manifest.avatar->track_frames;
      tensors.require("gaussian/track/" + port.name, DType::f32, dims);
    }
  }
}

void check_pictures(const Manifest& manifest, Tensors& tensors) {
  tensors.require("gaussian/background", DType::u8, {manifest.height, manifest.width, 3});
  const std::string name = "gaussian/track/torsos";
  if (!tensors.has(name)) return;
  const TensorView& torsos = tensors.require(name, DType::u8, {manifest.avatar->track_frames, -1, -1, 4});
  const std::array<int, 2> sides{manifest.height, manifest.width};
  for (std::size_t axis = 0; axis < 2; ++axis) {
    const int corner = manifest.avatar->torso[axis];
    const std::int64_t side = torsos.shape[axis + 1];
    if (side < 1 || side > sides[axis] - corner) {
      refuse(tensors.label(), "tensor " + name, described(torsos.dtype, torsos.shape),
             "torsos that lie within gaussian/background at row " +
                 std::to_string(manifest.avatar->torso[0]) + ", column " +
                 std::to_string(manifest.avatar->torso[1]));
    }
  }
}

}  // namespace

void check_avatar_tensors(const Manifest& manifest, const TensorMap& all, std::string_view label) {
  Tensors tensors(all, label);
  const std::int64_t count = manifest.gaussian->count;
  const std::int64_t degree = manifest.gaussian->sh_degree;
  tensors.require("gaussian/means", DType::f32, {count, 3});  // their numbers are check_gaussian_tensors'
  tensors.require("gaussian/quats", DType::f32, {count, 4});
  tensors.require("gaussian/scales", DType::f32, {count, 3});
  tensors.require("gaussian/opacities", DType::f32, {count});
  tensors.require("gaussian/sh", DType::f32, {count, (degree + 1) * (degree + 1), 3});
  check_layers(manifest, tensors);
  check_viewmats(manifest, tensors);
  check_played(manifest, tensors);
  check_pictures(manifest, tensors);
  for (const Deform& deform : manifest.avatar->deforms) {
    if (deform.network) check_network(deform, tensors);
    if (deform.attention) check_attention(deform, (degree + 1) * (degree + 1), tensors);
  }
  tensors.refuse_others();
}

void check_avatar_clip(const Manifest& manifest, const TensorMap& tensors, std::string_view label) {
  const std::string name = "check/rows";
  const std::array<std::int64_t, 3> dims{-1, manifest.rows->row_width, manifest.rows->channels};
  const TensorView& rows = require_tensor(tensors, label, name, DType::f32, dims);
  if (rows.shape[0] < kLeastRows) {
    refuse(label, "tensor " + name, described(rows.dtype, rows.shape), "at least 4 rows");
  }
  if (tensors.find("check/audio") != tensors.end()) {
    const std::array<std::int64_t, 1> any{-1};
    require_tensor(tensors, label, "check/audio", DType::f32, any);
  }
  for (const std::int64_t frame : manifest.check->frames) {
    if (frame >= rows.shape[0]) {
      refuse(label, "manifest check.frames: frame " + std::to_string(frame), "past the last row",
             "below the " + std::to_string(rows.shape[0]) + " rows of check/rows");
    }
  }
}

}  // namespace talkrt::plan
