// SPDX-License-Identifier: Apache-2.0
#include "tests/engine/plan/editable_plan.hpp"

#include <cstring>
#include <talkrt/error.hpp>

namespace talkrt::plan {

EditablePlan EditablePlan::tiny() {
  const Plan plan(TALKRT_TEST_DATA "/tiny.plan");
  EditablePlan out{nlohmann::json::parse(plan.manifest_json()), {}};
  for (const std::string_view name : plan.names()) {
    const TensorView& view = *plan.find(name);
    out.tensors.emplace(name, EditableTensor{view.dtype, view.shape, {view.bytes.begin(), view.bytes.end()}});
  }
  return out;
}

std::vector<std::byte> EditablePlan::bytes(std::size_t pad) const {
  nlohmann::json header;
  header["__metadata__"]["talkrt.plan"] = manifest.dump();
  std::vector<std::byte> data;
  for (const auto& [name, tensor] : tensors) {
    header[name] = {{"dtype", name_of(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"data_offsets", {data.size(), data.size() + tensor.bytes.size()}}};
    data.insert(data.end(), tensor.bytes.begin(), tensor.bytes.end());
  }
  std::vector<std::byte> out = container(header.dump() + std::string(pad, ' '));
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

std::string EditablePlan::refusal() const { return refusal_of(bytes()); }

std::vector<std::byte> container(const std::string& header, std::size_t data_bytes) {
  std::vector<std::byte> out(8 + header.size() + data_bytes);
  for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<std::byte>(header.size() >> (8 * i) & 0xff);
  std::memcpy(out.data() + 8, header.data(), header.size());
  return out;
}

std::string refusal_of(const std::vector<std::byte>& bytes) {
  try {
    const Plan plan(bytes, "memory");
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace talkrt::plan
