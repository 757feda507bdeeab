// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/scratch.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <talkrt/error.hpp>
#include <thread>
#include <vector>

namespace talkrt::nn {
namespace {

constexpr auto kHost = device::MemoryKind::host;

struct Held {
  std::uint8_t* data;
  std::size_t bytes;
  std::uint8_t mark;

  [[nodiscard]] bool untouched() const {
    return std::all_of(data, data + bytes, [this](std::uint8_t value) { return value == mark; });
  }
};

/// Takes and gives at random, always the same way; every block keeps what was written to it.
void churn(Scratch& scratch, unsigned seed) {
  std::mt19937 random(seed);
  std::vector<Held> held;
  for (int i = 0; i < 2000; ++i) {
    if (held.size() > 30 || (!held.empty() && random() % 2 == 0)) {
      const std::size_t at = random() % held.size();
      ASSERT_TRUE(held[at].untouched());
      Scratch::give(held[at].data);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      const std::size_t bytes = random() % 5000;
      auto* data = static_cast<std::uint8_t*>(scratch.take(bytes));
      ASSERT_EQ(reinterpret_cast<std::uintptr_t>(data) % 64, 0u);
      const auto mark = static_cast<std::uint8_t>(random());
      std::memset(data, mark, bytes);
      held.push_back({data, bytes, mark});
    }
  }
  for (const Held& block : held) {
    ASSERT_TRUE(block.untouched());
    Scratch::give(block.data);
  }
}

TEST(Scratch, blocks_do_not_overlap_and_the_same_again_needs_no_more) {
  device::Budget budget("test", 0);
  Scratch scratch(budget, "scratch");
  churn(scratch, 1);
  const std::size_t needed = scratch.bytes();
  EXPECT_EQ(budget.used(kHost), needed);
  EXPECT_LT(needed, std::size_t{31} * 5100 * 3 / 2);  // packed, not one behind the other
  for (int i = 0; i < 3; ++i) churn(scratch, 1);
  EXPECT_EQ(scratch.bytes(), needed);
}

TEST(Scratch, what_is_reserved_is_all_that_is_charged) {
  device::Budget budget("test", 0);
  Scratch first(budget, "scratch");
  churn(first, 2);
  Scratch second(budget, "scratch");
  second.reserve(first.bytes());
  const auto used = budget.used(kHost);
  churn(second, 2);
  EXPECT_EQ(budget.used(kHost), used);
}

TEST(Scratch, a_refusal_leaves_everything_as_it_was) {
  device::Budget budget("session 1", 100'000);
  {
    Scratch scratch(budget, "scratch of a run");
    void* kept = scratch.take(50'000);
    try {
      (void)scratch.take(60'000);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), TALKRT_ERROR_OUT_OF_BUDGET);
      EXPECT_NE(std::string(error.what()).find("\"scratch of a run\" asks for"), std::string::npos)
          << error.what();
    }
    EXPECT_THROW((void)scratch.take(SIZE_MAX), Error);
    EXPECT_LE(budget.used(kHost), 57'344u);
    Scratch::give(kept);
    Scratch::give(scratch.take(50'000));
  }
  EXPECT_EQ(budget.used(kHost), 0u);
}

TEST(Scratch, other_threads_may_take_and_give_back) {
  device::Budget budget("test", 0);
  Scratch scratch(budget, "scratch");
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 3; ++i) threads.emplace_back([&scratch, i] { churn(scratch, i); });
  for (std::thread& thread : threads) thread.join();
  Scratch::give(nullptr);
}

}  // namespace
}  // namespace talkrt::nn
