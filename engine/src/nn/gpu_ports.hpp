// SPDX-License-Identifier: Apache-2.0
//
// What every network on a GPU has, whoever computes it: its inputs, outputs and states in the GPU's memory,
// those that the host writes and reads in page-locked memory too, at the same places. What stays on the GPU
// is read there by whoever comes next, in the order of streams.
//
//   page-locked   inputs | outputs that the host reads
//   the GPU's     inputs | outputs that the host reads | outputs that stay | states | states written | shared
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/src/device/cuda_stream.hpp"
#include "engine/src/nn/graph.hpp"

namespace talkrt::nn {

/// The stream that an instance's runs are put on.
struct RunsOn {
  std::shared_ptr<const device::CudaStream> stream;
  bool exclusive = false;  // as in DeviceOutput
};

class GpuPorts {
 public:
  struct Port {
    std::string name;
    std::span<const std::int64_t> shape;
    std::size_t at = 0, bytes = 0;  // in both memories, unless it is linked
    std::byte* memory = nullptr;    // the GPU's
  };

  /// `plan`, `spec` and what it is tied to must outlive it. Throws OUT_OF_BUDGET, OUT_OF_MEMORY, DEVICE_LOST.
  GpuPorts(const plan::Plan& plan, const plan::GraphSpec& spec, RunsOn on, const Ties& ties,
           device::Budget& budget);

  /// As Instance has them.
  [[nodiscard]] std::span<float> input(std::string_view name);
  [[nodiscard]] std::span<const float> output(std::string_view name) const;
  [[nodiscard]] DeviceOutput device_output(std::string_view name) const;

  /// What is bound, on boundaries of 256 bytes. In the manifest's order, but for outputs.
  [[nodiscard]] std::span<const Port> inputs() const noexcept { return inputs_; }
  [[nodiscard]] std::span<const Port> outputs() const noexcept { return outputs_; }
  [[nodiscard]] std::span<const Port> states() const noexcept { return states_; }  // where they begin
  [[nodiscard]] std::span<const Port> written() const noexcept { return written_; }

  // A run is begin(), copy_in(), what computes, copy_out(), end(). All but the first and the last may be
  // captured.
  void begin();
  void copy_in() const;
  void copy_out() const;
  /// Written states to where they are read.
  void feed_back() const;
  /// Returns when the host may read its outputs, if it reads any.
  void end();

  /// States as they begin, and what is shared once more. Returns when that is done.
  void reset() const;
  [[nodiscard]] const device::CudaStream& stream() const noexcept { return *on_.stream; }

 private:
  struct FromHost {  // an input that is not the host's to write
    std::span<const float> data;
    std::size_t at;
  };

  void place(std::vector<Port>& ports, const std::string& name, std::span<const std::int64_t> shape);
  void read_in_place(const plan::Port& port, std::span<const float> data);
  void place_input(const plan::Port& port, const Ties& ties);
  void place_outputs(const Ties& ties);
  void place_shared(const plan::Port& port, const Ties& ties);
  [[nodiscard]] const std::string& graph() const noexcept { return spec_.name; }

  const plan::Plan& plan_;
  const plan::GraphSpec& spec_;
  RunsOn on_;
  std::vector<Port> own_, inputs_, outputs_, states_, written_;  // own: inputs that the host writes
  std::size_t read_ = 0;                                         // outputs by the host; they come first
  std::size_t outputs_at_ = 0, kept_at_ = 0, states_at_ = 0, written_at_ = 0, end_ = 0;
  std::vector<FromHost> shared_;       // at places on the GPU
  std::vector<FromHost> carried_;      // outputs of instances elsewhere, at places in both memories
  std::vector<DeviceOutput> foreign_;  // linked outputs that are written on other streams
  device::Buffer pinned_, memory_;
  device::CudaTicket done_;
  bool running_ = false;  // as far as the host knows
};

/// What an instance that may choose its stream chooses: that of the first instance it is linked to, or its
/// own.
[[nodiscard]] RunsOn stream_for(const Ties& ties, const device::CudaDevice& gpu);

}  // namespace talkrt::nn
