// SPDX-License-Identifier: Apache-2.0
//
// What a valid manifest means, and where its ranges end. Refusals of single fields: tests/data/hostile.
#include <gtest/gtest.h>

#include <array>
#include <string>

#include "tests/engine/plan/editable_plan.hpp"

namespace talkrt::plan {
namespace {

using nlohmann::json;

TEST(Manifest, has_every_field_of_the_file) {
  const Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  const Manifest& m = plan.manifest();
  EXPECT_EQ(m.model, "gaussian");
  EXPECT_EQ(m.licence, "Apache-2.0");
  EXPECT_EQ(m.created_by, "tests/data/tiny_plan.py");
  EXPECT_EQ(m.sample_rate, 16000);
  EXPECT_EQ(m.width, 64);
  EXPECT_EQ(m.height, 64);
  EXPECT_EQ(m.fps_num, 25);
  EXPECT_EQ(m.fps_den, 1);
  EXPECT_EQ(m.host_budget, 64u << 20);
  EXPECT_EQ(m.device_budget, 64u << 20);
  ASSERT_TRUE(m.features.has_value());
  EXPECT_EQ(m.features->fft_size, 512);
  EXPECT_EQ(m.features->window, 400);
  EXPECT_EQ(m.features->hop, 160);
  EXPECT_EQ(m.features->mels, 80);
  EXPECT_EQ(m.features->f_min, 60.0f);
  EXPECT_EQ(m.features->f_max, 7600.0f);
  EXPECT_EQ(m.features->floor, 1e-5f);
  EXPECT_FALSE(m.check.has_value());
}

TEST(Manifest, of_an_avatar_says_what_moves_and_what_is_played) {
  const Plan plan(TALKRT_TEST_DATA "/tiny_avatar.plan");
  const Manifest& m = plan.manifest();
  EXPECT_TRUE(m.is_avatar());
  EXPECT_TRUE(!m.features && !m.motion && !m.check);
  ASSERT_TRUE(m.rows && m.gaussian && m.avatar);
  EXPECT_EQ(m.rows->extractor, "made up");
  EXPECT_EQ(m.rows->channels, 3);
  EXPECT_EQ(m.rows->row_width, 2);
  EXPECT_EQ(m.rows->before, 4);
  EXPECT_EQ(m.rows->window(), 8);
  EXPECT_EQ(m.gaussian->convention, Convention::inria);

  const AvatarSpec& avatar = *m.avatar;
  EXPECT_EQ(avatar.origin, "talkinggaussian");
  EXPECT_EQ(avatar.track_frames, 5);
  EXPECT_EQ(avatar.torso, (std::array<int, 2>{20, 4}));
  EXPECT_EQ(avatar.played, std::vector<std::string>{"action_units"});
  EXPECT_EQ(avatar.composite, Composite::layered);
  EXPECT_FALSE(avatar.dilate);
  EXPECT_EQ(avatar.orbit_degrees, 10);
  ASSERT_EQ(avatar.deforms.size(), 2u);
  const Deform &face = avatar.deforms[0], &mouth = avatar.deforms[1];
  EXPECT_EQ(face.graph, "face");
  EXPECT_EQ(face.count, 40);
  EXPECT_EQ(face.outputs, (std::vector<std::string>{"means", "quats", "scales"}));
  ASSERT_TRUE(face.network && mouth.network);
  EXPECT_EQ(face.network->mix_graph, "face_mix");
  EXPECT_EQ(face.network->mix_output, "mix");
  EXPECT_EQ(face.network->attention, 3);
  EXPECT_EQ(face.network->widths, (std::vector<int>{16, 8, 10}));
  EXPECT_EQ(face.network->means, 0);
  EXPECT_EQ(face.network->quats, 3);
  EXPECT_EQ(face.network->scales, 7);
  EXPECT_EQ(face.network->scale_activation, ScaleActivation::softplus);
  EXPECT_EQ(mouth.first, 48);
  EXPECT_EQ(mouth.network->attention, 0);
  EXPECT_EQ(mouth.network->scales, -1);
}

TEST(Manifest, of_a_scene_has_a_view_and_nothing_of_a_head) {
  const Plan plan(TALKRT_TEST_DATA "/tiny_scene.plan");
  const Manifest& m = plan.manifest();
  EXPECT_TRUE(m.is_scene());
  EXPECT_EQ(m.sample_rate, 0);
  EXPECT_TRUE(m.graphs.empty() && !m.features && !m.motion && !m.check);
  ASSERT_TRUE(m.gaussian.has_value());
  EXPECT_EQ(m.gaussian->count, 60);
  EXPECT_EQ(m.gaussian->convention, Convention::gsplat);
  EXPECT_EQ(m.gaussian->view.target, (std::array<float, 3>{1, 2, 3}));
  EXPECT_EQ(m.gaussian->view.up, (std::array<float, 3>{0, -1, 0}));
  EXPECT_TRUE(m.gaussian->joints.empty() && m.gaussian->channels.empty());
}

TEST(Manifest, of_a_head_may_say_what_a_camera_turns_about_and_whose_rules_draw_it) {
  EditablePlan tiny = EditablePlan::tiny();
  const auto plain_bytes = tiny.bytes();
  const Plan plain(plain_bytes, "memory");
  EXPECT_EQ(plain.manifest().gaussian->view.target, (std::array<float, 3>{0, 0, 0}));
  EXPECT_EQ(plain.manifest().gaussian->view.up, (std::array<float, 3>{0, 1, 0}));
  tiny.manifest["gaussian"]["view"] = {{"target", {0, 0.1, 0}}, {"up", {0, 0, 1}}};
  tiny.manifest["gaussian"]["convention"] = "inria";
  const auto bytes = tiny.bytes();
  const Plan plan(bytes, "memory");
  EXPECT_EQ(plan.manifest().gaussian->view.target[1], 0.1f);
  EXPECT_EQ(plan.manifest().gaussian->view.up[2], 1.0f);
  EXPECT_EQ(plan.manifest().gaussian->convention, Convention::inria);
}

TEST(Manifest, has_the_graph_with_its_ports_and_state) {
  const Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  ASSERT_EQ(plan.manifest().graphs.size(), 1u);
  const GraphSpec& graph = plan.manifest().graphs[0];
  EXPECT_EQ(graph.name, "speech_to_motion");
  EXPECT_EQ(graph.runs, Runs::window);
  ASSERT_EQ(graph.inputs.size(), 1u);
  EXPECT_EQ(graph.inputs[0].name, "mel");
  EXPECT_EQ(graph.inputs[0].from, "features");
  EXPECT_EQ(graph.inputs[0].dtype, DType::f32);
  EXPECT_EQ(graph.inputs[0].shape, (std::vector<std::int64_t>{1, 2, 80}));
  ASSERT_EQ(graph.outputs.size(), 3u);
  EXPECT_EQ(graph.outputs[0].name, "coefficients");
  ASSERT_EQ(graph.states.size(), 1u);
  EXPECT_EQ(graph.states[0].input, "state0_in");
  EXPECT_EQ(graph.states[0].output, "state0_out");
  EXPECT_EQ(graph.states[0].init, "state/speech_to_motion/state0");
}

TEST(Manifest, has_the_rig_by_index) {
  const Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  const Gaussian& g = *plan.manifest().gaussian;
  EXPECT_EQ(g.count, 48);
  EXPECT_EQ(g.sh_degree, 1);
  EXPECT_FALSE(g.antialias);
  EXPECT_EQ(g.camera.viewmat[11], 0.5f);
  EXPECT_EQ(g.camera.K[0], 160.0f);
  EXPECT_EQ(g.background[2], 0.37f);
  ASSERT_EQ(g.channels.size(), 19u);
  ASSERT_EQ(g.shapes.size(), 7u);
  const Shape& tent = g.shapes[3];
  EXPECT_EQ(tent.name, "eyeBlinkLeft@0.5");
  ASSERT_EQ(tent.factors.size(), 1u);
  EXPECT_EQ(g.channels[static_cast<std::size_t>(tent.factors[0].channel)], "eyeBlinkLeft");
  EXPECT_EQ(tent.factors[0].knots[1], (std::pair{0.5f, 1.0f}));
  EXPECT_EQ(g.shapes[5].factors.size(), 2u);  // a corrective
  ASSERT_EQ(g.joints.size(), 4u);
  const Joint& jaw = g.joints[3];
  EXPECT_EQ(jaw.parent, 2);
  EXPECT_EQ(jaw.pivot[1], -0.042f);
  ASSERT_EQ(jaw.rotation.size(), 1u);
  EXPECT_EQ(jaw.rotation[0].axis, 0);
  EXPECT_EQ(jaw.rotation[0].gain, 25.0f);
  EXPECT_EQ(jaw.translation[0].axis, 2);
  EXPECT_EQ(g.channels[static_cast<std::size_t>(jaw.translation[0].channel)], "jawForward");
}

TEST(Manifest, has_motion_with_emotions_and_idle) {
  const Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  const Motion& m = *plan.manifest().motion;
  EXPECT_EQ(m.graph, "speech_to_motion");
  EXPECT_EQ(m.step_samples, 320);
  EXPECT_EQ(m.frames_per_step, 2);
  EXPECT_EQ(m.time_offset, -1200);
  EXPECT_EQ(m.coefficients[1].output, 3);
  EXPECT_EQ(m.coefficients[1].channels.size(), 2u);
  ASSERT_EQ(m.emotions.size(), 8u);
  EXPECT_EQ(m.emotions[7].name, "contempt");
  EXPECT_EQ(m.emotions[1].channels.size(), 3u);
  EXPECT_EQ(m.emotions[1].head_pitch, 1.0f);
  EXPECT_EQ(m.emotions[1].head_roll, -1.0f);
  EXPECT_EQ(m.idle.head_degrees[1], 2.5f);
}

TEST(Manifest, ignores_keys_that_it_does_not_know) {
  EditablePlan plan = EditablePlan::tiny();
  plan.manifest["extension"] = {{"a", json::array({1, "two", nullptr})}};
  plan.manifest["gaussian"]["joints"][0]["extension"] = 1;
  plan.tensors["extension/x"] = {DType::u8, {1}, {std::byte{1}}};
  EXPECT_EQ(plan.refusal(), "");
}

TEST(Manifest, may_leave_out_what_has_a_default) {
  EditablePlan plan = EditablePlan::tiny();
  for (const char* key : {"licence", "created_by", "budget"}) plan.manifest.erase(key);
  for (json& emotion : plan.manifest["motion"]["emotions"]) {
    emotion.erase("head");
    emotion.erase("blink");
  }
  plan.manifest["graphs"][0]["states"][0]["init"] = nullptr;
  plan.tensors.erase("gaussian/layers");
  plan.tensors.erase("state/speech_to_motion/state0");
  const auto bytes = plan.bytes();
  const Plan read(bytes, "memory");
  EXPECT_EQ(read.manifest().host_budget, 0u);
  EXPECT_EQ(read.manifest().graphs[0].states[0].init, "");
  EXPECT_EQ(read.manifest().motion->emotions[1].head_motion, 1.0f);
  EXPECT_EQ(read.manifest().motion->emotions[1].blink, 1.0f);
}

TEST(Manifest, takes_the_ends_of_every_range) {
  EditablePlan plan = EditablePlan::tiny();
  json& m = plan.manifest;
  m["name"] = std::string(64, 'n');
  m["video"] = {{"width", 8192}, {"height", 1}, {"fps", {240, 1}}};
  m["motion"]["time_offset"] = -1360;  // 120 ms of look-ahead
  m["motion"]["emotions"][1]["channels"] = {{"jawOpen", 1}};
  m["gaussian"]["background"] = {0, 1, 1};
  EXPECT_EQ(plan.refusal(), "");
  m["motion"]["time_offset"] = 560;  // none
  m["video"]["fps"] = {30000, 1001};
  EXPECT_EQ(plan.refusal(), "");
}

TEST(Manifest, takes_names_in_any_script) {
  EditablePlan plan = EditablePlan::tiny();
  plan.manifest["name"] = "\xe5\xb0\x8f";  // one character of three bytes
  EXPECT_EQ(plan.refusal(), "");
}

TEST(Manifest, takes_a_model_of_another_kind_without_gaussian_or_motion) {
  EditablePlan plan = EditablePlan::tiny();
  plan.manifest["model"] = "emo";
  for (const char* key : {"gaussian", "motion"}) plan.manifest.erase(key);
  const auto bytes = plan.bytes();
  const Plan read(bytes, "memory");
  EXPECT_EQ(read.manifest().model, "emo");
  EXPECT_FALSE(read.manifest().gaussian.has_value());
  EXPECT_TRUE(read.manifest().features.has_value());
}

TEST(Manifest, has_the_check_clip) {
  EditablePlan plan = EditablePlan::tiny();
  plan.manifest["check"] = {
      {"frames", {0, 3}}, {"fps", {25, 1}}, {"width", 64}, {"height", 32}, {"min_psnr_db", 40.5}};
  plan.tensors["check/audio"] = {DType::f32, {1921}, std::vector<std::byte>(1921 * 4)};
  plan.tensors["check/frame/0"] = plan.tensors["check/frame/3"] = {DType::u8, {1}, {std::byte{1}}};
  const auto bytes = plan.bytes();
  const Plan read(bytes, "memory");
  ASSERT_TRUE(read.manifest().check.has_value());
  EXPECT_EQ(read.manifest().check->frames, (std::vector<std::int64_t>{0, 3}));
  EXPECT_EQ(read.manifest().check->height, 32);
  EXPECT_EQ(read.manifest().check->min_psnr_db, 40.5f);
}

}  // namespace
}  // namespace talkrt::plan
