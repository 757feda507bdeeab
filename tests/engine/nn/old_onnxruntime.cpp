// SPDX-License-Identifier: Apache-2.0
//
// A library that says it is an ONNX Runtime from before the API that TalkRT uses, and offers nothing newer.
#include <onnxruntime_c_api.h>

#include <cstdint>

namespace {

const OrtApiBase kBase{[](std::uint32_t) noexcept -> const OrtApi* { return nullptr; },
                       []() noexcept -> const char* { return "1.17.3"; }};

}  // namespace

extern "C" __attribute__((visibility("default"))) const OrtApiBase* OrtGetApiBase() noexcept {
  return &kBase;
}
