// SPDX-License-Identifier: Apache-2.0
#include "engine/src/deform/cuda_networks.hpp"

#include <cstddef>

#include "engine/src/deform/network_arrays.hpp"

namespace talkrt::deform {
namespace {

constexpr std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

}  // namespace

std::uint64_t CudaNetworks::bytes(const plan::Plan& plan) {
  std::uint64_t total = 0;
  for_each_network_array(plan, [&](std::size_t floats) { total += aligned(floats * sizeof(float)); });
  return total;
}

CudaNetworks::CudaNetworks(const Networks& networks, int sh_degree, const device::CudaDevice& gpu,
                           device::Budget& budget)
    : layered_(networks.layered().begin(), networks.layered().end()),
      attending_(networks.attending().begin(), networks.attending().end()) {
  const auto for_all = [&](auto&& visit) {
    for (gaussian::PointNetwork& network : layered_) for_each_array(network, visit);
    for (gaussian::AttentionNetwork& network : attending_) for_each_array(network, sh_degree, visit);
  };
  std::size_t total = 0;
  for_all([&](const float*&, std::size_t floats) { total += aligned(floats * sizeof(float)); });
  memory_ =
      device::Buffer(budget, "networks of the Gaussians on the GPU", total, device::MemoryKind::device, gpu);
  std::byte* at = memory_.data();
  for_all([&](const float*& array, std::size_t floats) {
    gpu.copy_in(at, std::as_bytes(std::span(array, floats)));
    array = reinterpret_cast<const float*>(at);
    at += aligned(floats * sizeof(float));
  });
}

}  // namespace talkrt::deform
