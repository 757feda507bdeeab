// SPDX-License-Identifier: Apache-2.0
//
// What engines and models say about themselves, as JSON.
#include <array>
#include <nlohmann/json.hpp>

#include "engine/src/device/cuda_module.hpp"
#include "engine/src/session/engine.hpp"
#include "engine/src/session/model.hpp"
#include "engine/src/session/session.hpp"
#include "kernels/gaussian/rasterize.hpp"

namespace talkrt::session {

using nlohmann::ordered_json;

namespace {

std::string dumped(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);  // a path may hold any bytes
}

/// What the CUDA module says of this machine.
ordered_json describe_cuda(int index, const render::Gpu* used) {
  const device::CudaModule module = device::open_cuda_module(index);
  ordered_json out{{"name", "cuda"}, {"index", index}, {"used", used != nullptr}};
  if (used != nullptr) {
    const render::CudaBatch::Counts counts = used->batch.counts();
    out["draws"] = counts.draws;
    out["pictures"] = counts.pictures;
  }
  if (!module.path.empty()) out["module"] = module.path;
  if (!module.device) {
    out["missing"] = module.missing;
    return out;
  }
  const cuda::DeviceInfo& gpu = *module.device;
  const auto version = [](int number) {
    return std::to_string(number / 1000) + "." + std::to_string(number % 1000 / 10);
  };
  out["gpu"] = gpu.name;
  out["gpus"] = gpu.devices;
  out["capability"] = std::to_string(gpu.major) + "." + std::to_string(gpu.minor);
  out["multiprocessors"] = gpu.multiprocessors;
  out["memory_bytes"] = gpu.memory_bytes;
  out["driver_cuda"] = version(gpu.driver);
  out["module_cuda"] = version(gpu.runtime);
  return out;
}

}  // namespace

std::string Engine::describe_json() {
  ordered_json out;
  out["devices"] = ordered_json::array({{{"name", "cpu"},
                                         {"cpu_path", gaussian::cpu_path()},
                                         {"usable_cores", device::usable_cores()},
                                         {"threads", pool_.workers()}},
                                        describe_cuda(config_.device_index, gpu())});
  try {
    out["backends"] = ordered_json::array({ordered_json::parse(backend().describe_json())});
  } catch (const Error& error) {
    out["backends"] = ordered_json::array({{{"name", "onnxruntime"}, {"missing", error.what()}}});
  }
  const std::lock_guard lock(models_mutex_);
  ordered_json memory{{"host_budget_bytes", config_.host_budget},
                      {"host_bytes", budget_.used(device::MemoryKind::host)},
                      {"models", ordered_json::array()}};
  for (const auto& model : models_) {
    ordered_json lines = ordered_json::object();
    for (const auto& line : model->budget().lines()) lines[line.what] = line.bytes;
    memory["models"].push_back({{"path", model->path()},
                                {"in_use", model.use_count() > 1},
                                {"device", model->avatar().on_gpu() ? "cuda" : "cpu"},
                                {"host_bytes", model->budget().used(device::MemoryKind::host)},
                                {"host_budget_bytes", model->budget().limits().host},
                                {"lines", std::move(lines)}});
  }
  out["memory"] = std::move(memory);
  return dumped(out);
}

std::string Session::describe_json() const {
  constexpr std::array<const char*, 5> kRuns{"avatar", "portrait", "clip", "window", "frame"};
  ordered_json graphs = ordered_json::array();
  for (const pipelines::GraphUse& use : pipeline_->graphs()) {
    graphs.push_back({{"name", use.name},
                      {"runs", kRuns.at(static_cast<std::size_t>(use.runs))},
                      {"calls", use.times.runs},
                      {"ms", static_cast<double>(use.times.ns) / 1e6}});
  }
  return dumped({{"device", on_gpu_ ? "cuda" : "cpu"},
                 {"look_ahead", speaker_ == nullptr ? 0 : speaker_->look_ahead()},
                 {"graphs", std::move(graphs)}});
}

std::string Model::describe_json() const {
  ordered_json tensors = ordered_json::array();
  for (const std::string_view name : plan_.names()) {
    const plan::TensorView& tensor = *plan_.find(name);
    tensors.push_back({{"name", name},
                       {"dtype", plan::name_of(tensor.dtype)},
                       {"shape", tensor.shape},
                       {"bytes", tensor.bytes.size()}});
  }
  return dumped({{"path", path_},
                 {"file_bytes", plan_.bytes().size()},
                 {"host_bytes", host_bytes_},
                 {"manifest", ordered_json::parse(plan_.manifest_json())},
                 {"tensors", std::move(tensors)}});
}

}  // namespace talkrt::session
