// SPDX-License-Identifier: Apache-2.0
//
// The manifest of a plan as typed records. Names and units are those of export/FORMAT.md; everything in
// a Manifest has been validated against itself and against the plan's tensors.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/src/plan/avatar_spec.hpp"
#include "engine/src/plan/engine_spec.hpp"
#include "engine/src/plan/vasa1_spec.hpp"

namespace talkrt::plan {

enum class DType : std::uint8_t;
enum class Runs : std::uint8_t { avatar, portrait, clip, window, frame };  // rarest first

struct Port {
  std::string name;
  DType dtype;
  std::vector<std::int64_t> shape;
  std::string from;  // inputs only: "features", "controls", "pipeline" or "<graph>.<output>"
};

struct State {
  std::string input, output;
  DType dtype;
  std::vector<std::int64_t> shape;
  std::string init;  // tensor name, "" for zeros
};

struct GraphSpec {
  std::string name;
  Runs runs = Runs::frame;
  std::vector<Port> inputs, outputs;
  std::vector<State> states;
  std::uint64_t multiply_adds = 0, bytes = 0;  // of one run, 0: not stated
};

struct LogMel {
  int fft_size = 0, window = 0, hop = 0, mels = 0;
  float f_min = 0, f_max = 0, floor = 0;
};

struct Factor {
  int channel = 0;                             // index into Gaussian::channels
  std::vector<std::pair<float, float>> knots;  // (channel value, weight), ascending
};

struct Shape {
  std::string name;
  std::vector<Factor> factors;
};

struct Drive {
  int axis = 0;  // rotation: 0 pitch, 1 yaw, 2 roll; translation: 0 x, 1 y, 2 z
  int channel = 0;
  float gain = 0;  // degrees or metres per unit of the channel
};

struct Joint {
  std::string name;
  int parent = -1;
  std::array<float, 3> pivot{};  // metres
  std::vector<Drive> rotation, translation;
};

struct Camera {
  std::array<float, 16> viewmat{};  // world to camera, row-major, rigid
  std::array<float, 9> K{};         // pixels, row-major
};

struct View {
  std::array<float, 3> target{};     // what a free camera turns about
  std::array<float, 3> up{0, 1, 0};  // unit length
};

enum class Convention : std::uint8_t { gsplat, inria };

struct Gaussian {
  int count = 0;
  int sh_degree = 0;
  bool antialias = false;
  Convention convention = Convention::gsplat;
  Camera camera;
  View view;
  std::array<float, 3> background{};
  // Of an avatar with a rig; the others have none.
  std::vector<std::string> channels;
  std::vector<Shape> shapes;
  std::vector<Joint> joints;
};

struct CoefficientRow {
  int output = 0;             // row of the graph's `coefficients`
  std::vector<int> channels;  // indices into Gaussian::channels
};

struct Emotion {
  std::string name;
  std::vector<std::pair<int, float>> channels;  // (index into Gaussian::channels, value at intensity 1)
  float head_motion = 1, head_pitch = 0, head_yaw = 0, head_roll = 0;  // scale; degrees
  float blink = 1;                                                     // scale of the blink rate
};

struct Idle {
  float blinks_per_minute = 17, gaze_share = 0.88f, breaths_per_minute = 14;
  std::array<float, 3> head_degrees{2.2f, 2.5f, 1.3f};  // standard deviation: pitch, yaw, roll
};

struct Motion {
  std::string graph;
  int step_samples = 0, frames_per_step = 0, time_offset = 0;
  std::vector<CoefficientRow> coefficients;
  std::vector<Emotion> emotions;
  Idle idle;
};

struct Check {
  std::vector<std::int64_t> frames;  // ascending; picture i is tensor check/frame/<i>
  int fps_num = 0, fps_den = 0;
  std::vector<Camera> cameras;  // of a scene, instead of frames and fps: picture i is seen by camera i
  int width = 0, height = 0;
  float min_psnr_db = 0;
};

struct Manifest {
  std::string model, name, licence, created_by;
  int sample_rate = 0;  // 0: a scene, which takes no audio
  int width = 0, height = 0;
  int fps_num = 0, fps_den = 0;
  std::uint64_t host_budget = 0, device_budget = 0;  // bytes, 0: none stated
  std::optional<std::int64_t> untrained_seed;        // weights are random numbers of it
  std::vector<GraphSpec> graphs;                     // in an order that respects `from`
  std::vector<EngineSpec> engines;
  std::optional<LogMel> features;
  std::optional<RowFeatures> rows;  // of an avatar, instead of log-mel features
  std::optional<Motion> motion;
  std::optional<Gaussian> gaussian;
  std::optional<AvatarSpec> avatar;
  std::optional<Vasa1Spec> vasa1;
  std::optional<Check> check;

  [[nodiscard]] bool is_scene() const { return model == "scene"; }
  [[nodiscard]] bool is_avatar() const { return model == "avatar"; }
};

}  // namespace talkrt::plan
