// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string>

#include "engine/src/plan/message.hpp"
#include "engine/src/plan/tensor_checks.hpp"

namespace talkrt::plan {
namespace {

std::string_view text_of(const TensorView& tensor) {
  return {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()};
}

const GraphSpec* graph_named(const Manifest& manifest, std::string_view name) {
  const auto found = std::find_if(manifest.graphs.begin(), manifest.graphs.end(),
                                  [&](const GraphSpec& graph) { return graph.name == name; });
  return found == manifest.graphs.end() ? nullptr : &*found;
}

/// The length in front of a protobuf string; advances `text` past it. Lengths over 2^28 are no names.
std::optional<std::size_t> take_length(std::string_view& text) {
  std::size_t length = 0;
  for (unsigned shift = 0; shift < 28 && !text.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(text.front());
    text.remove_prefix(1);
    length |= static_cast<std::size_t>(byte & 0x7fu) << shift;
    if (byte < 0x80) return length;
  }
  return std::nullopt;
}

/// An ONNX runtime opens whatever file an external initializer's `location` names, so each must be a weight
/// of this graph. Looks for the entry as ONNX's writers encode it; the back end, which hands the weights
/// over by name, is the second gate.
void check_locations(std::string_view graph, std::string_view model, const TensorMap& tensors,
                     std::string_view label) {
  constexpr std::string_view kEntry = "\x0a\x08location\x12";  // StringStringEntryProto {key, value}
  const std::string what = "tensor graph/" + std::string(graph) + ": an external initializer's location";
  const std::string prefix = "weight/" + std::string(graph) + "/";
  for (auto at = model.find(kEntry); at != model.npos; at = model.find(kEntry, at + 1)) {
    std::string_view rest = model.substr(at + kEntry.size());
    const auto length = take_length(rest);
    if (!length) refuse(label, what + "'s length", "not a length", "a varint below 2^28");
    if (*length > rest.size()) refuse(label, what, "cut short", "a tensor of this plan");
    const std::string_view location = rest.substr(0, *length);
    if (!location.starts_with(prefix) || tensors.find(location) == tensors.end()) {
      refuse(label, what, in_quotes(location), "a tensor of this plan, " + prefix + "...");
    }
  }
}

void check_graph(const GraphSpec& graph, const TensorMap& tensors, std::string_view label) {
  const std::array<std::int64_t, 1> any{-1};
  const std::string name = "graph/" + graph.name;
  const TensorView& model = require_tensor(tensors, label, name, DType::u8, any);
  if (model.bytes.empty()) refuse(label, "tensor " + name, "empty", "an ONNX model");
  check_locations(graph.name, text_of(model), tensors, label);
  for (const State& state : graph.states) {
    if (!state.init.empty()) require_tensor(tensors, label, state.init, DType::f32, state.shape);
  }
}

}  // namespace

void check_graph_tensors(const Manifest& manifest, const TensorMap& tensors, std::string_view label) {
  for (const GraphSpec& graph : manifest.graphs) check_graph(graph, tensors, label);

  // And back: whatever is stored for a graph is stored for one that the manifest lists.
  for (const auto& [name, tensor] : tensors) {
    const std::string_view role = std::string_view(name).substr(0, name.find('/'));
    if (role == name || (role != "graph" && role != "engine" && role != "weight" && role != "state"))
      continue;
    const std::string_view rest = std::string_view(name).substr(role.size() + 1);
    const std::string_view owner = rest.substr(0, rest.find('/'));
    const GraphSpec* graph = graph_named(manifest, owner);
    if (graph == nullptr) {
      refuse(label, "tensor " + name, "for graph " + in_quotes(owner), "a graph that the manifest lists");
    }
    if (role == "weight") {
      const std::string_view model = text_of(tensors.find("graph/" + graph->name)->second);
      if (model.find(name) == model.npos) {
        refuse(label, "tensor " + name, "named nowhere in graph/" + graph->name,
               "an initializer of that graph");
      }
    }
  }
}

void check_clip_tensors(const Manifest& manifest, const TensorMap& tensors, std::string_view label) {
  if (!manifest.check) return;
  const Check& check = *manifest.check;
  const std::array<std::int64_t, 1> any{-1};
  const auto require_picture = [&](std::int64_t index) {
    const std::string name = "check/frame/" + std::to_string(index);
    if (require_tensor(tensors, label, name, DType::u8, any).bytes.empty()) {
      refuse(label, "tensor " + name, "empty", "a PNG file");
    }
  };
  if (manifest.is_scene()) {
    for (std::size_t i = 0; i < check.cameras.size(); ++i) require_picture(static_cast<std::int64_t>(i));
    return;
  }
  if (manifest.is_avatar()) {
    check_avatar_clip(manifest, tensors, label);
    for (const std::int64_t frame : check.frames) require_picture(frame);
    return;
  }
  const TensorView& audio = require_tensor(tensors, label, "check/audio", DType::f32, any);
  for (const std::int64_t frame : check.frames) {
    require_picture(frame);
    const std::int64_t sample = frame * check.fps_den * manifest.sample_rate / check.fps_num;
    if (sample >= audio.shape[0]) {
      refuse(label, "manifest check.frames: frame " + std::to_string(frame),
             "at sample " + std::to_string(sample),
             "within the " + std::to_string(audio.shape[0]) + " samples of check/audio");
    }
  }
}

}  // namespace talkrt::plan
