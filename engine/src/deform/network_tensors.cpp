// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/network_tensors.hpp"

#include <algorithm>

#include "engine/src/plan/typed_reads.hpp"
#include "kernels/gaussian/attention_network.hpp"

namespace talkrt::deform {

using gaussian::kBlock;

device::Buffer NetworkTensors::room(std::size_t floats) const {
  return {budget_, "networks of the Gaussians", floats * sizeof(float)};
}

device::Buffer NetworkTensors::floats(const std::string& name) const {
  const plan::TensorView& tensor = *plan_.find(name);
  const std::size_t count = tensor.bytes.size() / plan::size_of(tensor.dtype);
  device::Buffer out = room(count);
  const auto values = out.as<float>();
  for (std::size_t i = 0; i < count; ++i) {
    values[i] =
        tensor.dtype == plan::DType::f16 ? plan::half_element(tensor, i) : plan::element<float>(tensor, i);
  }
  plan_.forget(tensor);
  return out;
}

device::Buffer NetworkTensors::packed(const std::string& name) const {
  const auto& shape = plan_.find(name)->shape;
  const device::Buffer rows = floats(name);
  device::Buffer out = room(rows.size() / sizeof(float));
  gaussian::pack_weights(rows.as<float>().data(), static_cast<int>(shape[0]), static_cast<int>(shape[1]),
                         out.as<float>().data());
  return out;
}

device::Buffer NetworkTensors::blocks(const std::string& name, int first, int count) const {
  const plan::TensorView& tensor = *plan_.find(name);
  const std::size_t channels = tensor.shape.size() > 1 ? static_cast<std::size_t>(tensor.shape[1]) : 1;
  const auto lanes = static_cast<std::size_t>(gaussian::blocks_of(count)) * kBlock;
  device::Buffer out = room(lanes * channels);
  const auto values = out.as<float>();
  for (std::size_t i = 0; i < lanes; ++i) {
    const auto row = static_cast<std::size_t>(first) + std::min(i, static_cast<std::size_t>(count) - 1);
    for (std::size_t c = 0; c < channels; ++c) {
      values[(i / kBlock * channels + c) * kBlock + i % kBlock] =
          plan::element<float>(tensor, row * channels + c);
    }
  }
  return out;
}

}  // namespace talkrt::deform
