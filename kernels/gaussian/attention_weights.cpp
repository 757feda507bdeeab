// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "kernels/gaussian/attention_network.hpp"

namespace talkrt::gaussian {

void pack_weights(const float* rows, int inputs, int outputs, float* packed) {
  for (int first = 0; first < outputs; first += kPackedOutputs) {
    const int width = std::min(outputs - first, kPackedOutputs);
    for (int i = 0; i < inputs; ++i) {
      packed = std::copy_n(rows + static_cast<std::ptrdiff_t>(i) * outputs + first, width, packed);
    }
  }
}

}  // namespace talkrt::gaussian
