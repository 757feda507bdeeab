// SPDX-License-Identifier: Apache-2.0
//
// Builds nothing, runs the hosts of examples/ as a user would.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr int kSamples = 8000;  // at 16 kHz: half a second, 13 frames at 25 per second

class Examples : public testing::Test {
 protected:
  fs::path folder = fs::temp_directory_path() / ("talkrt-examples-" + std::to_string(::getpid()));

  void SetUp() override { fs::create_directories(folder); }
  void TearDown() override { fs::remove_all(folder); }

  static float sample(int i) {
    const auto t = static_cast<float>(i);
    return 0.3f * std::sin(0.07f * t) * std::sin(0.0009f * t);
  }

  [[nodiscard]] std::string write_wav() const {
    const auto number = [](std::ofstream& file, std::uint32_t value, int bytes) {
      for (; bytes > 0; --bytes, value >>= 8) file.put(static_cast<char>(value & 255));
    };
    std::ofstream file(folder / "speech.wav", std::ios::binary);
    file << "RIFF";
    number(file, 36 + 2 * kSamples, 4);
    file << "WAVEfmt ";
    number(file, 16, 4);
    number(file, 1, 2);
    number(file, 1, 2);
    number(file, 16000, 4);
    number(file, 32000, 4);
    number(file, 2, 2);
    number(file, 16, 2);
    file << "data";
    number(file, 2 * kSamples, 4);
    for (int i = 0; i < kSamples; ++i)
      number(file, static_cast<std::uint32_t>(std::lround(sample(i) * 32767)), 2);
    return (folder / "speech.wav").string();
  }

  [[nodiscard]] int run(const std::string& command) const {
    return std::system(
        (command + " >" + (folder / "out").string() + " 2>" + (folder / "err").string()).c_str());
  }
  [[nodiscard]] std::string text_of(const char* name) const {
    std::ifstream file(folder / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
};

const std::string kPlan = TALKRT_TEST_DATA "/tiny.plan";

TEST_F(Examples, the_c_host_writes_a_picture_for_each_frame) {
  const std::string prefix = (folder / "frame").string();
  ASSERT_EQ(run(TALKRT_HOST_C " " + kPlan + " " + write_wav() + " " + prefix), 0) << text_of("err");
  for (int k = 0; k < 13; ++k) {
    const std::string number = std::to_string(k);
    EXPECT_EQ(fs::file_size(prefix + "-" + std::string(6 - number.size(), '0') + number + ".ppm"),
              std::string("P6\n64 64\n255\n").size() + 64 * 64 * 3);
  }
  EXPECT_NE(text_of("out").find("frame 12 at sample 7680"), std::string::npos) << text_of("out");
  EXPECT_EQ(text_of("out").find("frame 13"), std::string::npos);
}

TEST_F(Examples, the_c_and_cpp_hosts_animate_a_portrait) {
  const std::string plan = TALKRT_TEST_DATA "/tiny_vasa1.plan";
  std::string pixels;
  for (int i = 0; i < 128 * 128 * 3; ++i) pixels.push_back(static_cast<char>(i / 384 + i % 384 / 3));
  const std::string ppm = (folder / "face.ppm").string(), raw = (folder / "face.rgb").string();
  std::ofstream(ppm, std::ios::binary) << "P6\n128 128\n255\n" << pixels;
  std::ofstream(raw, std::ios::binary) << pixels;
  const std::string wav = write_wav(), prefix = (folder / "frame").string();
  ASSERT_EQ(run(TALKRT_HOST_C " " + plan + " " + wav + " " + prefix + " " + ppm), 0) << text_of("err");
  EXPECT_EQ(fs::file_size(prefix + "-000012.ppm"), fs::file_size(ppm));
  EXPECT_NE(run(TALKRT_HOST_C " " + plan + " " + wav + " " + prefix), 0);
  EXPECT_NE(text_of("err").find("portrait is NULL"), std::string::npos) << text_of("err");
  EXPECT_NE(run(TALKRT_HOST_C " " + plan + " " + wav + " " + prefix + " " + wav), 0);
  EXPECT_NE(text_of("err").find("not a binary PPM"), std::string::npos) << text_of("err");

  const std::string speech = (folder / "speech.f32").string();
  std::ofstream(speech, std::ios::binary) << std::string(kSamples * sizeof(float), '\0');
  ASSERT_EQ(run(TALKRT_HOST_CPP " " + plan + " " + speech + " happy " + raw), 0) << text_of("err");
  EXPECT_EQ(fs::file_size(folder / "out"), 13u * 128 * 128 * 4);
  fs::resize_file(raw, 100);
  EXPECT_NE(run(TALKRT_HOST_CPP " " + plan + " " + speech + " happy " + raw), 0);
  EXPECT_NE(text_of("err").find("portrait holds 100 bytes"), std::string::npos) << text_of("err");
}

TEST_F(Examples, the_c_host_says_what_is_wrong_with_its_input) {
  EXPECT_NE(run(TALKRT_HOST_C " /nonexistent.plan " + write_wav() + " x"), 0);
  EXPECT_NE(text_of("err").find("/nonexistent.plan"), std::string::npos) << text_of("err");
  EXPECT_NE(run(TALKRT_HOST_C " " + kPlan + " " + kPlan + " x"), 0);
  EXPECT_NE(text_of("err").find("WAV"), std::string::npos) << text_of("err");
}

TEST_F(Examples, the_cpp_host_streams_raw_frames) {
  std::vector<float> samples(kSamples);
  for (int i = 0; i < kSamples; ++i) samples[static_cast<std::size_t>(i)] = sample(i);
  std::ofstream(folder / "speech.f32", std::ios::binary)
      .write(reinterpret_cast<const char*>(samples.data()), static_cast<std::streamsize>(samples.size() * 4));
  ASSERT_EQ(run(TALKRT_HOST_CPP " " + kPlan + " " + (folder / "speech.f32").string() + " happy"), 0)
      << text_of("err");
  EXPECT_EQ(fs::file_size(folder / "out"), 13u * 64 * 64 * 4);
  EXPECT_NE(text_of("err").find("frame 12 at sample 7680"), std::string::npos);
}

TEST_F(Examples, the_cpp_host_lists_the_emotions_it_could_show) {
  std::ofstream(folder / "speech.f32").put(0);
  EXPECT_NE(run(TALKRT_HOST_CPP " " + kPlan + " " + (folder / "speech.f32").string() + " bored"), 0);
  EXPECT_NE(text_of("err").find("surprised"), std::string::npos) << text_of("err");
}

}  // namespace
