// SPDX-License-Identifier: Apache-2.0
//
// What engines and models say about themselves, as JSON.
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "engine/src/device/cuda_module.hpp"
#include "engine/src/device/nvml.hpp"
#include "engine/src/device/resident.hpp"
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

/// The system's figure beside ours, and what is not on our account. Null: there is none.
void add_process(ordered_json& out, const std::string& where, std::optional<std::uint64_t> process,
                 std::uint64_t ours) {
  ordered_json difference;
  if (process) difference = static_cast<std::int64_t>(*process) - static_cast<std::int64_t>(ours);
  out[where + "_process_bytes"] = process ? ordered_json(*process) : ordered_json();
  out[where + "_difference_bytes"] = std::move(difference);
}

device::NvmlGpu address_of(const cuda::DeviceInfo& gpu) { return {gpu.pci, gpu.uuid}; }

ordered_json describe_nvml(const device::NvmlReading& nvml) {
  ordered_json out = ordered_json::object();
  if (!nvml.path.empty()) out["path"] = nvml.path;
  if (!nvml.driver.empty()) out["driver"] = nvml.driver;
  if (!nvml.uuid.empty()) out["uuid"] = nvml.uuid;
  if (nvml.memory) {
    out["total_bytes"] = nvml.memory->total;
    out["used_bytes"] = nvml.memory->used;
    out["free_bytes"] = nvml.memory->free;
  } else {
    out["missing"] = nvml.missing;
  }
  if (nvml.process) {
    out["process_bytes"] = *nvml.process;
  } else {
    out["process_missing"] = nvml.process_missing;
  }
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
  out["memory"] = describe_memory();
  return dumped(out);
}

/// The system's figures are of the whole process, whatever else it holds.
ordered_json Engine::describe_memory() {
  using device::MemoryKind;
  const auto turn = models_.turn();
  const std::uint64_t host = budget_.used(MemoryKind::host), pinned = budget_.used(MemoryKind::pinned);
  const device::Limits limits = budget_.limits();
  ordered_json out{{"host_budget_bytes", limits.host}, {"host_bytes", host}, {"pinned_bytes", pinned}};
  add_process(out, "host", device::resident_bytes(), host + pinned);
  if (device_) {
    const std::uint64_t ours = budget_.used(MemoryKind::device);
    out["device_budget_bytes"] = limits.device;
    out["device_bytes"] = ours;
    const device::NvmlReading nvml = device::read_nvml(address_of(device_->info()));
    add_process(out, "device", nvml.process, ours);
    out["nvml"] = describe_nvml(nvml);
  } else {
    const auto module = device::open_cuda_module(config_.device_index);
    out["nvml"] = describe_nvml(device::read_nvml(module.device ? address_of(*module.device)
                                                                : device::NvmlGpu(config_.device_index)));
    if (!module.device)
      out["nvml"]["which"] = "by NVML's numbers; the CUDA module would tell the one that CUDA means";
  }
  out["evictions"] = models_.evictions();
  out["models"] = ordered_json::array();
  for (const auto& model : models_.models()) {
    const device::Budget& account = model->budget();
    ordered_json lines = ordered_json::object();
    for (const auto& line : account.lines()) {
      const char* where = line.kind == MemoryKind::device   ? " (device)"
                          : line.kind == MemoryKind::pinned ? " (pinned)"
                                                            : "";
      lines[line.what + where] = line.bytes;
    }
    out["models"].push_back({{"path", model->path()},
                             {"in_use", model.use_count() > 1},
                             {"device", gpu() != nullptr ? "cuda" : "cpu"},
                             {"host_bytes", account.used(MemoryKind::host)},
                             {"pinned_bytes", account.used(MemoryKind::pinned)},
                             {"host_budget_bytes", account.limits().host},
                             {"device_bytes", account.used(MemoryKind::device)},
                             {"device_budget_bytes", account.limits().device},
                             {"lines", std::move(lines)}});
  }
  return out;
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
