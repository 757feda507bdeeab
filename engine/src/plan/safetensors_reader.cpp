// SPDX-License-Identifier: Apache-2.0
#include "engine/src/plan/safetensors_reader.hpp"

#include <algorithm>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "engine/src/plan/dtype.hpp"
#include "engine/src/plan/message.hpp"
#include "engine/src/plan/strict_json.hpp"

namespace talkrt::plan {
namespace {

using nlohmann::json;

constexpr std::size_t kPrefix = 8;  // the header's length, u64 little-endian
constexpr std::uint64_t kMaxHeader = 16'777'216;
constexpr std::size_t kMaxTensors = 65'536;
constexpr std::size_t kMaxDims = 8;

std::string_view header_of(std::span<const std::byte> bytes, std::string_view label) {
  if (bytes.size() < kPrefix + 2) {
    refuse(label, "the file", std::to_string(bytes.size()) + " bytes long", "a plan: at least 10 bytes");
  }
  std::uint64_t length = 0;
  for (std::size_t i = kPrefix; i-- > 0;) length = length * 256 + std::to_integer<std::uint64_t>(bytes[i]);
  if (length < 2 || length > kMaxHeader) {
    refuse(label, "the header length", std::to_string(length), "2 to 16777216 bytes: not a plan file?");
  }
  if (length > bytes.size() - kPrefix) {
    refuse(label, "the header length", std::to_string(length),
           "at most the " + std::to_string(bytes.size() - kPrefix) + " bytes that follow: truncated?");
  }
  const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kPrefix, length);
  if (header.front() != '{') {
    refuse(label, "the first byte of the header", in_quotes(header.substr(0, 1)), "\"{\": not a plan file?");
  }
  return header;
}

std::string read_metadata(const json& header, std::string_view label) {
  const auto metadata = header.find("__metadata__");
  if (metadata == header.end()) refuse(label, "header key __metadata__", "absent", "an object");
  if (!metadata->is_object()) refuse(label, "header key __metadata__", metadata->type_name(), "an object");
  for (const auto& [key, value] : metadata->items()) {
    if (!value.is_string()) {
      refuse(label, "__metadata__ entry " + in_quotes(key), value.type_name(), "a string");
    }
  }
  const auto manifest = metadata->find("talkrt.plan");
  if (manifest == metadata->end()) {
    refuse(label, "__metadata__ entry talkrt.plan", "absent",
           "the manifest: a safetensors file, but no plan");
  }
  return manifest->get<std::string>();
}

struct Entry {
  std::string name;
  TensorView view;
  std::uint64_t begin = 0, end = 0;
};

std::uint64_t unsigned_integer(const json& value, std::string_view label, const std::string& what) {
  if (!value.is_number_unsigned()) {
    refuse(label, what, value.is_number() ? value.dump() : value.type_name(), "a non-negative integer");
  }
  return value.get<std::uint64_t>();
}

const json& member(const json& object, const char* key, std::string_view label, const std::string& tensor) {
  const auto found = object.find(key);
  if (found == object.end()) refuse(label, tensor + ": " + key, "absent", "dtype, shape and data_offsets");
  return *found;
}

Entry read_entry(const std::string& name, const json& value, std::string_view label) {
  if (!is_tensor_name(name)) {
    refuse(label, "tensor name " + in_quotes(name), "not allowed",
           "1 to 255 of A-Z a-z 0-9 . _ - / @, no .. or //, no / at an end");
  }
  const std::string what = "tensor " + name;
  if (!value.is_object()) refuse(label, what, value.type_name(), "an object");

  Entry entry{name, {}, 0, 0};
  const json& dtype = member(value, "dtype", label, what);
  if (!dtype.is_string()) refuse(label, what + ": dtype", dtype.type_name(), "a string");
  const auto known = dtype_named(dtype.get_ref<const std::string&>());
  if (!known) {
    refuse(label, what + ": dtype", in_quotes(dtype.get_ref<const std::string&>()), kDTypeNames);
  }
  entry.view.dtype = *known;

  const json& shape = member(value, "shape", label, what);
  if (!shape.is_array()) refuse(label, what + ": shape", shape.type_name(), "an array");
  if (shape.size() > kMaxDims) {
    refuse(label, what + ": shape", std::to_string(shape.size()) + " dimensions long", "at most 8");
  }
  // All but 0 is multiplied into `elements`, so that [2^40, 2^40, 0] cannot hide behind its zero.
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 8;
  std::uint64_t elements = 1;
  bool empty = false;
  for (const json& dim : shape) {
    const std::uint64_t size = unsigned_integer(dim, label, what + ": a dimension");
    if (size > kMost || (size > 0 && elements > kMost / size)) {
      refuse(label, what + ": shape", shape.dump(), "a product below 2^60, zeros aside");
    }
    if (size == 0)
      empty = true;
    else
      elements *= size;
    entry.view.shape.push_back(static_cast<std::int64_t>(size));
  }
  const std::uint64_t bytes = empty ? 0 : elements * size_of(entry.view.dtype);

  const json& offsets = member(value, "data_offsets", label, what);
  if (!offsets.is_array() || offsets.size() != 2) {
    refuse(label, what + ": data_offsets",
           offsets.is_array() ? "an array of " + std::to_string(offsets.size())
                              : std::string(offsets.type_name()),
           "[begin, end]");
  }
  entry.begin = unsigned_integer(offsets[0], label, what + ": data_offsets[0]");
  entry.end = unsigned_integer(offsets[1], label, what + ": data_offsets[1]");
  if (entry.begin > entry.end || entry.end - entry.begin != bytes) {
    refuse(label, what + ": data_offsets",
           "[" + std::to_string(entry.begin) + ", " + std::to_string(entry.end) + "]",
           std::to_string(bytes) + " bytes for " + described(entry.view.dtype, entry.view.shape));
  }
  return entry;
}

}  // namespace

