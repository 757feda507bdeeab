// SPDX-License-Identifier: Apache-2.0
//
// Graphs that read each other, run as one: those that are wanted, and all that they read.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/src/nn/graph.hpp"

namespace talkrt::nn {

/// One session's use of a chain.
class ChainInstance {
 public:
  struct Input {  // what nobody but the caller fills
    std::string source, name;
    std::span<float> values;
  };

  /// Inputs that come from no graph; of one name there may be several. A run has read them when it returns.
  [[nodiscard]] std::span<const Input> inputs() const noexcept { return inputs_; }
  /// Of a graph that was wanted. Throws NOT_FOUND.
  [[nodiscard]] std::span<const float> output(std::string_view graph, std::string_view name) const;
  [[nodiscard]] std::optional<DeviceOutput> device_output(std::string_view graph,
                                                          std::string_view name) const;
  /// Runs all graphs once. Throws BACKEND_FAILED.
  void run();

 private:
  friend class GraphChain;
  struct Step {
    std::string graph;
    std::unique_ptr<Instance> instance;
  };
  [[nodiscard]] Instance& step(std::string_view graph) const;

  std::vector<Step> steps_;  // whoever reads another comes after it
  std::vector<Input> inputs_;
};

class GraphChain {
 public:
  /// Those of `plan` that are named and those that they read, in running order.
  [[nodiscard]] static std::vector<const plan::GraphSpec*> needed(const plan::Plan& plan,
                                                                  std::span<const std::string> wanted);

  /// Opens them. `plan` and `budget` must outlive it.
  GraphChain(const plan::Plan& plan, Backend& backend, std::span<const std::string> wanted,
             device::Budget& budget);

  [[nodiscard]] ChainInstance instance(device::Budget& budget) const;

 private:
  struct Opened {
    const plan::GraphSpec* spec;
    std::unique_ptr<Graph> graph;
    std::vector<std::string_view> unread;  // outputs, by the host
  };

  [[nodiscard]] bool stays(const Opened& opened, const std::string& output) const;

  std::vector<Opened> graphs_;  // in running order
};

}  // namespace talkrt::nn
