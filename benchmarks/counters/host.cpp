// SPDX-License-Identifier: Apache-2.0
//
// talkrt_counters PLAN SPEECH ROW_FLOATS PORTRAIT SIDE WARMUP FRAMES ONNXRUNTIME DEVICE allocations|plain:
// figures of a plan that are the same in every run on one machine, as a line of JSON: heap allocations of the
// measured frames, bytes held, a hash of the pictures. One thread. SPEECH holds float32 samples at the plan's
// rate, or rows of so many floats where ROW_FLOATS is not 0, and is repeated; "-" for a scene. PORTRAIT is
// the RGB8 of a face of SIDE by SIDE pixels; "-" where the plan has one of its own.
//
// Under callgrind, --toggle-collect=talkrt_counted_frame counts the instructions of those frames alone; that
// run is a "plain" one, because looking at the callers of malloc would count too.
#include <talkrt/talkrt.h>

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#endif

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/api/counting_allocator.hpp"

extern "C" __attribute__((noinline, visibility("default"))) talkrt_status talkrt_counted_frame(
    talkrt_session* session, std::uint8_t* pixels, std::int64_t stride, talkrt_frame* frame) {
  return talkrt_session_pull_into(session, pixels, stride, frame);
}

extern "C" __attribute__((noinline, visibility("default"))) talkrt_status
talkrt_counted_view(talkrt_session* session, const talkrt_camera* camera, talkrt_view* view) {
  return talkrt_session_draw(session, camera, view);
}

namespace {

void must(talkrt_status status, const char* doing) {
  if (status >= TALKRT_OK) return;
  throw std::runtime_error(std::string(doing) + ": " + talkrt_status_name(status) + ": " +
                           talkrt_last_error());
}

template <class T>
std::vector<T> read(const std::string& path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  std::vector<T> values(static_cast<std::size_t>(file.tellg()) / sizeof(T));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(values.size() * sizeof(T)));
  if (!file || values.empty()) throw std::runtime_error(path + ": is empty");
  return values;
}

/// What a session is fed with.
struct Speech {
  std::vector<float> values;
  std::size_t row_floats;  // 0: samples
};

struct Face {
  std::vector<std::uint8_t> rgb;  // empty: the plan has one
  std::int32_t side;
};

/// FNV-1a, 64 bits.
std::uint64_t hash_of(const std::vector<std::uint8_t>& bytes, std::uint64_t hash) {
  for (const std::uint8_t byte : bytes) hash = (hash ^ byte) * 1099511628211u;
  return hash;
}

struct Counted {
  talkrt::AllocationCounter::Counts allocations{};
  std::uint64_t hash = 14695981039346656037u;
  std::uint64_t session_bytes = 0;
};

class Plan {
 public:
  Plan(const char* path, const Face& face, const char* onnxruntime, bool gpu) {
    talkrt_engine_config config;
    talkrt_engine_config_init(&config);
    config.threads = 1;
    config.device = gpu ? TALKRT_DEVICE_CUDA : TALKRT_DEVICE_CPU;
    config.onnxruntime_path = *onnxruntime == '\0' ? nullptr : onnxruntime;
    must(talkrt_engine_create(&config, &engine_), "engine");
    must(talkrt_model_load(engine_, path, &model_), "load");
    talkrt_model_info_init(&info);
    must(talkrt_model_get_info(model_, &info), "model");
    talkrt_session_config session;
    talkrt_session_config_init(&session);
    session.seed = 1;
    if (!face.rgb.empty()) {
      session.portrait = face.rgb.data();
      session.portrait_width = session.portrait_height = face.side;
      session.portrait_channels = 3;
    }
    must(talkrt_session_create(model_, &session, &session_), "session");
    pixels_.resize(static_cast<std::size_t>(info.width) * static_cast<std::size_t>(info.height) * 4);
  }
  ~Plan() {
    talkrt_session_release(session_);
    talkrt_model_release(model_);
    talkrt_engine_release(engine_);
  }
  Plan(const Plan&) = delete;
  Plan& operator=(const Plan&) = delete;

  Counted speak(const Speech& speech, int warm_up, int frames, bool allocations) {
    for (int i = 0; i < warm_up; ++i) pull(speech, false);
    return count(frames, allocations, [&] { pull(speech, true); });
  }

  Counted look(int warm_up, int frames, bool allocations) {
    talkrt_camera_init(&camera_);
    must(talkrt_model_get_camera(model_, 0, 0, &camera_), "camera");
    for (int i = 0; i < warm_up; ++i) draw(i, false);
    int index = warm_up;
    return count(frames, allocations, [&] { draw(index++, true); });
  }

  [[nodiscard]] std::string describe() const {
    char* text = nullptr;
    must(talkrt_engine_describe_json(engine_, &text), "describe");
    std::string copy = text;
    talkrt_string_free(text);
    return copy;
  }

  talkrt_model_info info{};

