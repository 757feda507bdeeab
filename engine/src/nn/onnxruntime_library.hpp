// SPDX-License-Identifier: Apache-2.0
//
// ONNX Runtime's library, opened at run time, and what its C functions need to be used safely from C++.
#pragma once

#include <onnxruntime_c_api.h>

#include <memory>
#include <string>

namespace talkrt::nn {

/// Frees an ONNX Runtime object with the function of the library it came from.
template <class T>
struct Release {
  void (*function)(T*) = nullptr;
  void operator()(T* object) const noexcept { function(object); }
};

/// Owns one ONNX Runtime object.
template <class T>
using Handle = std::unique_ptr<T, Release<T>>;

/// An opened library and its environment. ONNX Runtime itself keeps one environment per library and process.
/// The library stays mapped until the process ends: its threads and statics do not survive unloading.
class OnnxRuntimeLibrary {
 public:
  /// `requested`: a path, or "" for $TALKRT_ONNXRUNTIME, else the loader's own search. A path that somebody
  /// asked for is never replaced by another. Throws BACKEND_MISSING.
  explicit OnnxRuntimeLibrary(const std::string& requested);

  [[nodiscard]] const OrtApi& api() const noexcept { return *api_; }
  [[nodiscard]] OrtEnv& env() const noexcept { return *env_; }
  [[nodiscard]] const std::string& path() const noexcept {
    return path_;
  }  // the file, as the loader found it
  [[nodiscard]] const std::string& version() const noexcept { return version_; }  // "1.31.1"
  [[nodiscard]] const std::string& reason() const noexcept { return reason_; }    // why this file

  /// Throws BACKEND_FAILED with `doing` and ONNX Runtime's message when status is one.
  void check(OrtStatus* status, const std::string& doing) const;

  /// Wraps what `create(&object)` makes, or throws as check() does.
  template <class T, class Create>
  Handle<T> make(void (*release)(T*), const std::string& doing, Create create) const {
    T* object = nullptr;
    check(create(&object), doing);
    return {object, {release}};
  }

 private:
  const OrtApi* api_ = nullptr;
  std::string path_, version_, reason_;
  Handle<OrtEnv> env_;
};

}  // namespace talkrt::nn
