// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <nlohmann/json.hpp>
#include <talkrt/error.hpp>
#include <utility>

#include "engine/src/nn/graph.hpp"
#include "engine/src/nn/onnxruntime_graph.hpp"
#include "engine/src/nn/onnxruntime_library.hpp"

namespace talkrt::nn {
namespace {

class OnnxRuntimeBackend final : public Backend {
 public:
  explicit OnnxRuntimeBackend(const std::string& library)
      : library_(std::make_shared<OnnxRuntimeLibrary>(library)) {}

  std::unique_ptr<Graph> open(const plan::Plan& plan, const plan::GraphSpec& spec, int threads,
                              device::Budget* budget) override {
    return std::make_unique<OnnxRuntimeGraph>(library_, plan, spec, threads, budget);
  }

  device::Budget::Line needs(const plan::Plan& plan, const plan::GraphSpec& spec) const override {
    return OnnxRuntimeGraph::needs(plan, spec, false);
  }

  std::string describe_json() const override {
    return nlohmann::json{
        {"name", "onnxruntime-cpu"},
        {"version", library_->version()},
        {"path", library_->path()},
        {"providers", providers()},
        {"used_provider", "CPUExecutionProvider"},
        {"why", "the library was " + library_->reason() + "; graphs run on the CPU"},
    }
        .dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);  // a path may hold any bytes
  }

 private:
  std::vector<std::string> providers() const {
    const OrtApi& api = library_->api();
    char** names = nullptr;
    int count = 0;
    library_->check(api.GetAvailableProviders(&names, &count), "listing providers");
    std::vector<std::string> result(names, names + count);
    library_->check(api.ReleaseAvailableProviders(names, count), "freeing the list of providers");
    return result;
  }

  std::shared_ptr<const OnnxRuntimeLibrary> library_;
};

}  // namespace

std::unique_ptr<Backend> open_onnxruntime(const std::string& library) {
  return std::make_unique<OnnxRuntimeBackend>(library);
}

}  // namespace talkrt::nn
