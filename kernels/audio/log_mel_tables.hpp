// SPDX-License-Identifier: Apache-2.0
//
// Where the parts of a log-mel table lie: window [window], FFT tables, filter spans [mels, 2] (first bin and
// number of bins, exact in a double), filter weights back to back.
#pragma once

#include <cstddef>

#include "kernels/audio/log_mel.hpp"

namespace talkrt::audio {

struct LogMelLayout {
  std::size_t fft, spans, weights, end;  // offsets in doubles; the window is at 0
};

LogMelLayout log_mel_layout(const LogMelSpec& spec);

}  // namespace talkrt::audio
