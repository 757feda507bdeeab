// SPDX-License-Identifier: Apache-2.0
//
// A host in C++ with two threads, as a call has them: one delivers speech, one renders. Frames go to
// standard output as raw RGBA, ready for a pipe; what happens goes to standard error.
//
//   host PLAN SPEECH.f32 EMOTION [FACE.rgb] > frames.rgba
//
// FACE.rgb is for plans that animate a portrait: the crop around a face, raw RGB in the plan's size.
// SPEECH.f32 is raw mono 32-bit float at the plan's rate, e.g. ffmpeg -i speech.wav -ac 1 -ar 16000 -f f32le
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <talkrt/session.hpp>
#include <thread>
#include <vector>

namespace {

std::vector<std::uint8_t> read_bytes(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(std::string(path) + ": cannot be opened");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<float> read_samples(const char* path) {
  const std::vector<std::uint8_t> bytes = read_bytes(path);
  std::vector<float> samples(bytes.size() / sizeof(float));
  std::copy_n(bytes.data(), samples.size() * sizeof(float), reinterpret_cast<std::uint8_t*>(samples.data()));
  return samples;
}

/// Speech arrives in pieces of 20 ms. push_audio never waits; what does not fit is offered again.
void deliver(const std::stop_token& stop, talkrt::Session& session, std::span<const float> speech,
             int sample_rate) try {
  const auto piece = static_cast<std::size_t>(sample_rate) / 50;
  while (!speech.empty() && !stop.stop_requested()) {
    const std::size_t accepted =
        session.push_audio(speech.first(std::min(piece, speech.size())), sample_rate);
    speech = speech.subspan(accepted);
    if (accepted == 0) std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  session.finish_audio();
} catch (const talkrt::Error& error) {
  std::cerr << "speech ends early: " << error.what() << '\n';
  session.finish_audio();
}

void render(talkrt::Session& session) {
  talkrt::Frame frame;
  while (true) {
    switch (session.pull(frame)) {
      case talkrt::Pull::frame:
        for (int y = 0; y < frame.height(); ++y)
          std::fwrite(frame.row(y).data(), 1, frame.row(y).size(), stdout);
        std::cerr << "frame " << frame.index() << " at sample " << frame.audio_position() << '\n';
        break;
      case talkrt::Pull::need_audio:
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        break;
      case talkrt::Pull::end_of_stream:
        return;
    }
  }
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc != 4 && argc != 5) {
    std::cerr << "usage: " << argv[0] << " PLAN SPEECH.f32 EMOTION [FACE.rgb] > frames.rgba\n";
    return 2;
  }
  const talkrt::Engine engine;
  const talkrt::Model model(engine, argv[1]);
  talkrt::SessionConfig config;
  const std::vector<std::uint8_t> face = argc == 5 ? read_bytes(argv[4]) : std::vector<std::uint8_t>();
  if (argc == 5) {
    const auto size = model.info();
    config.set_portrait(face, size.width, size.height, 3, std::array<double, 6>{});
  }
  talkrt::Session session(model, config);

  talkrt::Controls controls;
  controls.emotion = model.emotion(argv[3]);
  session.set_controls(controls);

  const std::vector<float> speech = read_samples(argv[2]);
  const auto info = model.info();
  std::cerr << info.name << ": " << info.width << " x " << info.height << " RGBA at " << info.fps_num << '/'
            << info.fps_den << " frames per second\n";

  const std::jthread speaker(
      [&](const std::stop_token& stop) { deliver(stop, session, speech, info.sample_rate); });
  render(session);
  return 0;
} catch (const std::exception& error) {
  std::cerr << error.what() << '\n';
  return 1;
}
