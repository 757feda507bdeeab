// SPDX-License-Identifier: Apache-2.0
#include <array>
#include <nlohmann/json.hpp>
#include <string>

#include "engine/src/plan/channels.hpp"
#include "engine/src/plan/manifest_sections.hpp"

namespace talkrt::plan {
namespace {

// Hosts pick emotions by index, so every plan has the same ones in the same order.
constexpr std::array<std::string_view, 8> kEmotions{"neutral",   "happy",   "sad",       "angry",
                                                    "surprised", "fearful", "disgusted", "contempt"};

float number_or(const Node& node, const char* key, float otherwise, double least, double most) {
  const auto found = node.find(key);
  return found ? found->number(least, most) : otherwise;
}

}  // namespace

std::vector<Emotion> read_emotions(const Node& node, const std::vector<std::string>& channels) {
  std::vector<Emotion> out;
  for (const Node& item : node.items(kEmotions.size(), kEmotions.size())) {
    const std::string_view expected = kEmotions[out.size()];
    Emotion emotion;
    emotion.name = item.at("name").text(64);
    if (emotion.name != expected) item.at("name").refuse(std::string(expected));
    for (const auto& [channel, value] : item.at("channels").members(52)) {
      const nlohmann::json name = channel;  // the key is what is looked up
      const Node key(name, value.label(), value.path());
      const int index = read_channel(key, channels);
      if (!is_coefficient(channel)) key.refuse("an ARKit coefficient");
      emotion.channels.emplace_back(index, value.number(0, 1));
    }
    if (const auto head = item.find("head")) {
      emotion.head_motion = number_or(*head, "motion", 1, 0, 10);
      emotion.head_pitch = number_or(*head, "pitch", 0, -90, 90);
      emotion.head_yaw = number_or(*head, "yaw", 0, -90, 90);
      emotion.head_roll = number_or(*head, "roll", 0, -90, 90);
    }
    emotion.blink = number_or(item, "blink", 1, 0, 10);
    out.push_back(std::move(emotion));
  }
  return out;
}

}  // namespace talkrt::plan
