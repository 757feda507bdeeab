// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/graph_outputs.hpp"

#include <algorithm>
#include <cstring>
#include <talkrt/error.hpp>

namespace talkrt::deform {

using gaussian::kBlock;

GraphOutputs::GraphOutputs(const plan::Plan& plan, const gaussian::Splats& rest,
                           const nn::ChainInstance& chain, device::Budget& budget)
    : rest_(rest), splats_(rest) {
  bool colored = false;
  for (const plan::Deform& deform : plan.manifest().avatar->deforms) {
    if (deform.is_kernel()) continue;
    Entry& entry = entries_.emplace_back(Entry{deform.first / kBlock, {}, nullptr, {}});
    const auto rows_of = [&](const char* name, int channels) -> const float* {
      if (deform.has(name)) return chain.output(deform.graph, name).data();
      const plan::TensorView& tensor = *plan.find(std::string("gaussian/") + name);
      const std::size_t row = static_cast<std::size_t>(channels) * sizeof(float);
      device::Buffer& own =
          entry.own.emplace_back(budget, "Gaussians at rest", static_cast<std::size_t>(deform.count) * row);
      std::memcpy(own.data(), tensor.bytes.data() + static_cast<std::size_t>(deform.first) * row, own.size());
      return own.as<float>().data();
    };
    entry.rows = {deform.count, rows_of("means", 3), rows_of("quats", 4), rows_of("scales", 3),
                  rows_of("opacities", 1)};
    if (deform.has("colors")) {
      if (deform.count != rest.count) {
        throw Error(TALKRT_ERROR_PLAN_UNSUPPORTED,
                    plan.label() + ": graph " + deform.graph + " outputs colours for " +
                        std::to_string(deform.count) + " of " + std::to_string(rest.count) +
                        " Gaussians, and this library draws colours of all or of none");
      }
      entry.colors = chain.output(deform.graph, "colors").data();
      colored = true;
    }
  }
  if (entries_.empty()) return;
  if (colored) splats_.sh_degree = gaussian::kPlainColors;
  make_room(budget);
}

void GraphOutputs::make_room(device::Budget& budget) {
  const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(rest_.count)) * kBlock;
  const auto copied = [&](const char* what, const float* from, std::size_t channels) {
    device::Buffer out(budget, what, lanes * channels * sizeof(float));
    std::copy_n(from, lanes * channels, out.as<float>().data());
    return out;
  };
  means_ = copied("moved means", rest_.means, 3);
  frames_ = copied("moved frames", rest_.frames, 9);
  opacities_ = copied("moved opacities", rest_.opacities, 1);
  splats_.means = means_.as<float>().data();
  splats_.frames = frames_.as<float>().data();
  splats_.opacities = opacities_.as<float>().data();
  if (splats_.sh_degree != gaussian::kPlainColors) return;
  sh_ = device::Buffer(budget, "moved colours", lanes * 3 * sizeof(float));
  splats_.sh = sh_.as<float>().data();
}

/// Packing clears the last block's lanes past the entry, where others may rest.
void GraphOutputs::keep_neighbours(const Entry& entry) {
  const auto restore = [&](const float* rest, float* now, int channels) {
    const int end = entry.rows.count / kBlock;
    const std::ptrdiff_t block = std::ptrdiff_t{entry.first_block + end} * channels * kBlock;
    for (int lane = entry.rows.count % kBlock; lane % kBlock != 0; ++lane) {
      for (std::ptrdiff_t c = 0; c < channels; ++c) {
        now[block + c * kBlock + lane] = rest[block + c * kBlock + lane];
      }
    }
  };
  restore(rest_.means, means_.as<float>().data(), 3);
  restore(rest_.frames, frames_.as<float>().data(), 9);
  restore(rest_.opacities, opacities_.as<float>().data(), 1);
}

void GraphOutputs::take(float strength, Executor& executor) {
  for (const Entry& entry : entries_) {
    const std::ptrdiff_t first = static_cast<std::ptrdiff_t>(entry.first_block) * kBlock;
    float* means = means_.as<float>().data() + first * 3;
    float* opacities = opacities_.as<float>().data() + first;
    gaussian::pack_shapes(entry.rows, means, frames_.as<float>().data() + first * 9, opacities, executor);
    if (strength != 1) {
      const float* rest = rest_.means + first * 3;
      const std::ptrdiff_t count =
          static_cast<std::ptrdiff_t>(gaussian::blocks_of(entry.rows.count)) * 3 * kBlock;
      for (std::ptrdiff_t i = 0; i < count; ++i) means[i] = rest[i] + strength * (means[i] - rest[i]);
    }
    keep_neighbours(entry);
    if (entry.colors != nullptr) {
      gaussian::pack_colors({.count = entry.rows.count, .rows = entry.colors}, sh_.as<float>().data(),
                            opacities, executor);
    }
  }
}

}  // namespace talkrt::deform
