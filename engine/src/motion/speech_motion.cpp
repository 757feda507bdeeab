// SPDX-License-Identifier: Apache-2.0
#include "engine/src/motion/speech_motion.hpp"

#include <algorithm>
#include <cassert>
#include <string>
#include <talkrt/error.hpp>

namespace talkrt::motion {
namespace {

const plan::GraphSpec& graph_of(const plan::Manifest& manifest) {
  const auto found = std::find_if(manifest.graphs.begin(), manifest.graphs.end(),
                                  [&](const auto& g) { return g.name == manifest.motion->graph; });
  assert(found != manifest.graphs.end());  // the plan reader has checked it
  return *found;
}

const std::string& features_input(const plan::GraphSpec& graph) {
  const auto found = std::find_if(graph.inputs.begin(), graph.inputs.end(),
                                  [](const auto& port) { return port.from == "features"; });
  assert(found != graph.inputs.end());
  return found->name;
}

// A network may overshoot, and NaN must not spread into a pose.
float bounded(float value) { return value > 0.0f ? std::min(value, 1.0f) : 0.0f; }

}  // namespace

SpeechMotion::SpeechMotion(const plan::Manifest& manifest, std::unique_ptr<nn::Instance> graph,
                           std::size_t capacity)
    : grid_{manifest.motion->step_samples, manifest.motion->time_offset},
      window_rows_(manifest.motion->frames_per_step),
      graph_(std::move(graph)),
      features_(graph_->input(features_input(graph_of(manifest)))),
      coefficients_(graph_->output("coefficients")),
      closure_(graph_->output("closure")),
      energy_(graph_->output("energy")),
      rows_(capacity) {
  for (const plan::CoefficientRow& row : manifest.motion->coefficients) {
    for (const int channel : row.channels) {
      const auto& name = manifest.gaussian->channels[static_cast<std::size_t>(channel)];
      drives_.push_back({static_cast<std::size_t>(row.output), channel_named(name).value()});
    }
  }
  graph_->warm();
}

std::span<float> SpeechMotion::next_features() {
  const std::size_t mels = features_.size() / static_cast<std::size_t>(window_rows_);
  return features_.subspan(static_cast<std::size_t>(filled_) * mels, mels);
}

void SpeechMotion::push() {
  if (++filled_ < window_rows_) return;
  filled_ = 0;
  graph_->run();
  if (end_++ < keep_from_) return;
  assert(held_ < rows_.size());
  read_outputs(rows_[static_cast<std::size_t>(end_ - 1) % rows_.size()]);
  ++held_;
}

void SpeechMotion::read_outputs(SpeechRow& row) const {
  row.frame = {};
  for (const Drive& drive : drives_) row.frame[drive.channel] = bounded(coefficients_[drive.output]);
  row.closure = bounded(closure_[0]);
  row.energy = bounded(energy_[0]);
}

const SpeechRow& SpeechMotion::row(std::int64_t index) const {
  assert(index >= first_row() && index < end_);
  return rows_[static_cast<std::size_t>(index) % rows_.size()];
}

void SpeechMotion::drop_before(std::int64_t index) {
  held_ =
      static_cast<std::size_t>(std::clamp<std::int64_t>(end_ - index, 0, static_cast<std::int64_t>(held_)));
}

void SpeechMotion::restart(std::int64_t first_row, std::int64_t keep_from) {
  graph_->reset();
  filled_ = 0;
  end_ = first_row;
  keep_from_ = keep_from;
  held_ = 0;
}

}  // namespace talkrt::motion
