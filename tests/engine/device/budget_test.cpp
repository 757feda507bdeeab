// SPDX-License-Identifier: Apache-2.0
#include "engine/src/device/budget.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>
#include <talkrt/error.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "engine/src/device/resident.hpp"

namespace talkrt::device {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

template <class F>
Error error_of(F&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "nothing was thrown";
  return {TALKRT_OK, ""};
}

bool contains(const Error& error, const std::string& text) {
  return std::string(error.what()).find(text) != std::string::npos;
}

TEST(Budget, charges_every_ancestor_under_the_name_of_the_account_below) {
  Budget engine("engine", 0), model("model demo", 0, &engine), session("session 1", 0, &model);
  session.charge("frames", MemoryKind::host, 3 * kMiB);
  model.charge("weights", MemoryKind::host, kMiB);
  EXPECT_EQ(session.used(MemoryKind::host), 3 * kMiB);
  EXPECT_EQ(model.used(MemoryKind::host), 4 * kMiB);
  EXPECT_EQ(engine.used(MemoryKind::host), 4 * kMiB);
  ASSERT_EQ(engine.lines().size(), 1u);
  EXPECT_EQ(engine.lines()[0].what, "model demo");
  EXPECT_EQ(engine.lines()[0].bytes, 4 * kMiB);
}

TEST(Budget, refusal_names_owner_request_limit_and_what_is_held_largest_first) {
  Budget model("model demo", 10 * kMiB);
  model.charge("scratch", MemoryKind::host, kMiB / 2);
  model.charge("weights", MemoryKind::host, 8 * kMiB);
  const Error error = error_of([&] { model.charge("frame ring", MemoryKind::host, 4 * kMiB); });
  EXPECT_EQ(error.code(), TALKRT_ERROR_OUT_OF_BUDGET);
  EXPECT_STREQ(
      error.what(),
      "model demo: memory budget exceeded: \"frame ring\" asks for 4.0 MiB of host memory, 1.5 MiB of "
      "10.0 MiB are left; held now: 8.5 MiB (weights 8.0 MiB, scratch 512.0 KiB)");
}

TEST(Budget, requires_room_for_all_parts_at_once_and_charges_none) {
  Budget engine("engine", {10 * kMiB, 4 * kMiB}), model("demo.plan", 0, &engine);
  engine.charge("poses", MemoryKind::pinned, kMiB);
  std::vector<Budget::Line> parts{{"rig", MemoryKind::host, 3 * kMiB},
                                  {"weights", MemoryKind::host, 4 * kMiB},
                                  {"queue", MemoryKind::pinned, 2 * kMiB},
                                  {"Gaussians", MemoryKind::device, 4 * kMiB}};
  model.require("the load", parts);
  EXPECT_TRUE(model.lines().empty());
  EXPECT_EQ(engine.used(MemoryKind::device) + engine.used(MemoryKind::host), 0u);
  parts[0].bytes += kMiB;
  try {
    model.require("the load", parts);
    ADD_FAILURE();
  } catch (const BudgetRefusal& refusal) {
    EXPECT_STREQ(refusal.what(),
                 "engine: memory budget exceeded: the load of demo.plan asks for 10.0 MiB of host memory "
                 "(rig 4.0 MiB, weights 4.0 MiB, queue 2.0 MiB pinned), 9.0 MiB of 10.0 MiB are left; "
                 "held now: 1.0 MiB (poses 1.0 MiB pinned)");
    EXPECT_EQ(refusal.missing(), kMiB);
    EXPECT_EQ(refusal.account(), &engine);
  }
}

TEST(Budget, requires_of_the_system_what_no_file_backs) {
  Budget engine("engine", 0), model("demo.plan", 0, &engine);
  engine.set_host_supply([] { return 4 * kMiB; });
  std::vector<Budget::Line> parts{{"plan file", MemoryKind::host, 9 * kMiB, true},
                                  {"rig", MemoryKind::host, 4 * kMiB}};
  model.require("the load", parts);
  model.charge("rig", MemoryKind::host, 5 * kMiB);  // taken at once: the system itself says whether it can
  parts[1].bytes += 1;
  try {
    model.require("the load", parts);
    ADD_FAILURE();
  } catch (const BudgetRefusal& refusal) {
    EXPECT_EQ(refusal.code(), TALKRT_ERROR_OUT_OF_MEMORY);
    EXPECT_EQ(refusal.missing(), 1u);
    EXPECT_TRUE(contains(refusal,
                         "engine: the system's memory is full: the load of demo.plan asks for 13.0 MiB of "
                         "host memory (plan file 9.0 MiB, rig 4.0 MiB), 4.0 MiB are free; held now: 5.0 MiB"))
        << refusal.what();
  }
}

TEST(Host, says_what_it_can_still_give) {
  const auto available = available_bytes();
  ASSERT_TRUE(available);
  EXPECT_GT(*available, kMiB);
  EXPECT_LT(*available, 1ull << 50);
}

TEST(Budget, a_refusal_anywhere_charges_nothing_anywhere) {
  Budget engine("engine", 2 * kMiB), model("model", 0, &engine), session("session", 0, &model);
  const Error error = error_of([&] { session.charge("frames", MemoryKind::host, 3 * kMiB); });
  EXPECT_TRUE(
      contains(error, "engine: memory budget exceeded: \"frames\" of session of model asks for 3.0 MiB"))
      << error.what();
  for (const Budget* budget : {&engine, &model, &session}) {
    EXPECT_EQ(budget->used(MemoryKind::host), 0u);
    EXPECT_TRUE(budget->lines().empty());
  }
}

TEST(Budget, the_limit_itself_may_be_used_up) {
  Budget budget("model", kMiB);
  budget.charge("all", MemoryKind::host, kMiB);
  EXPECT_THROW(budget.charge("more", MemoryKind::host, 1), Error);
}

TEST(Budget, pinned_memory_counts_against_the_host_limit_and_device_memory_does_not) {
  Budget budget("model", kMiB);
  budget.charge("ring", MemoryKind::pinned, kMiB / 2);
  budget.charge("weights", MemoryKind::device, 100 * kMiB);
  EXPECT_THROW(budget.charge("scratch", MemoryKind::host, kMiB), Error);
  EXPECT_EQ(budget.used(MemoryKind::pinned), kMiB / 2);
  EXPECT_EQ(budget.used(MemoryKind::device), 100 * kMiB);
}

TEST(Budget, limits_of_the_gpu_hold_for_its_memory_alone_and_list_it_alone) {
  Budget engine("engine", {0, 20ull << 30}), model("demo.plan", {8 * kMiB, 12ull << 30}, &engine);
  model.charge("plan file", MemoryKind::host, 8 * kMiB);
  model.charge("Gaussians", MemoryKind::device, 9ull << 30);
  const Error over_plan = error_of([&] { model.charge("scratch", MemoryKind::device, 4ull << 30); });
  EXPECT_STREQ(
      over_plan.what(),
      "demo.plan: memory budget exceeded: \"scratch\" asks for 4.0 GiB of device memory, 3.0 GiB of 12.0 GiB "
      "are left; held now: 9.0 GiB (Gaussians 9.0 GiB)");
  Budget other("other.plan", {0, 0}, &engine);
  try {
    other.charge("Gaussians", MemoryKind::device, 12ull << 30);
    ADD_FAILURE();
  } catch (const BudgetRefusal& refusal) {
    EXPECT_EQ(refusal.account(), &engine);
    EXPECT_EQ(refusal.kind(), MemoryKind::device);
    EXPECT_EQ(refusal.missing(), 1ull << 30);
  }
  EXPECT_EQ(engine.used(MemoryKind::device), 9ull << 30);
}

TEST(Budget, other_limits_hold_from_then_on_and_never_below_what_is_held) {
  Budget model("demo.plan", 10 * kMiB);
  model.charge("weights", MemoryKind::host, 8 * kMiB);
  const Error error = error_of([&] { model.set_limits({4 * kMiB, 0}); });
  EXPECT_TRUE(contains(
      error,
      "the new budget of 4.0 MiB of host memory is less than what is held; held now: 8.0 MiB (weights"))
      << error.what();
  EXPECT_EQ(model.limits(), (Limits{10 * kMiB, 0}));
  model.set_limits({9 * kMiB, kMiB});
  EXPECT_THROW(model.charge("ring", MemoryKind::pinned, 2 * kMiB), Error);
  EXPECT_THROW(model.charge("scratch", MemoryKind::device, 2 * kMiB), Error);
}

TEST(Budget, absurd_requests_do_not_wrap_around) {
  Budget limited("model", kMiB), unlimited("engine", 0);
  for (const std::uint64_t bytes : {~0ull, ~0ull - kMiB, 1ull << 63}) {
    EXPECT_THROW(limited.charge("lie", MemoryKind::host, bytes), Error);
    EXPECT_THROW(unlimited.charge("lie", MemoryKind::host, bytes), Error);
  }
  limited.charge("truth", MemoryKind::host, kMiB);
}

TEST(Budget, refunds_remove_lines_and_never_go_below_zero) {
  Budget engine("engine", 0), model("model", 0, &engine);
  model.charge("frames", MemoryKind::host, kMiB);
  model.refund("frames", MemoryKind::host, kMiB);
  model.refund("frames", MemoryKind::host, kMiB);
  EXPECT_TRUE(model.lines().empty());
  EXPECT_EQ(engine.used(MemoryKind::host), 0u);
}

TEST(Budget, threads_that_charge_at_once_never_pass_the_limit) {
  Budget engine("engine", 100), a("a", 0, &engine), b("b", 0, &engine);
  engine.set_limits({100, 100});
  const auto churn = [&](Budget& budget, MemoryKind kind) {
    for (int i = 0; i < 2000; ++i) {
      try {
        budget.charge("line", kind, 40);
      } catch (const Error&) {
        continue;
      }
      EXPECT_LE(engine.used(kind), 100u);
      budget.refund("line", kind, 40);
    }
  };
  std::thread first([&] { churn(a, MemoryKind::host); }), second([&] { churn(b, MemoryKind::host); }),
      third([&] { churn(a, MemoryKind::device); }), fourth([&] { churn(b, MemoryKind::device); });
  first.join(), second.join(), third.join(), fourth.join();
  EXPECT_EQ(engine.used(MemoryKind::host) + engine.used(MemoryKind::device), 0u);
  EXPECT_TRUE(a.lines().empty() && b.lines().empty());
}

class BufferSizes : public testing::TestWithParam<std::size_t> {};

TEST_P(BufferSizes, are_charged_zeroed_aligned_writable_and_refunded) {
  const std::size_t bytes = GetParam();
  Budget budget("session", 0);
  {
    const Buffer buffer(budget, "frames", bytes);
    EXPECT_EQ(buffer.size(), bytes);
    EXPECT_EQ(budget.used(MemoryKind::host), bytes);
    const std::size_t align = bytes >= (2u << 20) ? 2u << 20 : 64;
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer.data()) % align, 0u);
    const auto data = buffer.as<unsigned char>();
    EXPECT_TRUE(std::all_of(data.begin(), data.end(), [](unsigned char byte) { return byte == 0; }));
    std::fill(data.begin(), data.end(), static_cast<unsigned char>(0xA5));
  }
  EXPECT_EQ(budget.used(MemoryKind::host), 0u);
}

