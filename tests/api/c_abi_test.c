/* SPDX-License-Identifier: Apache-2.0
 *
 * Speaks the C ABI as a C11 host does and sees nothing else of the library. Every promise of talkrt.h that a
 * caller can check is checked here, every status code that a caller can provoke is provoked.
 *
 *   c_abi_test PLAN FOLDER     FOLDER is for files that the test writes
 */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <talkrt/talkrt.h>

static int failures = 0;

static void expect(int holds, const char* what, int line) {
  if (holds) return;
  ++failures;
  fprintf(stderr, "%s:%d: %s (last error: %s)\n", __FILE__, line, what, talkrt_last_error());
}
#define EXPECT(condition) expect((condition) ? 1 : 0, #condition, __LINE__)
/* The call fails with this code, and its message says this. */
#define EXPECT_ERROR(call, code, says)                                                \
  do {                                                                                \
    expect((call) == (code), #call " is " #code, __LINE__);                           \
    expect(strstr(talkrt_last_error(), says) != NULL, #call " says " says, __LINE__); \
  } while (0)

static const char* plan_path;
static const char* folder;
static talkrt_engine* engine;
static talkrt_model* model;

/* A copy of the plan with `from` replaced by `to`, equally long. */
static const char* patched_plan(const char* name, const char* from, const char* to) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", folder, name);
  FILE* in = fopen(plan_path, "rb");
  FILE* out = fopen(path, "wb");
  if (in == NULL || out == NULL || strlen(from) != strlen(to)) abort();
  static char bytes[1 << 20];
  const size_t size = fread(bytes, 1, sizeof bytes, in);
  int patched = 0;
  for (size_t i = 0; i + strlen(from) <= size; ++i) {
    if (memcmp(bytes + i, from, strlen(from)) == 0) {
      memcpy(bytes + i, to, strlen(to));
      patched = 1;
    }
  }
  EXPECT(patched);
  fwrite(bytes, 1, size, out);
  fclose(in);
  fclose(out);
  return path;
}

static talkrt_session* new_session(const talkrt_session_config* config) {
  talkrt_session* session = NULL;
  EXPECT(talkrt_session_create(model, config, &session) == TALKRT_OK);
  if (session == NULL) exit(1);
  return session;
}

static size_t push_tone(talkrt_session* session, size_t count) {
  float* samples = malloc(count * sizeof *samples);
  size_t accepted = 0;
  if (samples == NULL) abort();
  for (size_t i = 0; i < count; ++i) samples[i] = 0.3f * sinf(0.07f * (float)i) * sinf(0.0008f * (float)i);
  EXPECT(talkrt_session_push_audio(session, samples, count, 16000, &accepted) == TALKRT_OK);
  free(samples);
  return accepted;
}

static void names_and_versions(void) {
  const talkrt_status all[] = {TALKRT_OK,
                               TALKRT_NEED_AUDIO,
                               TALKRT_END_OF_STREAM,
                               TALKRT_ERROR_INVALID_ARGUMENT,
                               TALKRT_ERROR_NOT_FOUND,
                               TALKRT_ERROR_IO,
                               TALKRT_ERROR_PLAN_CORRUPT,
                               TALKRT_ERROR_PLAN_UNSUPPORTED,
                               TALKRT_ERROR_BACKEND_MISSING,
                               TALKRT_ERROR_BACKEND_FAILED,
                               TALKRT_ERROR_OUT_OF_BUDGET,
                               TALKRT_ERROR_OUT_OF_MEMORY,
                               TALKRT_ERROR_FRAMES_HELD,
                               TALKRT_ERROR_BAD_AUDIO,
                               TALKRT_ERROR_FINISHED,
                               TALKRT_ERROR_UNSUPPORTED,
                               TALKRT_ERROR_INTERNAL};
  for (size_t i = 0; i < sizeof all / sizeof *all; ++i) {
    const char* name = talkrt_status_name(all[i]);
    EXPECT(strncmp(name, "TALKRT_", 7) == 0);
    for (size_t j = 0; j < i; ++j) EXPECT(strcmp(name, talkrt_status_name(all[j])) != 0);
  }
  EXPECT(strcmp(talkrt_status_name(TALKRT_ERROR_IO), "TALKRT_ERROR_IO") == 0);
  EXPECT(talkrt_status_name((talkrt_status)-77) != NULL);
  EXPECT(strchr(talkrt_version(), '.') != NULL);
  EXPECT(strstr(talkrt_build_info_json(), talkrt_version()) != NULL);
}

static int logged = 0;
static void count_log(void* user_data, talkrt_log_level level, const char* message) {
  EXPECT(user_data == &logged);
  EXPECT(level >= TALKRT_LOG_DEBUG && message[0] != '\0');
  ++logged;
}

static void engine_and_model(void) {
  talkrt_engine_config config;
  talkrt_engine_config_init(&config);
  EXPECT(config.struct_size == sizeof config);
  config.log = count_log;
  config.log_user_data = &logged;
  config.log_level = TALKRT_LOG_DEBUG;
  EXPECT(talkrt_engine_create(&config, &engine) == TALKRT_OK);
  EXPECT(talkrt_model_load(engine, plan_path, &model) == TALKRT_OK);
  if (model == NULL) exit(1);
  EXPECT(logged > 0);

  talkrt_model_info info;
  talkrt_model_info_init(&info);
  EXPECT(talkrt_model_get_info(model, &info) == TALKRT_OK);
  EXPECT(strcmp(info.kind, "gaussian") == 0);
  EXPECT(strcmp(info.name, "tiny") == 0);
  EXPECT(info.sample_rate == 16000 && info.width == 64 && info.height == 64);
  EXPECT(info.fps_num == 25 && info.fps_den == 1);
  EXPECT(info.look_ahead == 1760 + 319);
  EXPECT(info.host_bytes > 0 && info.host_bytes < info.host_budget_bytes);
  EXPECT(strcmp(talkrt_model_emotion_name(model, 1), "happy") == 0);
  EXPECT(talkrt_model_emotion_name(model, 8) == NULL);
  EXPECT(talkrt_model_emotion_name(model, -1) == NULL);

  char* json = NULL;
  EXPECT(talkrt_engine_describe_json(engine, &json) == TALKRT_OK);
  EXPECT(strstr(json, "\"backends\"") != NULL && strstr(json, "tiny.plan") != NULL);
  talkrt_string_free(json);
  EXPECT(talkrt_model_describe_json(model, &json) == TALKRT_OK);
  EXPECT(strstr(json, "gaussian/means") != NULL && strstr(json, "\"emotions\"") != NULL);
  talkrt_string_free(json);
  talkrt_string_free(NULL);
}

static void null_arguments_are_refused(void) {
  talkrt_engine* no_engine = NULL;
  talkrt_model* no_model = NULL;
  talkrt_session* none = NULL;
  talkrt_session* session = new_session(NULL);
  talkrt_frame frame;
  talkrt_model_info info;
  talkrt_session_stats stats;
  char* json = NULL;
  size_t count = 0;
  uint8_t pixels[4] = {0};
  float sample = 0;
  talkrt_frame_init(&frame);
  talkrt_model_info_init(&info);
  talkrt_session_stats_init(&stats);
  EXPECT_ERROR(talkrt_engine_create(NULL, NULL), TALKRT_ERROR_INVALID_ARGUMENT, "out is NULL");
  EXPECT_ERROR(talkrt_engine_describe_json(NULL, &json), TALKRT_ERROR_INVALID_ARGUMENT, "engine is NULL");
  EXPECT_ERROR(talkrt_engine_describe_json(engine, NULL), TALKRT_ERROR_INVALID_ARGUMENT, "out is NULL");
  EXPECT_ERROR(talkrt_model_load(NULL, plan_path, &no_model), TALKRT_ERROR_INVALID_ARGUMENT,
               "engine is NULL");
  EXPECT_ERROR(talkrt_model_load(engine, NULL, &no_model), TALKRT_ERROR_INVALID_ARGUMENT, "path is NULL");
  EXPECT_ERROR(talkrt_model_load(engine, plan_path, NULL), TALKRT_ERROR_INVALID_ARGUMENT, "out is NULL");
  EXPECT_ERROR(talkrt_model_get_info(NULL, &info), TALKRT_ERROR_INVALID_ARGUMENT, "model is NULL");
  EXPECT_ERROR(talkrt_model_get_info(model, NULL), TALKRT_ERROR_INVALID_ARGUMENT, "info is NULL");
  EXPECT_ERROR(talkrt_model_describe_json(NULL, &json), TALKRT_ERROR_INVALID_ARGUMENT, "model is NULL");
  EXPECT_ERROR(talkrt_session_create(NULL, NULL, &none), TALKRT_ERROR_INVALID_ARGUMENT, "model is NULL");
  EXPECT_ERROR(talkrt_session_create(model, NULL, NULL), TALKRT_ERROR_INVALID_ARGUMENT, "out is NULL");
  EXPECT_ERROR(talkrt_session_push_audio(NULL, &sample, 1, 16000, &count), TALKRT_ERROR_INVALID_ARGUMENT,
               "session");
  EXPECT_ERROR(talkrt_session_push_audio(session, NULL, 1, 16000, &count), TALKRT_ERROR_INVALID_ARGUMENT,
               "samples");
  EXPECT_ERROR(talkrt_session_push_audio(session, &sample, 1, 16000, NULL), TALKRT_ERROR_INVALID_ARGUMENT,
               "accepted");
  EXPECT(talkrt_session_push_audio(session, NULL, 0, 16000, &count) == TALKRT_OK);
  EXPECT_ERROR(talkrt_session_finish_audio(NULL), TALKRT_ERROR_INVALID_ARGUMENT, "session is NULL");
  EXPECT_ERROR(talkrt_session_interrupt(NULL), TALKRT_ERROR_INVALID_ARGUMENT, "session is NULL");
  EXPECT_ERROR(talkrt_session_set_controls(session, NULL), TALKRT_ERROR_INVALID_ARGUMENT, "controls is NULL");
  EXPECT_ERROR(talkrt_session_pull(NULL, &frame), TALKRT_ERROR_INVALID_ARGUMENT, "session is NULL");
  EXPECT_ERROR(talkrt_session_pull(session, NULL), TALKRT_ERROR_INVALID_ARGUMENT, "frame is NULL");
  EXPECT_ERROR(talkrt_session_pull_into(session, NULL, 256, &frame), TALKRT_ERROR_INVALID_ARGUMENT,
               "pixels is NULL");
  EXPECT_ERROR(talkrt_session_pull_into(session, pixels, 4, &frame), TALKRT_ERROR_INVALID_ARGUMENT,
               "stride is 4");
  EXPECT_ERROR(talkrt_session_get_stats(session, NULL), TALKRT_ERROR_INVALID_ARGUMENT, "stats is NULL");
  EXPECT_ERROR(talkrt_session_get_channels(session, &sample, NULL), TALKRT_ERROR_INVALID_ARGUMENT,
               "count is NULL");
  EXPECT(no_engine == NULL && no_model == NULL && none == NULL && json == NULL);

  talkrt_engine_config_init(NULL);
  talkrt_model_info_init(NULL);
  talkrt_session_config_init(NULL);
  talkrt_controls_init(NULL);
  talkrt_frame_init(NULL);
  talkrt_session_stats_init(NULL);
  talkrt_engine_retain(NULL);
  talkrt_engine_release(NULL);
  talkrt_model_retain(NULL);
  talkrt_model_release(NULL);
  talkrt_session_retain(NULL);
  talkrt_session_release(NULL);
  talkrt_frame_release(NULL);
  talkrt_session_release(session);
}

static void structs_of_other_versions(void) {
  /* A caller of a newer header has more fields, one of an older header fewer. */
  struct {
    talkrt_session_config known;
    char newer[64];
  } larger;
  memset(&larger, 0x5a, sizeof larger);
  talkrt_session_config_init(&larger.known);
  larger.known.struct_size = sizeof larger;
  larger.known.width = 32;
  talkrt_session* session = new_session(&larger.known);
  talkrt_session_stats stats;
  talkrt_session_stats_init(&stats);
  EXPECT(talkrt_session_get_stats(session, &stats) == TALKRT_OK);
  EXPECT(stats.width == 32 && stats.height == 64);

  talkrt_session_stats part;
  memset(&part, 0x11, sizeof part);
  part.struct_size = offsetof(talkrt_session_stats, frames);
  EXPECT(talkrt_session_get_stats(session, &part) == TALKRT_OK);
  EXPECT(part.struct_size == offsetof(talkrt_session_stats, frames));
  EXPECT(part.width == 32 && part.frames == 0x1111111111111111);
  talkrt_session_release(session);

  talkrt_session_config smaller;
  memset(&smaller, 0x77, sizeof smaller); /* garbage beyond what the caller says it has */
  smaller.struct_size = offsetof(talkrt_session_config, fps_num);
  smaller.width = smaller.height = 0;
  session = new_session(&smaller);
  talkrt_session_release(session);

  talkrt_session_config never;
  memset(&never, 0, sizeof never);
  talkrt_session* out = NULL;
  EXPECT_ERROR(talkrt_session_create(model, &never, &out), TALKRT_ERROR_INVALID_ARGUMENT, "struct_size is 0");
  never.struct_size = 0xcccccccc;
  EXPECT_ERROR(talkrt_session_create(model, &never, &out), TALKRT_ERROR_INVALID_ARGUMENT, "struct_size");
}

static void a_stream(void) {
  talkrt_session* session = new_session(NULL);
  talkrt_frame frame, untouched;
  talkrt_frame_init(&frame);
  untouched = frame;
  EXPECT(talkrt_session_pull(session, &frame) == TALKRT_NEED_AUDIO);
  EXPECT(memcmp(&frame, &untouched, sizeof frame) == 0);
  EXPECT(push_tone(session, 16000) == 16000);
  EXPECT(talkrt_session_finish_audio(session) == TALKRT_OK);
  size_t accepted = 99;
  float sample = 0;
  EXPECT_ERROR(talkrt_session_push_audio(session, &sample, 1, 16000, &accepted), TALKRT_ERROR_FINISHED,
               "finish_audio");
  EXPECT(accepted == 99);

  int frames = 0;
  talkrt_status status;
  while ((status = talkrt_session_pull(session, &frame)) == TALKRT_OK) {
    EXPECT(frame.index == frames && frame.audio_position == 640 * frames);
    EXPECT(frame.width == 64 && frame.height == 64 && frame.stride >= 256);
    EXPECT(frame.pixels != NULL && frame.slot != NULL && frame.pixels[3] == 255);
    talkrt_frame_release(frame.slot);
    ++frames;
  }
  EXPECT(status == TALKRT_END_OF_STREAM && frames == 25);
  EXPECT(talkrt_session_pull(session, &frame) == TALKRT_END_OF_STREAM);

  float values[64];
  size_t count = 64;
  EXPECT(talkrt_session_get_channels(session, values, &count) == TALKRT_OK && count == 19);
  count = 3;
  EXPECT_ERROR(talkrt_session_get_channels(session, values, &count), TALKRT_ERROR_INVALID_ARGUMENT,
               "19 channels");
  count = 0;
  EXPECT(talkrt_session_get_channels(session, NULL, &count) == TALKRT_OK && count == 19);

  talkrt_session_stats stats;
  talkrt_session_stats_init(&stats);
  EXPECT(talkrt_session_get_stats(session, &stats) == TALKRT_OK);
  EXPECT(stats.frames == 25 && stats.audio_pushed == 16000 && stats.audio_queued == 0 &&
         stats.audio_dropped == 0);
  EXPECT(stats.host_bytes > 64 * 64 * 4);

  EXPECT(talkrt_session_interrupt(session) == TALKRT_OK);
  EXPECT(talkrt_session_pull(session, &frame) == TALKRT_NEED_AUDIO);
  push_tone(session, 4000);
  EXPECT(talkrt_session_pull(session, &frame) == TALKRT_OK && frame.audio_position == 16000);
  talkrt_frame_release(frame.slot);

  static uint8_t rows[64 * 300];
  EXPECT(talkrt_session_pull_into(session, rows, 300, &frame) == TALKRT_OK);
  EXPECT(frame.pixels == NULL && frame.slot == NULL && frame.stride == 300 && rows[3] == 255);
  talkrt_session_release(session);
}

static void controls_are_checked(void) {
  talkrt_session* session = new_session(NULL);
  talkrt_controls controls;
  talkrt_controls_init(&controls);
  EXPECT(talkrt_session_set_controls(session, &controls) == TALKRT_OK);
  controls.gaze_yaw = 31;
  EXPECT_ERROR(talkrt_session_set_controls(session, &controls), TALKRT_ERROR_INVALID_ARGUMENT,
               "gaze_yaw is 31, expected -30 to 30");
  talkrt_controls_init(&controls);
  controls.emotion = 99;
  EXPECT_ERROR(talkrt_session_set_controls(session, &controls), TALKRT_ERROR_NOT_FOUND, "emotion is 99");
  talkrt_session_release(session);
}

static void every_other_error(void) {
  talkrt_model* none = NULL;
  char path[4096];
  EXPECT_ERROR(talkrt_model_load(engine, "/nonexistent/x.plan", &none), TALKRT_ERROR_NOT_FOUND,
               "/nonexistent/x.plan");
  EXPECT_ERROR(talkrt_model_load(engine, folder, &none), TALKRT_ERROR_IO, "is a directory");

  snprintf(path, sizeof path, "%s/not.plan", folder);
  FILE* file = fopen(path, "wb");
  fputs("this is not a plan, and long enough to be read as one", file);
  fclose(file);
  EXPECT_ERROR(talkrt_model_load(engine, path, &none), TALKRT_ERROR_PLAN_CORRUPT, "not.plan");
  EXPECT_ERROR(
      talkrt_model_load(engine, patched_plan("future.plan", "format_version\\\":1", "format_version\\\":9"),
                        &none),
      TALKRT_ERROR_PLAN_UNSUPPORTED, "format_version");
  EXPECT_ERROR(talkrt_model_load(engine, patched_plan("op.plan", "Sigmoid", "Sigmund"), &none),
               TALKRT_ERROR_BACKEND_FAILED, "op.plan");

  talkrt_engine_config config;
  talkrt_engine* other = NULL;
  talkrt_engine_config_init(&config);
  config.onnxruntime_path = "/nonexistent/libonnxruntime.so";
  EXPECT(talkrt_engine_create(&config, &other) == TALKRT_OK);
  EXPECT_ERROR(talkrt_model_load(other, plan_path, &none), TALKRT_ERROR_BACKEND_MISSING,
               "/nonexistent/libonnxruntime.so");
  talkrt_engine_release(other);
  talkrt_engine_config_init(&config);
  config.threads = -1;
  EXPECT_ERROR(talkrt_engine_create(&config, &other), TALKRT_ERROR_INVALID_ARGUMENT, "threads is -1");

  talkrt_session_config wishes;
  talkrt_session* session = NULL;
  talkrt_session_config_init(&wishes);
  wishes.fps_num = 1000;
  wishes.fps_den = 1;
  EXPECT_ERROR(talkrt_session_create(model, &wishes, &session), TALKRT_ERROR_INVALID_ARGUMENT, "1 to 240");
  talkrt_session_config_init(&wishes);
  wishes.width = wishes.height = 8192;
  EXPECT_ERROR(talkrt_session_create(model, &wishes, &session), TALKRT_ERROR_OUT_OF_BUDGET,
               "\"frames\" of session asks for");
  EXPECT(session == NULL && none == NULL);

  session = new_session(NULL);
  float bad[3] = {0, NAN, 0};
  size_t accepted = 0;
  EXPECT_ERROR(talkrt_session_push_audio(session, bad, 3, 16000, &accepted), TALKRT_ERROR_BAD_AUDIO,
               "sample 1");
  EXPECT_ERROR(talkrt_session_push_audio(session, bad, 3, 44100, &accepted), TALKRT_ERROR_INVALID_ARGUMENT,
               "44100");
  push_tone(session, 16000);
  talkrt_frame frames[4];
  for (int i = 0; i < 3; ++i) {
    talkrt_frame_init(&frames[i]);
    EXPECT(talkrt_session_pull(session, &frames[i]) == TALKRT_OK);
  }
  talkrt_frame_init(&frames[3]);
  EXPECT_ERROR(talkrt_session_pull(session, &frames[3]), TALKRT_ERROR_FRAMES_HELD, "all 3 frame slots");
  for (int i = 0; i < 3; ++i) talkrt_frame_release(frames[i].slot);
  talkrt_session_release(session);
}

static void a_scene(void) {
  char path[4096];
  snprintf(path, sizeof path, "%s", plan_path);
  char* slash = strrchr(path, '/');
  snprintf(slash, sizeof path - (size_t)(slash - path), "/tiny_scene.plan");
  talkrt_model* scene = NULL;
  talkrt_session* session = NULL;
  talkrt_model_info info;
  talkrt_camera camera;
  talkrt_view view;
  talkrt_model_info_init(&info);
  talkrt_camera_init(&camera);
  talkrt_view_init(&view);
  EXPECT(talkrt_model_load(engine, path, &scene) == TALKRT_OK);
  EXPECT(talkrt_model_get_info(scene, &info) == TALKRT_OK);
  EXPECT(strcmp(info.kind, "scene") == 0);
  EXPECT(info.sample_rate == 0 && info.look_ahead == 0);
  EXPECT(info.width == 96 && info.height == 64);
  EXPECT(info.target[0] == 1 && info.target[1] == 2 && info.target[2] == 3);
  EXPECT(info.up[0] == 0 && info.up[1] == -1 && info.up[2] == 0);
  EXPECT(talkrt_model_emotion_name(scene, 0) == NULL);

  EXPECT(talkrt_model_get_camera(scene, 0, 0, &camera) == TALKRT_OK);
  EXPECT(camera.width == 96 && camera.height == 64 && camera.K[0] == 80 && camera.viewmat[11] == 3);
  EXPECT(talkrt_model_get_camera(scene, 300, 128, &camera) == TALKRT_OK);
  EXPECT(camera.width == 300 && camera.height == 128 && camera.K[0] == 160 && camera.K[2] == 150);
  EXPECT_ERROR(talkrt_model_get_camera(scene, -1, 0, &camera), TALKRT_ERROR_INVALID_ARGUMENT, "width is -1");
  EXPECT(talkrt_model_get_camera(scene, 0, 0, &camera) == TALKRT_OK);

  float sample = 0;
  size_t taken = 9;
  talkrt_frame frame;
  talkrt_frame_init(&frame);
  EXPECT(talkrt_session_create(scene, NULL, &session) == TALKRT_OK);
  EXPECT_ERROR(talkrt_session_push_audio(session, &sample, 1, 16000, &taken), TALKRT_ERROR_UNSUPPORTED,
               "takes no audio");
  EXPECT(taken == 9);
  EXPECT_ERROR(talkrt_session_pull(session, &frame), TALKRT_ERROR_UNSUPPORTED, "draw it from a camera");
  EXPECT_ERROR(talkrt_session_finish_audio(session), TALKRT_ERROR_UNSUPPORTED, "takes no audio");
  EXPECT_ERROR(talkrt_session_interrupt(session), TALKRT_ERROR_UNSUPPORTED, "takes no audio");

  static uint8_t rgba8[64][100][4];
  static float rgba[64][96][4], depth[64][96];
  EXPECT_ERROR(talkrt_session_draw(session, &camera, &view), TALKRT_ERROR_INVALID_ARGUMENT,
               "without outputs");
  view.rgba8 = &rgba8[0][0][0];
  view.rgba8_stride = 400;
  view.rgba = &rgba[0][0][0];
  view.depth = &depth[0][0];
  EXPECT(talkrt_session_draw(session, &camera, &view) == TALKRT_OK);
  EXPECT(view.visible > 50 && view.dropped == 0 && view.draw_ns > 0);
  EXPECT(view.rgba8 == &rgba8[0][0][0]);
  double covered = 0, colored = 0;
  for (int y = 0; y < 64; ++y) {
    for (int x = 0; x < 96; ++x) {
      const float* pixel = rgba[y][x];
      covered += pixel[3];
      EXPECT(pixel[3] >= 0 && pixel[3] <= 1);
      EXPECT((pixel[3] > 0) == (depth[y][x] > 0));
      EXPECT(rgba8[y][x][3] == 255);
      for (int c = 0; c < 3; ++c) {
        const float shown = fminf(fmaxf(pixel[c], 0), 1) * 255;
        colored += fabsf(shown - (float)rgba8[y][x][c]) > 0.51f;
      }
    }
  }
  EXPECT(covered > 1000 && covered < 64 * 96);
  EXPECT(colored == 0);

  /* A program whose struct ends after depth gets its pictures and no figures. */
  view.struct_size = (uint32_t)offsetof(talkrt_view, visible);
  view.visible = -7;
  EXPECT(talkrt_session_draw(session, &camera, &view) == TALKRT_OK);
  EXPECT(view.visible == -7);
  camera.K[0] = -80;
  EXPECT_ERROR(talkrt_session_draw(session, &camera, &view), TALKRT_ERROR_INVALID_ARGUMENT, "fx or fy");
  EXPECT_ERROR(talkrt_session_draw(session, NULL, &view), TALKRT_ERROR_INVALID_ARGUMENT, "camera is NULL");
  EXPECT_ERROR(talkrt_session_draw(session, &camera, NULL), TALKRT_ERROR_INVALID_ARGUMENT, "view is NULL");
  EXPECT_ERROR(talkrt_session_draw(NULL, &camera, &view), TALKRT_ERROR_INVALID_ARGUMENT, "session is NULL");
  camera.struct_size = 0;
  EXPECT_ERROR(talkrt_session_draw(session, &camera, &view), TALKRT_ERROR_INVALID_ARGUMENT, "struct_size");
  talkrt_session_release(session);
  talkrt_model_release(scene);
}

/* An address space with no room left; the budget of the plan would allow the queue. */
static int asked = 0, freed = 0;
static int32_t keep(void* user_data, const char* path) {
  EXPECT(user_data == &asked && strstr(path, "kept.plan") != NULL);
  ++asked;
  return 0;
}
static void free_of_host(void* user_data) {
  EXPECT(user_data == &asked);
  ++freed;
}

static void budgets(void) {
  talkrt_model_info info;
  talkrt_model_info_init(&info);
  EXPECT(talkrt_model_get_info(model, &info) == TALKRT_OK);
  EXPECT(info.pinned_bytes == 0 && info.device_bytes == 0 && info.device_budget_bytes == 64 << 20);

  talkrt_engine_config wishes;
  talkrt_engine_config_init(&wishes);
  wishes.device = TALKRT_DEVICE_CPU;
  wishes.host_budget_bytes = info.host_bytes * 3 / 2;
  wishes.may_evict = keep;
  wishes.may_evict_free = free_of_host;
  wishes.may_evict_user_data = &asked;
  wishes.threads = -1;
  talkrt_engine* own = NULL;
  EXPECT(talkrt_engine_create(&wishes, &own) == TALKRT_ERROR_INVALID_ARGUMENT);
  EXPECT(freed == 0); /* there was no engine */
  wishes.threads = 1;
  EXPECT(talkrt_engine_create(&wishes, &own) == TALKRT_OK);

  talkrt_model_config limits;
  talkrt_model_config_init(&limits);
  limits.host_budget_bytes = 1000;
  talkrt_model* loaded = NULL;
  EXPECT_ERROR(talkrt_model_load_with(own, plan_path, &limits, &loaded), TALKRT_ERROR_OUT_OF_BUDGET,
               "1000 B of 1000 B are left");
  limits.host_budget_bytes = TALKRT_NO_BUDGET;
  limits.device_budget_bytes = 4096;
  const char* path = patched_plan("kept.plan", "tiny", "kept");
  EXPECT(talkrt_model_load_with(own, path, &limits, &loaded) == TALKRT_OK);
  EXPECT(talkrt_model_get_info(loaded, &info) == TALKRT_OK);
  EXPECT(info.host_budget_bytes == 0 && info.device_budget_bytes == 4096);
  talkrt_model_release(loaded);
  loaded = NULL;
  EXPECT_ERROR(talkrt_model_load(own, plan_path, &loaded), TALKRT_ERROR_OUT_OF_BUDGET,
               "kept because the host wants them");
  EXPECT(loaded == NULL && asked == 1);
  talkrt_engine_release(own);
  EXPECT(freed == 1);
}

static void out_of_memory(void) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  struct rlimit before, tight;
  FILE* file = fopen("/proc/self/statm", "r");
  unsigned long pages = 0;
  if (file == NULL || fscanf(file, "%lu", &pages) != 1 || getrlimit(RLIMIT_AS, &before) != 0) abort();
  fclose(file);
  tight = before;
  tight.rlim_cur = pages * 4096 + (4u << 20);
  if (setrlimit(RLIMIT_AS, &tight) != 0) abort();
  talkrt_session_config wishes;
  talkrt_session* session = NULL;
  talkrt_session_config_init(&wishes);
  wishes.audio_capacity = 12 << 20; /* 48 MiB */
  const talkrt_status status = talkrt_session_create(model, &wishes, &session);
  setrlimit(RLIMIT_AS, &before);
  EXPECT(status == TALKRT_ERROR_OUT_OF_MEMORY);
  EXPECT(strstr(talkrt_last_error(), "audio queue") != NULL);
  EXPECT(session == NULL);
#endif
}