 private:
  template <class Frame>
  Counted count(int frames, bool allocations, const Frame& frame) {
    Counted counted;
    talkrt::AllocationCounter counter(talkrt::AllocationCounter::Threads::all);
    if (!allocations) counter.stop();
    instrument();
    // Hashing comes after each frame and allocates nothing.
    for (int i = 0; i < frames; ++i) {
      frame();
      counted.hash = hash_of(pixels_, counted.hash);
    }
    if (allocations) counted.allocations = counter.stop();
    talkrt_session_stats stats;
    talkrt_session_stats_init(&stats);
    must(talkrt_session_get_stats(session_, &stats), "stats");
    counted.session_bytes = stats.host_bytes;
    return counted;
  }

  /// Callgrind was told to wait until here (--instr-atstart=no): loading under it takes half a minute.
  static void instrument() {
#ifdef CALLGRIND_START_INSTRUMENTATION
    CALLGRIND_START_INSTRUMENTATION;
#endif
  }

  void pull(const Speech& speech, bool counted) {
    talkrt_frame frame;
    talkrt_frame_init(&frame);
    const std::int64_t stride = static_cast<std::int64_t>(info.width) * 4;
    for (;;) {
      const talkrt_status status = counted
                                       ? talkrt_counted_frame(session_, pixels_.data(), stride, &frame)
                                       : talkrt_session_pull_into(session_, pixels_.data(), stride, &frame);
      must(status, "pull");
      if (status == TALKRT_OK) return;
      push(speech);
    }
  }

  void push(const Speech& speech) {
    std::size_t accepted = 0;
    const float* next = speech.values.data() + position_;
    if (speech.row_floats != 0) {
      must(talkrt_session_push_features(session_, next, 1, speech.row_floats, &accepted), "push");
      accepted *= speech.row_floats;
    } else {
      const std::size_t step = static_cast<std::size_t>(info.sample_rate) / 50;
      const std::size_t count = std::min(step, speech.values.size() - position_);
      must(talkrt_session_push_audio(session_, next, count, info.sample_rate, &accepted), "push");
    }
    position_ = (position_ + accepted) % speech.values.size();
  }

  /// The camera goes sideways, so that every view is another one.
  void draw(int index, bool counted) {
    talkrt_camera camera = camera_;
    camera.viewmat[3] += 0.01f * static_cast<float>(index % 16);
    talkrt_view view;
    talkrt_view_init(&view);
    view.rgba8 = pixels_.data();
    view.rgba8_stride = static_cast<std::int64_t>(info.width) * 4;
    must(counted ? talkrt_counted_view(session_, &camera, &view)
                 : talkrt_session_draw(session_, &camera, &view),
         "draw");
  }

  talkrt_engine* engine_ = nullptr;
  talkrt_model* model_ = nullptr;
  talkrt_session* session_ = nullptr;
  std::vector<std::uint8_t> pixels_;
  std::size_t position_ = 0;
  talkrt_camera camera_{};
};

void print(const Plan& plan, const Counted& counted, int frames, bool allocations) {
  const auto& found = counted.allocations;
#ifdef CALLGRIND_START_INSTRUMENTATION
  std::printf("{\"late_start\": true, ");
#else
  std::printf("{\"late_start\": false, ");
#endif
  std::printf("\"frames\": %d, \"countable\": %s, ", frames,
              allocations && talkrt::AllocationCounter::available() ? "true" : "false");
  std::printf("\"allocations\": {\"talkrt\": %llu, \"onnxruntime\": %llu}, ",
              static_cast<unsigned long long>(found.ours),
              static_cast<unsigned long long>(found.onnxruntime));
  std::printf("\"allocated_bytes\": {\"talkrt\": %llu, \"onnxruntime\": %llu}, ",
              static_cast<unsigned long long>(found.our_bytes),
              static_cast<unsigned long long>(found.onnxruntime_bytes));
  std::printf("\"model_bytes\": %llu, \"session_bytes\": %llu, \"output_hash\": \"%016llx\", ",
              static_cast<unsigned long long>(plan.info.host_bytes),
              static_cast<unsigned long long>(counted.session_bytes),
              static_cast<unsigned long long>(counted.hash));
  std::printf("\"engine\": %s, \"build\": %s}\n", plan.describe().c_str(), talkrt_build_info_json());
}

}  // namespace

int main(int count, char** arguments) try {
  if (count != 11) {
    throw std::runtime_error(
        "usage: talkrt_counters PLAN SPEECH ROW_FLOATS PORTRAIT SIDE WARMUP FRAMES ONNXRUNTIME "
        "cpu|cuda allocations|plain");
  }
  const std::string sound = arguments[2], picture = arguments[4];
  const bool allocations = std::string(arguments[10]) == "allocations";
  const int warm_up = std::atoi(arguments[6]), frames = std::atoi(arguments[7]);
  Face face{{}, std::atoi(arguments[5])};
  if (picture != "-") face.rgb = read<std::uint8_t>(picture);
  Plan plan(arguments[1], face, arguments[8], std::string(arguments[9]) == "cuda");
  const auto speak = [&] {
    const Speech speech{read<float>(sound), static_cast<std::size_t>(std::atoi(arguments[3]))};
    return plan.speak(speech, warm_up, frames, allocations);
  };
  const Counted counted = sound == "-" ? plan.look(warm_up, frames, allocations) : speak();
  print(plan, counted, frames, allocations);
  return 0;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