INSTANTIATE_TEST_SUITE_P(Buffer, BufferSizes,
                         testing::Values(0, 1, 63, 64, 4097, (2u << 20) - 1, 2u << 20, (5u << 20) + 12345));

TEST(Buffer, moves_own_once) {
  Budget budget("session", 0);
  Buffer a(budget, "a", 1000), b(budget, "b", 5000);
  std::byte* const data = a.data();
  Buffer c(std::move(a));
  EXPECT_EQ(c.data(), data);
  EXPECT_EQ(a.data(), nullptr);  // NOLINT: moved from on purpose
  EXPECT_EQ(a.size(), 0u);
  b = std::move(c);
  EXPECT_EQ(b.data(), data);
  c = Buffer();
  EXPECT_EQ(budget.used(MemoryKind::host), 1000u);
  b = Buffer();
  EXPECT_EQ(budget.used(MemoryKind::host), 0u);
}

TEST(Buffer, is_refused_before_anything_is_allocated) {
  Budget budget("model demo", kMiB);
  const Error error = error_of([&] { Buffer(budget, "frames", std::size_t{1} << 46); });
  EXPECT_EQ(error.code(), TALKRT_ERROR_OUT_OF_BUDGET);
}

TEST(Buffer, says_so_when_the_system_refuses_and_refunds) {
  Budget budget("engine", 0);
  for (const std::size_t bytes : {std::size_t{1} << 56, std::size_t{1} << 61}) {
    const Error error = error_of([&] { Buffer(budget, "frames", bytes); });
    EXPECT_EQ(error.code(), TALKRT_ERROR_OUT_OF_MEMORY);
    EXPECT_TRUE(contains(error, "\"frames\"")) << error.what();
    EXPECT_EQ(budget.used(MemoryKind::host), 0u);
  }
}

TEST(Buffer, survives_a_system_without_memory) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "sanitizers need their own address space";
#endif
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_AS, &before), 0);
  const rlimit tight{.rlim_cur = rlim_t{1} << 30, .rlim_max = before.rlim_max};
  Budget budget("engine", 0);
  ASSERT_EQ(setrlimit(RLIMIT_AS, &tight), 0);
  const Error error = error_of([&] { Buffer(budget, "frames", std::size_t{2} << 30); });
  ASSERT_EQ(setrlimit(RLIMIT_AS, &before), 0);
  EXPECT_EQ(error.code(), TALKRT_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(budget.used(MemoryKind::host), 0u);
}

}  // namespace
}  // namespace talkrt::device