static void references_in_any_order(void) {
  talkrt_engine* own = NULL;
  talkrt_model* loaded = NULL;
  talkrt_session* session = NULL;
  talkrt_frame frame;
  talkrt_frame_init(&frame);
  EXPECT(talkrt_engine_create(NULL, &own) == TALKRT_OK);
  EXPECT(talkrt_model_load(own, plan_path, &loaded) == TALKRT_OK);
  EXPECT(talkrt_session_create(loaded, NULL, &session) == TALKRT_OK);
  talkrt_session_retain(session);
  talkrt_engine_release(own);
  talkrt_model_release(loaded);
  talkrt_session_release(session);
  push_tone(session, 8000);
  EXPECT(talkrt_session_pull(session, &frame) == TALKRT_OK);
  talkrt_session_release(session);
  unsigned sum = 0;
  for (int64_t i = 0; i < frame.stride * frame.height; ++i) sum += frame.pixels[i];
  EXPECT(sum > 0);
  talkrt_frame_release(frame.slot);
}

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  if (getenv("TALKRT_ONNXRUNTIME") == NULL) {
    fprintf(stderr, "set TALKRT_ONNXRUNTIME to the libonnxruntime.so of an installed onnxruntime wheel\n");
    return 2;
  }
  plan_path = argv[1];
  folder = argv[2];
  EXPECT(strcmp(talkrt_last_error(), "") == 0);
  names_and_versions();
  engine_and_model();
  null_arguments_are_refused();
  structs_of_other_versions();
  a_stream();
  controls_are_checked();
  every_other_error();
  a_scene();
  budgets();
  references_in_any_order();
  out_of_memory();
  talkrt_model_release(model);
  talkrt_engine_release(engine);
  if (failures == 0) printf("all promises kept\n");
  return failures == 0 ? 0 : 1;
}
