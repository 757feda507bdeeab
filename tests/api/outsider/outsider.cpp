// SPDX-License-Identifier: Apache-2.0
#include <cstdio>
#include <talkrt/session.hpp>

int main() {
  try {
    const talkrt::Model model(talkrt::Engine(), "/nonexistent/x.plan");
  } catch (const talkrt::Error& error) {
    std::puts(talkrt_version());
    return error.code() == TALKRT_ERROR_NOT_FOUND ? 0 : 1;
  }
  return 1;
}
