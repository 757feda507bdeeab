// SPDX-License-Identifier: Apache-2.0
//
// Every file of tests/data/hostile gets its own refusal: the code and the words that expected.json has.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <talkrt/error.hpp>
#include <vector>

#include "engine/src/plan/plan.hpp"

namespace talkrt::plan {
namespace {

const std::string kFolder = TALKRT_TEST_DATA "/hostile/";

struct Expected {
  std::string file, code, message;
};

void PrintTo(const Expected& expected, std::ostream* out) { *out << expected.file; }

std::vector<Expected> expectations() {
  std::ifstream in(kFolder + "expected.json");
  const auto listed = nlohmann::json::parse(in);
  std::vector<Expected> out;
  for (const auto& [file, value] : listed.items()) {
    out.push_back({file, value.at("code"), value.at("message")});
  }
  return out;
}

std::string code_name(talkrt_status code) {
  if (code == TALKRT_ERROR_PLAN_CORRUPT) return "TALKRT_ERROR_PLAN_CORRUPT";
  if (code == TALKRT_ERROR_PLAN_UNSUPPORTED) return "TALKRT_ERROR_PLAN_UNSUPPORTED";
  return std::to_string(code);
}

/// {code, message without the path in front}; an accepted file fails the test.
std::pair<std::string, std::string> refusal(const std::string& file) {
  const std::string path = kFolder + file;
  try {
    const Plan plan(path);
  } catch (const Error& error) {
    const std::string message = error.what();
    EXPECT_TRUE(message.starts_with(path + ": ")) << message;
    return {code_name(error.code()), message.substr(path.size() + 2)};
  }
  ADD_FAILURE() << file << " was accepted";
  return {};
}

class HostileFile : public testing::TestWithParam<Expected> {};

TEST_P(HostileFile, is_refused_with_its_own_code_and_words) {
  const auto [code, message] = refusal(GetParam().file);
  EXPECT_EQ(code, GetParam().code) << message;
  EXPECT_NE(message.find(GetParam().message), std::string::npos)
      << "said:   " << message << "\nwanted: " << GetParam().message;
  EXPECT_NE(message.find(", expected "), std::string::npos) << message;
  EXPECT_LT(message.size(), 600u);  // one line that a terminal may show
  for (const char c : message) {
    EXPECT_TRUE(c >= 0x20 && c < 0x7f) << static_cast<int>(c) << " in " << message;
  }
}

INSTANTIATE_TEST_SUITE_P(, HostileFile, testing::ValuesIn(expectations()), [](const auto& instance) {
  return instance.param.file.substr(0, instance.param.file.find('.'));
});

TEST(HostileFiles, are_all_refused_with_different_words) {
  std::set<std::string> messages;
  for (const Expected& expected : expectations()) {
    const std::string message = refusal(expected.file).second;
    EXPECT_TRUE(messages.insert(message).second) << expected.file << ": " << message;
  }
  EXPECT_GE(messages.size(), 40u);
}

TEST(HostileFiles, are_all_listed) {
  std::set<std::string> listed, present;
  for (const Expected& expected : expectations()) listed.insert(expected.file);
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".plan") present.insert(entry.path().filename());
  }
  EXPECT_EQ(present, listed);
}

}  // namespace
}  // namespace talkrt::plan
