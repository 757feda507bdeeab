// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/gaussian/movement_cuda.hpp"

namespace talkrt::gaussian {

std::size_t move_rows_of(const PointNetwork& network) {
  const int widest = *std::max_element(network.widths, network.widths + network.layers + 1);
  return 2 * static_cast<std::size_t>(std::max(widest, network.attended));
}

std::size_t move_rows_of(const AttentionNetwork& network) {
  const int inner = std::max({network.hidden, network.attended(), network.move.width, network.turn.width,
                              network.scale.width, network.fade.width, network.paint.width});
  const int rows = kKeptRows + kNarrowRows + network.width + inner;
  return static_cast<std::size_t>(rows);
}

}  // namespace talkrt::gaussian
