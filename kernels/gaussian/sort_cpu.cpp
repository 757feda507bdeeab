// SPDX-License-Identifier: Apache-2.0
//
// Stage 2 of 4: orders the visible splats by (layer, fp32 depth bits, index): a stable radix sort, least
// significant digit first, of items that start in index order.
//
// Depths of one view differ in few of their bits: relative to the nearest they need about 22 for a head,
// hence two passes of 11 or 12 bits and three at most. No bit of the depth is ever dropped: at 100,000
// splats a coarser key is a visible error. Cost: each pass reads every item twice and writes it once.
#include "kernels/gaussian/raster_stages.hpp"

namespace talkrt::gaussian::TALKRT_CPU_PATH {
namespace {

/// A run of items that one task works on.
struct Run {
  SortItem* begin;
  SortItem* end;
};

struct Key {
  std::uint32_t nearest;  // depth bits that become 0
  std::uint32_t behind;   // what layer 1 adds

  [[nodiscard]] std::uint32_t relative(std::uint32_t key) const {
    return (key & 0x7fffffffu) - nearest + (key >> 31) * behind;
  }
};

int bit_width(std::uint32_t value) { return value == 0 ? 0 : 32 - __builtin_clz(value); }

int share(std::int64_t total, int part, int parts) { return static_cast<int>(total * part / parts); }

/// Calls visit(run) for the runs of group `g`: whole chunks before the first pass, positions afterwards.
template <class Visit>
void for_runs(const RasterFrame& frame, SortItem* items, std::size_t visible, bool chunked, int g,
              Visit visit) {
  if (!chunked) {
    const auto n = static_cast<std::int64_t>(visible);
    visit(Run{items + share(n, g, frame.groups), items + share(n, g + 1, frame.groups)});
    return;
  }
  for (int c = share(frame.chunks, g, frame.groups); c < share(frame.chunks, g + 1, frame.groups); ++c) {
    SortItem* begin = items + static_cast<std::ptrdiff_t>(c) * kChunk;
    visit(Run{begin, begin + frame.scratch.chunks[c].visible});
  }
}

/// Counts become the position at which each group starts to write each digit.
void accumulate(const RasterFrame& frame, int bins) {
  std::uint32_t sum = 0;
  for (int bin = 0; bin < bins; ++bin) {
    for (int g = 0; g < frame.groups; ++g) {
      std::uint32_t& entry = frame.scratch.histogram[static_cast<std::ptrdiff_t>(g) * kHistogramStride + bin];
      const std::uint32_t count = entry;
      entry = sum;
      sum += count;
    }
  }
}

}  // namespace

void sort(RasterFrame& frame, const Chunk& all) {
  const std::uint32_t range = all.visible == 0 ? 0 : all.max_depth - all.min_depth;
  const Key key{all.min_depth, range + 1};
  const int key_bits = bit_width(all.layers != 0 ? 2 * range + 1 : range);
  const int passes = key_bits <= 12 ? 1 : key_bits <= 24 ? 2 : 3;
  const int digit_bits = (key_bits + passes - 1) / passes;
  const std::uint32_t digit_mask = (1u << digit_bits) - 1;
  for (int pass = 0; pass < passes; ++pass) {
    SortItem* from = frame.scratch.items[pass % 2];
    SortItem* to = frame.scratch.items[1 - pass % 2];
    const int shift = pass * digit_bits;
    frame.executor.for_each(frame.groups, [&](int g, int) {
      std::uint32_t* counts = frame.scratch.histogram + static_cast<std::ptrdiff_t>(g) * kHistogramStride;
      for (std::uint32_t bin = 0; bin <= digit_mask; ++bin) counts[bin] = 0;
      for_runs(frame, from, all.visible, pass == 0, g, [&](Run run) {
        for (SortItem* item = run.begin; item != run.end; ++item) {
          if (pass == 0) item->key = key.relative(item->key);
          ++counts[item->key >> shift & digit_mask];
        }
      });
    });
    accumulate(frame, static_cast<int>(digit_mask) + 1);
    frame.executor.for_each(frame.groups, [&](int g, int) {
      std::uint32_t* next = frame.scratch.histogram + static_cast<std::ptrdiff_t>(g) * kHistogramStride;
      for_runs(frame, from, all.visible, pass == 0, g, [&](Run run) {
        for (const SortItem* item = run.begin; item != run.end; ++item) {
          to[next[item->key >> shift & digit_mask]++] = *item;
        }
      });
    });
  }
  frame.sorted = frame.scratch.items[passes % 2];
}

}  // namespace talkrt::gaussian::TALKRT_CPU_PATH
