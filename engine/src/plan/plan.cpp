// SPDX-License-Identifier: Apache-2.0
#include "engine/src/plan/plan.hpp"

#include <nlohmann/json.hpp>
#include <utility>

#include "engine/src/plan/manifest_sections.hpp"
#include "engine/src/plan/mapped_file.hpp"
#include "engine/src/plan/safetensors_reader.hpp"
#include "engine/src/plan/strict_json.hpp"
#include "engine/src/plan/tensor_checks.hpp"

namespace talkrt::plan {

struct Plan::Impl {
  MappedFile file;  // empty for a plan in the caller's memory
  std::span<const std::byte> bytes;
  std::string label;
  Container container;
  Manifest manifest;

  void validate() {
    container = read_safetensors(bytes, label);
    manifest = read_manifest(parse_strict_json(container.manifest_json, label, "the manifest"), label);
    const TensorMap& tensors = container.tensors;
    check_finite(tensors, label);
    check_graph_tensors(manifest, tensors, label);
    check_engine_tensors(manifest, tensors, label);
    if (manifest.gaussian) check_gaussian_tensors(manifest, tensors, label);
    if (manifest.model == "gaussian") check_rig_tensors(*manifest.gaussian, tensors, label);
    if (manifest.is_avatar()) check_avatar_tensors(manifest, tensors, label);
    if (manifest.vasa1) check_vasa1_tensors(manifest, tensors, label);
    check_clip_tensors(manifest, tensors, label);
  }
};

Plan::Plan(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->file = MappedFile(path);
  impl_->bytes = impl_->file.bytes();
  impl_->label = path;
  impl_->validate();
}

Plan::Plan(std::span<const std::byte> bytes, std::string label) : impl_(std::make_unique<Impl>()) {
  impl_->bytes = bytes;
  impl_->label = std::move(label);
  impl_->validate();
}

Plan::Plan(Plan&&) noexcept = default;
Plan::~Plan() = default;

const Manifest& Plan::manifest() const noexcept { return impl_->manifest; }
const std::string& Plan::manifest_json() const noexcept { return impl_->container.manifest_json; }
const std::string& Plan::label() const noexcept { return impl_->label; }
std::span<const std::byte> Plan::bytes() const noexcept { return impl_->bytes; }

const TensorView* Plan::find(std::string_view name) const noexcept {
  const auto found = impl_->container.tensors.find(name);
  return found == impl_->container.tensors.end() ? nullptr : &found->second;
}

const TensorView& Plan::require(std::string_view name, DType dtype,
                                std::span<const std::int64_t> shape) const {
  return require_tensor(impl_->container.tensors, impl_->label, name, dtype, shape);
}

void Plan::forget(const TensorView& tensor) const noexcept { impl_->file.forget(tensor.bytes); }

std::vector<std::string_view> Plan::names() const {
  std::vector<std::string_view> out;
  out.reserve(impl_->container.tensors.size());
  for (const auto& [name, tensor] : impl_->container.tensors) out.emplace_back(name);
  return out;
}

}  // namespace talkrt::plan
