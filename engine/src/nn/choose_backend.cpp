// SPDX-License-Identifier: Apache-2.0
#include "engine/src/nn/choose_backend.hpp"

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <talkrt/error.hpp>
#include <utility>
#include <vector>

#include "engine/src/nn/engine_choice.hpp"
#include "engine/src/nn/onnxruntime_cuda.hpp"
#include "engine/src/nn/onnxruntime_graph.hpp"
#include "engine/src/nn/tensorrt_graph.hpp"
#include "engine/src/nn/tensorrt_library.hpp"

namespace talkrt::nn {
namespace {

using nlohmann::json;

// A core makes some ten thousand million products a second: so many take 100 microseconds, about what copies
// to a GPU and back, a launch and a wait take.
constexpr std::uint64_t kStays = 1'000'000;

/// A reason is one line: libraries put ends of lines, and indents, into their messages.
std::string one_line(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool space = c == ' ' || (c >= '\t' && c <= '\r');
    if (!space) {
      out += c;
    } else if (!out.empty() && out.back() != ' ') {
      out += ' ';
    }
  }
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

/// What is there or the reason why it is not; both are found out once.
template <class T>
struct Found {
  std::shared_ptr<const T> value;
  std::string missing;
};

template <class T, class Make>
Found<T> find(Make&& make) {
  try {
    return {make(), ""};
  } catch (const Error& error) {
    return {nullptr, one_line(error.what())};
  }
}

bool steps_down(const Error& error) {
  return error.code() == TALKRT_ERROR_BACKEND_MISSING || error.code() == TALKRT_ERROR_BACKEND_FAILED;
}

/// What one graph of one plan runs on, and why nothing before that.
struct Decision {
  std::string backend;
  std::vector<std::string> reasons;
};

class ChosenBackend final : public Backend {
 public:
  explicit ChosenBackend(BackendOptions options)
      : options_(std::move(options)),
        library_(std::make_shared<OnnxRuntimeLibrary>(options_.onnxruntime)),
        cpu_(open_onnxruntime(options_.onnxruntime)),
        tensorrt_(find<TensorRtLibrary>([] { return std::make_shared<const TensorRtLibrary>(); })),
        cuda_(find<OnnxRuntimeCuda>([&] { return open_cuda(); })) {}

  std::unique_ptr<Graph> open(const plan::Plan& plan, const plan::GraphSpec& spec, int threads,
                              device::Budget* budget) override {
    Decision decision;
    std::unique_ptr<Graph> graph;
    if (const std::string why = stays_on_cpu(plan, spec); !why.empty()) {
      decision.reasons.push_back("stays on the CPU: " + why);
    } else {
      graph = attempt(decision, "TensorRT", [&] { return open_tensorrt(plan, spec, budget, decision); });
      if (!graph) {
        graph = attempt(decision, "ONNX Runtime on the GPU", [&] {
          if (!cuda_.value) throw Error(TALKRT_ERROR_BACKEND_MISSING, cuda_.missing);
          return std::make_unique<OnnxRuntimeGraph>(library_, plan, spec, threads, budget, cuda_.value);
        });
      }
    }
    if (!graph) graph = cpu_->open(plan, spec, threads, budget);
    decision.backend = graph->backend();
    report(plan, spec, decision);
    return graph;
  }

  /// As open() decides, if nothing fails.
  device::Budget::Line needs(const plan::Plan& plan, const plan::GraphSpec& spec) const override {
    if (!stays_on_cpu(plan, spec).empty()) return cpu_->needs(plan, spec);
    if (tensorrt_.value) {
      if (const plan::EngineSpec* engine = choose_engine(plan, spec.name, host()).engine) {
        return {"graph " + spec.name, device::MemoryKind::device, weight_bytes(plan, *engine)};
      }
    }
    return cuda_.value ? OnnxRuntimeGraph::needs(plan, spec, true) : cpu_->needs(plan, spec);
  }