bool is_tensor_name(std::string_view name) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-/@";
  return !name.empty() && name.size() <= 255 && name.find_first_not_of(kAlphabet) == name.npos &&
         name.front() != '/' && name.back() != '/' && name.find("..") == name.npos &&
         name.find("//") == name.npos;
}

Container read_safetensors(std::span<const std::byte> bytes, std::string_view label) {
  const std::string_view text = header_of(bytes, label);
  const auto data = bytes.subspan(kPrefix + text.size());
  const json header = parse_strict_json(text, label, "the header");

  Container container;
  container.manifest_json = read_metadata(header, label);
  if (header.size() - 1 > kMaxTensors) {
    refuse(label, "the number of tensors", std::to_string(header.size() - 1), "at most 65536");
  }
  std::vector<Entry> entries;
  entries.reserve(header.size());
  for (const auto& [name, value] : header.items()) {
    if (name != "__metadata__") entries.push_back(read_entry(name, value, label));
  }
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
  });
  std::uint64_t next = 0;
  for (Entry& entry : entries) {
    const std::string what = "tensor " + entry.name + ": begin";
    if (entry.begin < next) {
      refuse(label, what, std::to_string(entry.begin), std::to_string(next) + ": it overlaps another tensor");
    }
    if (entry.begin > next) {
      refuse(label, what, std::to_string(entry.begin), std::to_string(next) + ": there is a hole before it");
    }
    if (entry.end > data.size()) {
      refuse(label, "tensor " + entry.name + ": end", std::to_string(entry.end),
             "at most " + std::to_string(data.size()) + ", where the file ends: truncated?");
    }
    next = entry.end;
    entry.view.bytes = data.subspan(entry.begin, entry.end - entry.begin);
    container.tensors.emplace(std::move(entry.name), std::move(entry.view));
  }
  if (next != data.size()) {
    refuse(label, "the data", std::to_string(data.size()) + " bytes long",
           std::to_string(next) + ", where the last tensor ends");
  }
  return container;
}

const TensorView& require_tensor(const TensorMap& tensors, std::string_view label, std::string_view name,
                                 DType dtype, std::span<const std::int64_t> shape) {
  const std::string what = "tensor " + std::string(name);
  const auto found = tensors.find(name);
  if (found == tensors.end()) refuse(label, what, "absent", described(dtype, shape));
  const TensorView& tensor = found->second;
  const bool same_shape =
      std::equal(tensor.shape.begin(), tensor.shape.end(), shape.begin(), shape.end(),
                 [](std::int64_t is, std::int64_t want) { return want < 0 || is == want; });
  if (tensor.dtype != dtype || !same_shape) {
    refuse(label, what, described(tensor.dtype, tensor.shape), described(dtype, shape));
  }
  return tensor;
}

}  // namespace talkrt::plan
