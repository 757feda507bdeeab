// SPDX-License-Identifier: Apache-2.0
#include "engine/src/pipelines/portraits.hpp"

#include <algorithm>
#include <cstring>
#include <talkrt/error.hpp>

#include "engine/src/device/cuda_stream.hpp"
#include "kernels/image/crop.hpp"

namespace talkrt::pipelines {
namespace {

constexpr std::size_t kKeptIdle = 4;  // 18 MB each at the published size

/// FNV-1a over eight bytes at a time; equal hashes are compared byte by byte.
std::uint64_t hash_of(std::span<const std::uint8_t> bytes) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
    hash = (hash ^ word) * 0x100000001B3u;
  }
  return hash;
}

template <class To>
void take(const nn::Instance& graph, const char* name, To& to) {
  const std::span<const float> from = graph.output(name);
  std::copy_n(from.begin(), to.size(), to.begin());
}

}  // namespace

std::shared_ptr<const Portrait> Portraits::get(std::span<const std::uint8_t> crop) {
  const std::uint64_t hash = hash_of(crop);
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(kept_.begin(), kept_.end(), [&](const auto& portrait) {
    const auto pixels = portrait->crop.template as<std::uint8_t>();
    return portrait->hash == hash && std::equal(pixels.begin(), pixels.end(), crop.begin(), crop.end());
  });
  if (known != kept_.end()) {
    kept_.splice(kept_.end(), kept_, known);
    return kept_.back();
  }
  drop_idle(kKeptIdle - 1);
  while (true) {
    try {
      kept_.push_back(make(crop, hash));
      return kept_.back();
    } catch (const device::BudgetRefusal&) {
      if (!drop_idle(0)) throw;
    }
  }
}

device::Buffer Portraits::kept(const nn::Instance& appearance, const std::string& name) const {
  const device::CudaDevice* gpu = graphs_.reader;
  const auto here = appearance.device_output(name);
  if (gpu != nullptr && here && &here->stream->gpu() == gpu) {
    device::Buffer out(budget_, "portrait's " + name + " on the GPU", here->data.size_bytes(),
                       device::MemoryKind::device, *gpu);
    here->stream->copy(out.data(), here->data.data(), out.size());
    here->stream->finish();
    return out;
  }
  const auto made = std::as_bytes(appearance.output(name));
  if (gpu == nullptr) {
    device::Buffer out(budget_, "portrait's " + name, made.size());
    std::copy(made.begin(), made.end(), out.data());
    return out;
  }
  device::Buffer out(budget_, "portrait's " + name + " on the GPU", made.size(), device::MemoryKind::device,
                     *gpu);
  gpu->copy_in(out.data(), made);
  return out;
}

std::shared_ptr<const Portrait> Portraits::make(std::span<const std::uint8_t> crop, std::uint64_t hash) {
  auto portrait = std::make_shared<Portrait>();
  portrait->hash = hash;
  portrait->crop = device::Buffer(budget_, "portrait's crop", crop.size());
  std::copy(crop.begin(), crop.end(), portrait->crop.as<std::uint8_t>().begin());

  const auto motion = graphs_.motion.instance(&budget_);
  image::halved(crop.data(), side_, motion->input("image").data());
  motion->run();
  motion::SourceFace& face = portrait->face;
  take(*motion, "keypoints", face.keypoints);
  take(*motion, "canonical", face.canonical);
  take(*motion, "expression", face.expression);
  take(*motion, "translation", face.translation);
  take(*motion, "rotation", face.rotation);
  face.scale = motion->output("scale")[0];

  const bool stays = graphs_.reader != nullptr && graphs_.appearance.gpu() == graphs_.reader;
  const std::vector<std::string_view> unread(graphs_.outputs.begin(), graphs_.outputs.end());
  const auto appearance =
      graphs_.appearance.instance(&budget_, {{}, {}, std::span(unread).first(stays ? unread.size() : 0)});
  const std::span<const float> image = motion->input("image");
  std::copy(image.begin(), image.end(), appearance->input("image").begin());
  std::copy(face.keypoints.begin(), face.keypoints.end(), appearance->input("kp_source").begin());
  appearance->run();
  for (const std::string& name : graphs_.outputs) {
    portrait->appearance.push_back({name, kept(*appearance, name)});
  }
  portrait->motion_times = motion->times();
  portrait->appearance_times = appearance->times();
  return portrait;
}

bool Portraits::drop_idle(std::size_t most) {
  std::size_t idle = 0;
  for (const auto& portrait : kept_) idle += portrait.use_count() == 1 ? 1 : 0;
  bool dropped = false;
  for (auto at = kept_.begin(); at != kept_.end() && idle > most;) {
    if (at->use_count() > 1) {
      ++at;
      continue;
    }
    at = kept_.erase(at);
    --idle;
    dropped = true;
  }
  return dropped;
}

}  // namespace talkrt::pipelines