  std::string describe_json() const override {
    json out = json::parse(cpu_->describe_json());
    out["why"] = "graphs run on the GPU where they can; this is what the others run on";
    const auto state = [](const auto& found) {
      return found.value ? json{{"ready", true}} : json{{"ready", false}, {"missing", found.missing}};
    };
    out["tensorrt"] = state(tensorrt_);
    if (tensorrt_.value) {
      out["tensorrt"]["version"] = plan::described(tensorrt_.value->version());
      out["tensorrt"]["runtime"] = tensorrt_.value->runtime();
      out["tensorrt"]["path"] = tensorrt_.value->path();
    }
    out["onnxruntime_cuda"] = state(cuda_);
    out["graphs"] = json::array();
    const std::lock_guard lock(mutex_);
    for (const auto& [key, decision] : decisions_) {
      out["graphs"].push_back({{"plan", key.first},
                               {"graph", key.second},
                               {"backend", decision.backend},
                               {"reasons", decision.reasons}});
    }
    return out.dump(-1, ' ', false, json::error_handler_t::replace);  // paths may hold any bytes
  }

 private:
  /// Whether this ONNX Runtime has the provider is asked once, before anything is charged for a graph.
  std::shared_ptr<const OnnxRuntimeCuda> open_cuda() const {
    auto cuda = std::make_shared<const OnnxRuntimeCuda>(*options_.gpu);
    const OrtApi& api = library_->api();
    const auto options = library_->make<OrtSessionOptions>(
        api.ReleaseSessionOptions, "setting session options", api.CreateSessionOptions);
    cuda->add_to(*library_, options.get(), std::uint64_t{1} << 20);
    return cuda;
  }

  /// Where there is a TensorRT.
  EngineHost host() const {
    return {options_.gpu->name(), options_.gpu->compute_capability(), tensorrt_.value->version(),
            !tensorrt_.value->full()};
  }

  std::unique_ptr<Graph> open_tensorrt(const plan::Plan& plan, const plan::GraphSpec& spec,
                                       device::Budget* budget, Decision& decision) const {
    if (!tensorrt_.value) throw Error(TALKRT_ERROR_BACKEND_MISSING, tensorrt_.missing);
    const EngineChoice choice = choose_engine(plan, spec.name, host());
    if (choice.engine == nullptr) throw Error(TALKRT_ERROR_BACKEND_MISSING, choice.why);
    auto graph =
        std::make_unique<TensorRtGraph>(tensorrt_.value, *options_.gpu, plan, spec, *choice.engine, budget);
    if (!choice.why.empty()) decision.reasons.push_back(choice.why);
    return graph;
  }

  template <class Open>
  static std::unique_ptr<Graph> attempt(Decision& decision, const char* what, Open&& open) {
    try {
      return open();
    } catch (const Error& error) {
      if (!steps_down(error)) throw;
      decision.reasons.push_back(one_line(std::string("not in ") + what + ": " + error.what()));
      return nullptr;
    }
  }

  void report(const plan::Plan& plan, const plan::GraphSpec& spec, const Decision& decision) {
    if (options_.log) {
      for (const std::string& reason : decision.reasons) {
        options_.log(plan.label() + ": graph " + spec.name + ": " + reason);
      }
      options_.log(plan.label() + ": graph " + spec.name + ": runs in " + decision.backend);
    }
    const std::lock_guard lock(mutex_);
    decisions_.insert_or_assign({plan.label(), spec.name}, decision);
  }

  BackendOptions options_;
  std::shared_ptr<const OnnxRuntimeLibrary> library_;
  std::unique_ptr<Backend> cpu_;
  Found<TensorRtLibrary> tensorrt_;
  Found<OnnxRuntimeCuda> cuda_;
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Decision> decisions_;  // the last one of each
};

}  // namespace

std::string stays_on_cpu(const plan::Plan& plan, const plan::GraphSpec& spec) {
  std::uint64_t products = spec.multiply_adds;
  const char* how = " multiply-adds";
  if (products == 0) {
    // Not stated: each weight at least takes part in one.
    how = " weights";
    for (const std::string_view name : plan.names()) {
      if (!name.starts_with("weight/" + spec.name + "/")) continue;
      const plan::TensorView& tensor = *plan.find(name);
      products += tensor.bytes.size() / plan::size_of(tensor.dtype);
    }
  }
  if (products >= kStays) return "";
  return std::to_string(products) + how +
         " take microseconds there, and copies to a GPU and back take as long";
}

std::unique_ptr<Backend> choose_backend(BackendOptions options) {
  if (options.gpu == nullptr) return open_onnxruntime(options.onnxruntime);
  return std::make_unique<ChosenBackend>(std::move(options));
}

}  // namespace talkrt::nn
