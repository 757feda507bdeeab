// SPDX-License-Identifier: Apache-2.0
//
// Mutates a plan by its structure: a change anywhere in a file would mostly break the header's length or
// its JSON, and never reach the manifest. Here a change is made to one part (header, manifest, tensors,
// data), and the rest is repaired around it.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

namespace {

using nlohmann::json;
using Random = std::minstd_rand;

struct Parts {
  std::string header, data;
};

std::size_t below(Random& random, std::size_t limit) { return limit == 0 ? 0 : random() % limit; }

Parts split(const std::uint8_t* bytes, std::size_t size) {
  if (size < 8) return {};
  std::uint64_t length = 0;
  std::memcpy(&length, bytes, 8);
  const auto header = std::min<std::uint64_t>(length, size - 8);
  const char* text = reinterpret_cast<const char*>(bytes) + 8;
  return {std::string(text, header), std::string(text + header, size - 8 - header)};
}

std::string mutate_text(std::string text, std::size_t growth) {
  const std::size_t size = text.size();
  text.resize(size + growth);
  text.resize(LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(text.data()), size, text.size()));
  return text;
}

/// Every value of a document, so that one can be picked.
void collect(json& node, std::vector<json*>& out) {
  out.push_back(&node);
  for (auto& child : node) {
    if (node.is_structured()) collect(child, out);
  }
}

json interesting(Random& random) {
  static const std::array kValues{json(0),          json(-1),      json(1),         json(0.5),
                                  json(1e30),       json(-0.0),    json(INT64_MAX), json(UINT64_MAX),
                                  json(1 << 30),    json(""),      json("a"),       json("../x"),
                                  json("features"), json("g.y"),   json("jawOpen"), json(nullptr),
                                  json(true),       json::array(), json::object(),  json::array({1, 2, 3})};
  return kValues[below(random, kValues.size())];
}

/// Replaces, removes, repeats or swaps one value somewhere in `root`.
void mutate_json(json& root, Random& random) {
  std::vector<json*> nodes;
  collect(root, nodes);
  json& node = *nodes[below(random, nodes.size())];
  const std::size_t child = below(random, node.size());
  switch (random() % 6) {
    case 0:
      node = interesting(random);
      break;
    case 1:
      if (node.is_number_integer()) node = json(node.get<std::uint64_t>() + (random() % 2 == 0 ? 1 : -1));
      break;
    case 2:
      if (node.is_array() && !node.empty()) node.erase(child);
      if (node.is_object() && !node.empty())
        node.erase(std::next(node.begin(), static_cast<std::ptrdiff_t>(child)));
      break;
    case 3:
      if (node.is_array() && !node.empty()) node.push_back(json(node[child]));
      if (node.is_object()) node["x"] = interesting(random);
      break;
    case 4:
      if (node.is_string()) node = mutate_text(node.get<std::string>(), 8);
      break;
    default:
      node = json(*nodes[below(random, nodes.size())]);
  }
}

/// Mutated text need not be UTF-8 any more.
std::string dumped(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

/// Lays the tensors out anew behind one another, as their dtypes and shapes ask, within reason.
void repair_offsets(json& header, std::string& data, std::size_t most) {
  std::uint64_t next = 0;
  for (auto& [name, entry] : header.items()) {
    if (name == "__metadata__" || !entry.is_object() || !entry.contains("shape")) continue;
    const std::string dtype = dumped(entry.value("dtype", json("U8")));
    std::uint64_t bytes = dtype == "\"U8\"" || dtype == "\"I8\"" ? 1 : dtype.find("16") != dtype.npos ? 2 : 4;
    if (dtype == "\"I64\"") bytes = 8;
    for (const auto& dim : entry["shape"]) {
      bytes *= dim.is_number_unsigned() ? std::min<std::uint64_t>(dim.get<std::uint64_t>(), most) : 1;
      bytes = std::min<std::uint64_t>(bytes, most);
    }
    entry["data_offsets"] = {next, next + bytes};
    next += bytes;
  }
  if (next < most) data.resize(next);
}

void mutate_structure(Parts& parts, Random& random, std::size_t most) {
  json header = json::parse(parts.header, nullptr, false);
  if (!header.is_object() || !header.contains("__metadata__") || !header["__metadata__"].is_object()) {
    parts.header = mutate_text(parts.header, 32);
    return;
  }
  json& stored = header["__metadata__"]["talkrt.plan"];
  std::string text = stored.is_string() ? stored.get<std::string>() : "{}";
  json manifest = json::parse(text, nullptr, false);
  switch (random() % 4) {
    case 0:
      stored = mutate_text(text, 32);
      break;
    case 1:
      mutate_json(header, random);
      if (header.is_object() && random() % 4 != 0) repair_offsets(header, parts.data, most);
      break;
    default:
      if (manifest.is_discarded()) manifest = json::object();
      for (std::size_t n = 1 + random() % 3; n > 0; --n) mutate_json(manifest, random);
      stored = dumped(manifest);
  }
  parts.header = dumped(header);
}

}  // namespace

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* bytes, std::size_t size, std::size_t max_size,
                                               unsigned seed) {
  Random random(seed + 1);
  if (random() % 16 == 0) return LLVMFuzzerMutate(bytes, size, max_size);  // the container itself
  Parts parts = split(bytes, size);
  const std::size_t kind = random() % 8;
  if (kind == 0) parts.header = mutate_text(parts.header, 64);
  if (kind == 1) parts.data = mutate_text(parts.data, 0);  // of the same size: values
  if (kind > 1) mutate_structure(parts, random, max_size);

  const std::uint64_t length = parts.header.size();
  if (8 + length + parts.data.size() > max_size) return LLVMFuzzerMutate(bytes, size, max_size);
  std::memcpy(bytes, &length, 8);
  std::memcpy(bytes + 8, parts.header.data(), length);
  std::memcpy(bytes + 8 + length, parts.data.data(), parts.data.size());
  return 8 + length + parts.data.size();
}
