// SPDX-License-Identifier: Apache-2.0
//
// What a plan of model `avatar` says beside its Gaussians: which networks move them, what is played, and how
// a picture is composed. Names and units are those of export/FORMAT.md, section 8.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace talkrt::plan {

/// The graph that makes rows from audio, and the windows of samples that it runs over.
struct EncoderSpec {
  std::string graph;
  int before = 0, step = 0, after = 0;  // samples
  int lead = 0;                         // vectors of a row before its own position

  [[nodiscard]] int samples() const { return before + step + after; }
};

/// Rows of audio features, one for each video frame.
struct RowFeatures {
  std::string extractor;
  int channels = 0, row_width = 0;
  int before = 0, after = 0;           // frame i gets rows i - before to i + after - 1
  std::optional<EncoderSpec> encoder;  // none: the host has the rows

  [[nodiscard]] int window() const { return before + after; }
};

enum class ScaleActivation : std::uint8_t { softplus, exp };

/// A deform entry's network as a kernel, of kind `layers`.
struct DeformNetwork {
  std::string mix_graph, mix_output;       // F32 [max(attention, 1), widths[0]]
  int attention = 0;                       // rows of `attention`, 0: `mix` is added as it is
  std::vector<int> widths;                 // of x, layer by layer, then of y
  int means = 0, quats = -1, scales = -1;  // where in y; -1: stays as it is
  ScaleActivation scale_activation{};      // where scales move
};

/// A deform entry's network as a kernel, of kind `attention`: what depends on a frame is the mix, for each
/// layer ask [width, attended], offset [attended] and give [attended, width], and behind those of layer 0
/// hide [attended, hidden].
struct AttentionNetwork {
  std::string mix_graph, mix_output;  // F32 [mix_floats()]
  int layers = 0;
  int width = 0;              // of x, D
  int hidden = 0;             // of the layer between two norms, F
  int heads = 0, tokens = 0;  // attended number h tokens + t is token t of head h
  // The width of each output's branch; 0: stays as it is.
  int means = 0, quats = 0, scales = 0, opacities = 0, sh = 0;
  ScaleActivation scale_activation{};  // where scales move

  [[nodiscard]] int attended() const { return heads * tokens; }
  [[nodiscard]] int mix_floats() const { return layers * (2 * width + 1) * attended() + attended() * hidden; }
};

/// Gaussians [first, first + count) and the graph that moves them.
struct Deform {
  std::string graph;
  int first = 0, count = 0;
  std::vector<std::string> outputs;  // means, quats, scales, opacities, colors, as the graph lists them
  // The same as a kernel: one of them, or neither.
  std::optional<DeformNetwork> network;
  std::optional<AttentionNetwork> attention;

  [[nodiscard]] bool is_kernel() const { return network || attention; }
  /// Of a kernel: the graph that makes its mix, and that graph's output.
  [[nodiscard]] const std::string& mix_graph() const {
    return network ? network->mix_graph : attention->mix_graph;
  }
  [[nodiscard]] const std::string& mix_output() const {
    return network ? network->mix_output : attention->mix_output;
  }
  [[nodiscard]] bool has(std::string_view output) const {
    return std::find(outputs.begin(), outputs.end(), output) != outputs.end();
  }
};

enum class Composite : std::uint8_t { layered, single };

struct AvatarSpec {
  std::string origin;
  std::vector<Deform> deforms;  // ascending, apart
  int track_frames = 0;
  std::array<int, 2> torso{};       // row, column of gaussian/track/torsos in the background
  std::vector<std::string> played;  // the inputs that gaussian/track/<input> feeds, each once
  Composite composite{};
  bool dilate = false;
  float orbit_degrees = 0;
};

}  // namespace talkrt::plan
