// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdint>
#include <set>

#include "engine/src/plan/engine_spec.hpp"
#include "engine/src/plan/message.hpp"
#include "engine/src/plan/sha256.hpp"
#include "engine/src/plan/tensor_checks.hpp"

namespace talkrt::plan {
namespace {

constexpr std::size_t kHead = 28;
constexpr std::array<std::uint8_t, 8> kTag{0x66, 0x74, 0x72, 0x74, 0, 0, 0, 0};  // a word, then version 0

}  // namespace

std::string described(const TensorRtVersion& version) {
  std::string out;
  for (const int part : version) out += (out.empty() ? "" : ".") + std::to_string(part);
  return out;
}

std::optional<TensorRtVersion> engine_version(std::span<const std::byte> engine) {
  if (engine.size() < kHead) return std::nullopt;
  for (std::size_t i = 0; i < kTag.size(); ++i) {
    if (std::to_integer<std::uint8_t>(engine[i]) != kTag[i]) return std::nullopt;
  }
  TensorRtVersion out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = std::to_integer<int>(engine[24 + i]);
  return out;
}

std::string graph_source(const Plan& plan, const std::string& graph) {
  Sha256 sha;
  const auto add = [&](std::string_view name, const TensorView& tensor) {
    std::string head(name);
    head += "\n" + std::string(name_of(tensor.dtype)) + "\n";
    for (std::size_t i = 0; i < tensor.shape.size(); ++i) {
      head += (i == 0 ? "" : ",") + std::to_string(tensor.shape[i]);
    }
    sha.add(head + "\n");
    sha.add(tensor.bytes);
  };
  const std::string model = "graph/" + graph, weights = "weight/" + graph + "/";
  if (const TensorView* tensor = plan.find(model)) add(model, *tensor);
  for (const std::string_view name : plan.names()) {
    if (name.starts_with(weights)) add(name, *plan.find(name));
  }
  return sha.hex();
}

void check_engine_tensors(const Manifest& manifest, const TensorMap& tensors, std::string_view label) {
  const std::array<std::int64_t, 1> any{-1};
  std::set<std::string> used;
  for (const EngineSpec& engine : manifest.engines) {
    const TensorView& tensor = require_tensor(tensors, label, engine.tensor, DType::u8, any);
    const auto version = engine_version(tensor.bytes);
    const std::string what = "tensor " + engine.tensor;
    if (tensor.bytes.size() < kHead) {
      refuse(label, what, std::to_string(tensor.bytes.size()) + " bytes long",
             "a serialized TensorRT engine");
    }
    if (!version) refuse(label, what, "no serialized TensorRT engine by its first bytes", "one");
    if (*version != engine.tensorrt) {
      refuse(label, what, "built by TensorRT " + described(*version),
             described(engine.tensorrt) + ", as the manifest says");
    }
    used.insert(engine.tensor);
    for (const auto& [name, from] : engine.refit) {
      if (tensors.find(from) == tensors.end()) {
        refuse(label, "tensor " + from, "absent", "the weight " + in_quotes(name) + " of " + engine.tensor);
      }
      used.insert(from);
    }
  }
  for (const auto& [name, tensor] : tensors) {
    if (std::string_view(name).starts_with("engine/") && !used.contains(name)) {
      refuse(label, "tensor " + name, "named nowhere in the manifest's engines", "the tensor of one");
    }
  }
}

}  // namespace talkrt::plan
