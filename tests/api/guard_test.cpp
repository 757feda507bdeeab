// SPDX-License-Identifier: Apache-2.0
#include "engine/src/api/guard.hpp"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <thread>

namespace talkrt::api {
namespace {

TEST(Guard, every_exception_becomes_a_code_and_a_message) {
  EXPECT_EQ(guarded([] { throw Error(TALKRT_ERROR_IO, "disk on fire"); }), TALKRT_ERROR_IO);
  EXPECT_STREQ(talkrt_last_error(), "disk on fire");
  EXPECT_EQ(guarded([] { throw std::bad_alloc(); }), TALKRT_ERROR_OUT_OF_MEMORY);
  EXPECT_EQ(guarded([] { throw std::runtime_error("unforeseen"); }), TALKRT_ERROR_INTERNAL);
  EXPECT_STREQ(talkrt_last_error(), "unforeseen");
  EXPECT_EQ(guarded([] { throw 42; }), TALKRT_ERROR_INTERNAL);
  EXPECT_EQ(guarded([] {}), TALKRT_OK);
  EXPECT_EQ(guarded([] { return TALKRT_NEED_AUDIO; }), TALKRT_NEED_AUDIO);
}

TEST(Guard, the_last_error_belongs_to_its_thread_and_outlives_successes) {
  fail(TALKRT_ERROR_IO, "mine");
  std::thread([] { EXPECT_STREQ(talkrt_last_error(), ""); }).join();
  EXPECT_EQ(guarded([] {}), TALKRT_OK);
  EXPECT_STREQ(talkrt_last_error(), "mine");
}

TEST(Guard, an_endless_message_is_cut) {
  fail(TALKRT_ERROR_IO, std::string(100000, 'x').c_str());
  EXPECT_EQ(std::string(talkrt_last_error()).size(), 4095u);
}

}  // namespace
}  // namespace talkrt::api
