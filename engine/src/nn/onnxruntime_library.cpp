// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/onnxruntime_library.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <talkrt/error.hpp>
#include <vector>

namespace talkrt::nn {
namespace {

constexpr const char* kVariable = "TALKRT_ONNXRUNTIME";
constexpr const char* kHowToInstall =
    "Install it with \"pip install onnxruntime\" and give the path of its capi/libonnxruntime.so.* to the "
    "engine "
    "or in $TALKRT_ONNXRUNTIME (the Python package finds it by itself)";

struct Candidates {
  std::vector<std::string> names;
  std::string reason;
};

Candidates candidates(const std::string& requested) {
  if (!requested.empty()) return {{requested}, "given to the engine"};
  if (const char* path = std::getenv(kVariable); path != nullptr && *path != '\0') {
    return {{path}, "named by $TALKRT_ONNXRUNTIME"};
  }
  return {{"libonnxruntime.so.1", "libonnxruntime.so"}, "found by the dynamic loader"};
}

[[noreturn]] void missing(const std::string& message) { throw Error(TALKRT_ERROR_BACKEND_MISSING, message); }

void* open_first(const Candidates& from) {
  std::string tried;
  for (const std::string& name : from.names) {
    if (void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE)) return library;
    const char* why = dlerror();
    tried += "\n  " + name + ": " + (why != nullptr ? why : "the loader gave no reason");
  }
  missing("ONNX Runtime could not be opened. Tried (" + from.reason + "):" + tried + "\n" + kHowToInstall);
}

/// 21 of "1.21.0"; -1 when the text is no version.
int minor_version(const std::string& version) {
  const auto dot = version.find('.');
  if (version.substr(0, dot) != "1" || dot == std::string::npos) return -1;
  char* end = nullptr;
  const char* begin = version.c_str() + dot + 1;
  const long minor = std::strtol(begin, &end, 10);
  return end == begin ? -1 : static_cast<int>(minor);
}

}  // namespace

OnnxRuntimeLibrary::OnnxRuntimeLibrary(const std::string& requested) {
  const Candidates from = candidates(requested);
  reason_ = from.reason;
  void* library = open_first(from);
  void* symbol = dlsym(library, "OrtGetApiBase");
  if (symbol == nullptr) {
    missing(from.names.front() + " (" + reason_ + ") is not ONNX Runtime: it has no OrtGetApiBase. " +
            kHowToInstall);
  }
  Dl_info where{};
  path_ = dladdr(symbol, &where) != 0 && where.dli_fname != nullptr ? where.dli_fname : from.names.front();

  const OrtApiBase* base = reinterpret_cast<const OrtApiBase* (*)()>(symbol)();
  version_ = base->GetVersionString();
  // Asked only when the version allows it: an older library answers with a line on stderr.
  if (minor_version(version_) >= ORT_API_VERSION) api_ = base->GetApi(ORT_API_VERSION);
  if (api_ == nullptr) {
    missing("ONNX Runtime " + version_ + " at " + path_ + " (" + reason_ +
            ") is too old: this TalkRT needs 1." + std::to_string(ORT_API_VERSION) +
            " or newer. Update it with \"pip install --upgrade onnxruntime\"");
  }
  // Failures come back as statuses; a library inside a host says nothing on stderr.
  env_ = make<OrtEnv>(api_->ReleaseEnv, "creating its environment",
                      [&](OrtEnv** out) { return api_->CreateEnv(ORT_LOGGING_LEVEL_FATAL, "talkrt", out); });
}

void OnnxRuntimeLibrary::check(OrtStatus* status, const std::string& doing) const {
  if (status == nullptr) return;
  const Handle<OrtStatus> owned{status, {api_->ReleaseStatus}};
  throw Error(TALKRT_ERROR_BACKEND_FAILED,
              "ONNX Runtime " + version_ + " failed at " + doing + ": " + api_->GetErrorMessage(status));
}

}  // namespace talkrt::nn
