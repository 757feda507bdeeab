// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/gaussian/movement_cuda.hpp"

namespace talkrt::gaussian {

CudaMoveGrid move_grid_of(const PointNetwork& network) {
  const int widest = *std::max_element(network.widths, network.widths + network.layers + 1);
  return {network.blocks(), 2 * static_cast<std::size_t>(std::max(widest, network.attended))};
}

CudaMoveGrid move_grid_of(const AttentionNetwork& network) {
  const int inner = std::max({network.hidden, network.attended(), network.move.width, network.turn.width,
                              network.scale.width, network.fade.width, network.paint.width});
  return {network.blocks(), static_cast<std::size_t>(kKeptRows + kNarrowRows + network.width + inner)};
}

}  // namespace talkrt::gaussian
