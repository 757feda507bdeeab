// SPDX-License-Identifier: Apache-2.0
//
// Where exceptions of this module become a number and a sentence.
#pragma once

#include <cstdio>
#include <new>
#include <stdexcept>

#include "engine/cuda/current_device.hpp"
#include "engine/cuda/handles.hpp"

namespace talkrt::cuda {

/// CUDA calls it an old driver when there is none.
struct NoDriver {};

template <class F>
int guarded(Why* why, F&& call) {
  int code = static_cast<int>(cudaErrorUnknown);
  const char* text = "an unknown failure in the CUDA module";
  char copy[sizeof Why::text];
  try {
    call();
    return 0;
  } catch (const Error& error) {
    code = static_cast<int>(error.code);
    std::snprintf(copy, sizeof copy, "%s", error.what());
    text = copy;
  } catch (const std::invalid_argument& error) {
    code = static_cast<int>(cudaErrorInvalidValue);
    std::snprintf(copy, sizeof copy, "%s", error.what());
    text = copy;
  } catch (const NoDriver&) {
    code = static_cast<int>(cudaErrorInsufficientDriver);
    text = "no NVIDIA driver is installed";
  } catch (const std::bad_alloc&) {
    code = static_cast<int>(cudaErrorMemoryAllocation);
    text = "the host has no memory left";
  } catch (...) {  // the text above
  }
  if (why != nullptr) std::snprintf(why->text, sizeof why->text, "%s", text);
  return code;
}

/// What throws, with the device's context current.
template <class F>
int on_device(int device, Why* why, F&& call) {
  return guarded(why, [&] {
    const CurrentDevice here(device);
    check(here.error(), "choosing the device");
    call();
  });
}

}  // namespace talkrt::cuda
