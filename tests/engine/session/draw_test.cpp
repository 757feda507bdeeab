// SPDX-License-Identifier: Apache-2.0
//
// What a session shows, from any camera: heads and scenes.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <talkrt/error.hpp>

#include "tests/engine/session/drawn_view.hpp"
#include "tests/engine/session/tiny_session.hpp"

namespace talkrt::session {
namespace {

struct SceneSession {
  std::shared_ptr<Engine> shared;
  std::shared_ptr<const Model> model;
  std::shared_ptr<Session> session;

  explicit SceneSession(const EngineConfig& settings = with_threads(2),
                        talkrt_session_config config = default_session_config())
      : shared(std::make_shared<Engine>(settings)),
        model(shared->load(kTinyScene)),
        session(Session::create(shared, model, config)) {}
};

template <class F>
std::string refusal(talkrt_status code, F&& call) {
  try {
    call();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), code) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "was not refused";
  return "";
}

TEST(Draw, a_head_from_the_cameras_place_is_its_frame_bit_for_bit) {
  const auto shared = engine(with_threads(2));
  const auto model = shared->load(kTinyPlan);
  const auto head = session(at_fps(25), shared);
  (void)head->push(voice(kRate), kRate);
  for (int i = 0; i < 8; ++i) {
    std::vector<CopiedFrame> frame;
    ASSERT_EQ(pull_all(*head, frame, 1), Pull::frame);
    EXPECT_EQ(drawn(*head, plan_camera(*model)).rgba8, frame[0].pixels) << i;
  }
}

TEST(Draw, before_the_first_frame_a_head_is_at_rest) {
  const auto shared = engine();
  const auto model = shared->load(kTinyPlan);
  const auto early = session(at_fps(25), shared), late = session(at_fps(25), shared);
  const Drawn rest = drawn(*early, plan_camera(*model));
  EXPECT_GT(rest.view.visible, 0);
  (void)late->push(voice(kRate), kRate);
  std::vector<CopiedFrame> frames;
  pull_all(*late, frames);
  EXPECT_EQ(drawn(*early, plan_camera(*model)), rest);
  EXPECT_NE(drawn(*late, plan_camera(*model)).rgba8, rest.rgba8);
}

TEST(Draw, changes_nothing_that_is_pulled_later) {
  const auto shared = engine(with_threads(2));
  const auto model = shared->load(kTinyPlan);
  const auto plain = session(at_fps(25), shared), drawn_between = session(at_fps(25), shared);
  const auto audio = voice(kRate);
  (void)plain->push(audio, kRate);
  (void)drawn_between->push(audio, kRate);
  std::vector<CopiedFrame> expected, found;
  pull_all(*plain, expected);
  talkrt_camera camera = plan_camera(*model, 200, 40);
  while (pull_all(*drawn_between, found, 1) == Pull::frame) {
    camera.viewmat[3] += 0.01f;
    (void)drawn(*drawn_between, camera);
  }
  ASSERT_GT(found.size(), 10u);
  EXPECT_EQ(found, expected);
}

TEST(Draw, a_scene_is_the_same_for_any_number_of_threads_and_at_any_time) {
  const SceneSession one(with_threads(1)), three(with_threads(3));
  talkrt_camera camera = plan_camera(*one.model);
  const Drawn first = drawn(*one.session, camera);
  EXPECT_GT(first.view.visible, 50);
  EXPECT_EQ(first.view.dropped, 0);
  EXPECT_GT(first.view.draw_ns, 0u);
  EXPECT_EQ(drawn(*three.session, camera), first);
  camera.viewmat[11] += 1;
  EXPECT_NE(drawn(*one.session, camera).rgba8, first.rgba8);
  camera.viewmat[11] -= 1;
  EXPECT_EQ(drawn(*one.session, camera), first);
}

TEST(Draw, a_scene_needs_no_onnxruntime) {
  EngineConfig settings = with_threads(1);
  settings.onnxruntime = "/there/is/no/such/library.so";
  const SceneSession scene(settings);
  EXPECT_GT(drawn(*scene.session, plan_camera(*scene.model)).view.visible, 50);
}

TEST(Draw, sizes_come_and_go) {
  const SceneSession scene;
  const Drawn small = drawn(*scene.session, plan_camera(*scene.model));
  const std::uint64_t before = scene.session->stats().host_bytes;
  const Drawn large = drawn(*scene.session, plan_camera(*scene.model, 640, 2000));
  EXPECT_GT(scene.session->stats().host_bytes, before);
  EXPECT_EQ(large.rgba8.size(), 4u * 640 * 2000);
  const Drawn pixel = drawn(*scene.session, plan_camera(*scene.model, 1, 1));
  EXPECT_EQ(pixel.rgba8[3], 255);
  EXPECT_EQ(drawn(*scene.session, plan_camera(*scene.model)), small);
}

TEST(Draw, outputs_that_are_not_wanted_change_none_of_the_others) {
  const SceneSession scene;
  const talkrt_camera camera = plan_camera(*scene.model);
  const Drawn all = drawn(*scene.session, camera);
  std::vector<float> depth(all.depth.size());
  talkrt_view view{};
  view.depth = depth.data();
  scene.session->draw(camera, view);
  EXPECT_EQ(depth, all.depth);
  constexpr std::size_t kStride = 500;
  const auto rows = static_cast<std::size_t>(camera.height), row = 4 * static_cast<std::size_t>(camera.width);
  std::vector<std::uint8_t> wide(kStride * rows, 7);
  view = {};
  view.rgba8 = wide.data();
  view.rgba8_stride = kStride;
  scene.session->draw(camera, view);
  for (std::size_t y = 0; y < rows; ++y) {
    EXPECT_EQ(std::memcmp(wide.data() + kStride * y, all.rgba8.data() + row * y, row), 0);
    EXPECT_EQ(wide[kStride * y + row], 7);
  }
}

TEST(Draw, a_background_picture_is_stretched_to_the_view) {
  const std::vector<std::uint8_t> picture{200, 0, 0, 0, 0, 100,
                                          200, 0, 0, 0, 0, 100};  // red left, blue right
  talkrt_session_config config = default_session_config();
  config.width = config.height = 2;
  config.background = TALKRT_BACKGROUND_IMAGE;
  config.background_image = picture.data();
  config.background_image_width = config.background_image_height = 2;
  const SceneSession scene(with_threads(1), config);
  talkrt_camera camera = plan_camera(*scene.model, 100, 80);
  camera.viewmat[11] = -1e6f;  // everything is behind
  const Drawn view = drawn(*scene.session, camera);
  EXPECT_EQ(view.view.visible, 0);
  EXPECT_EQ(view.rgba8[0], 200);
  EXPECT_EQ(view.rgba8[4 * 99 + 2], 100);
  EXPECT_EQ(view.rgba[3], 0.0f);
  EXPECT_EQ(view.depth[0], 0.0f);
}

TEST(Draw, a_scene_takes_no_audio_and_has_no_frames) {
  const SceneSession scene;
  Session& session = *scene.session;
  const std::vector<float> audio(100);
  talkrt_frame frame{};
  const auto says = [&](auto&& call) {
    EXPECT_NE(refusal(TALKRT_ERROR_UNSUPPORTED, call).find("\"scene\" takes no audio"), std::string::npos);
  };
  says([&] { (void)session.push(audio, kRate); });
  says([&] { (void)session.pull(frame); });
  says([&] { (void)session.pull_into({}, frame); });
  says([&] { session.finish(); });
  says([&] { session.cut(); });
  says([&] { session.set_controls(motion::default_controls()); });
  EXPECT_TRUE(session.channels().empty());
  EXPECT_EQ(session.stats().audio_pushed, 0);
}

TEST(Draw, a_scene_holds_its_gaussians_once_and_not_its_file) {
  const SceneSession scene;
  const auto again = Session::create(scene.shared, scene.model, default_session_config());
  EXPECT_LT(again->stats().host_bytes, 1000u);
  for (const auto& line : scene.model->budget().lines()) EXPECT_NE(line.what, "plan file");
  // 60 Gaussians are 4 blocks of 16; 25 floats each at SH degree 1.
  EXPECT_EQ(scene.model->host_bytes(), 4u * 16 * 25 * sizeof(float));
}

TEST(Draw, a_view_that_a_budget_has_no_room_for_is_refused_and_a_smaller_one_drawn) {
  EngineConfig settings = with_threads(1);
  settings.host_budget = 1 << 20;
  const SceneSession scene(settings);
  const talkrt_camera small = plan_camera(*scene.model), large = plan_camera(*scene.model, 8192, 8192);
  const Drawn before = drawn(*scene.session, small);
  float depth = 0;
  talkrt_view view{};
  view.depth = &depth;  // never written
  const std::string message = refusal(TALKRT_ERROR_OUT_OF_BUDGET, [&] { scene.session->draw(large, view); });
  EXPECT_NE(message.find("engine: memory budget exceeded"), std::string::npos) << message;
  EXPECT_NE(message.find("of 1.0 MiB are left"), std::string::npos) << message;
  EXPECT_EQ(drawn(*scene.session, small), before);
}

TEST(Draw, wrong_cameras_are_refused_by_field) {
  const SceneSession scene;
  const talkrt_camera good = plan_camera(*scene.model);
  const auto says = [&](const char* text, auto&& change) {
    talkrt_camera camera = good;
    change(camera);
    talkrt_view view{};
    float depth = 0;
    view.depth = &depth;  // never written
    const std::string message =
        refusal(TALKRT_ERROR_INVALID_ARGUMENT, [&] { scene.session->draw(camera, view); });
    EXPECT_NE(message.find(text), std::string::npos) << message;
  };
  says("camera.width is 0, expected 1 to 8192 pixels", [](auto& c) { c.width = 0; });
  says("camera.height is 8193", [](auto& c) { c.height = 8193; });
  says("camera.viewmat[0] is nan", [](auto& c) { c.viewmat[0] = std::numeric_limits<float>::quiet_NaN(); });
  says("camera.viewmat[3] is 2e+06, expected at most 1e+06", [](auto& c) { c.viewmat[3] = 2e6f; });
  says("camera.viewmat is not rigid", [](auto& c) { c.viewmat[0] = 1.1f; });
  says("camera.viewmat is a mirror image", [](auto& c) { c.viewmat[0] = -1; });
  says("camera.viewmat is a matrix with another last row", [](auto& c) { c.viewmat[15] = 0; });
  says("camera.K[2] is inf", [](auto& c) { c.K[2] = std::numeric_limits<float>::infinity(); });
  says("camera.K is a camera with fx or fy not above 0", [](auto& c) { c.K[4] = 0; });
  says("camera.K is not a pinhole camera", [](auto& c) { c.K[1] = 1; });
}

TEST(Draw, a_view_without_outputs_or_with_short_rows_is_refused) {
  const SceneSession scene;
  const talkrt_camera camera = plan_camera(*scene.model);
  talkrt_view view{};
  EXPECT_NE(refusal(TALKRT_ERROR_INVALID_ARGUMENT, [&] { scene.session->draw(camera, view); })
                .find("view is without outputs"),
            std::string::npos);
  std::uint8_t pixel = 0;
  view.rgba8 = &pixel;
  view.rgba8_stride = 4 * camera.width - 1;
  EXPECT_NE(refusal(TALKRT_ERROR_INVALID_ARGUMENT, [&] { scene.session->draw(camera, view); })
                .find("rgba8_stride is 383, expected at least 4 * width = 384"),
            std::string::npos);
}

}  // namespace
}  // namespace talkrt::session
