// SPDX-License-Identifier: Apache-2.0
//
// Field numbers are those of onnx.proto (ONNX 1.0 and later; protobuf never reuses them).
#include "engine/src/nn/onnx_weights.hpp"

#include <map>
#include <optional>
#include <set>
#include <talkrt/error.hpp>
#include <utility>

namespace talkrt::nn {
namespace {

constexpr int kMaxDepth = 32;  // of graphs inside attributes of nodes of graphs
constexpr std::size_t kMaxRank = 8;

[[noreturn]] void corrupt(const std::string& label, const std::string& what) {
  throw Error(TALKRT_ERROR_PLAN_CORRUPT, label + ": " + what);
}

using Bytes = std::span<const std::byte>;

/// One field of a message: a number, and either an integer or a span.
struct Field {
  std::uint32_t number = 0;
  bool is_bytes = false;
  std::uint64_t integer = 0;
  Bytes bytes;

  [[nodiscard]] std::string text() const {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }
};

/// Walks the fields of one message.
class Message {
 public:
  Message(Bytes bytes, const std::string& label) : rest_(bytes), label_(label) {}

  std::optional<Field> next() {
    if (rest_.empty()) return std::nullopt;
    const std::uint64_t key = varint();
    if (key >> 32 != 0 || key >> 3 == 0) corrupt(label_, "not an ONNX model: a field number out of range");
    Field field;
    field.number = static_cast<std::uint32_t>(key >> 3);
    switch (key & 7) {
      case 0:
        field.integer = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        field.is_bytes = true;
        field.bytes = take(varint());
        break;
      case 5:
        take(4);
        break;
      default:
        corrupt(label_, "not an ONNX model: wire type " + std::to_string(key & 7) + " is not one of 0 1 2 5");
    }
    return field;
  }

  bool empty() const { return rest_.empty(); }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 70; shift += 7) {
      const auto byte = std::to_integer<std::uint64_t>(take(1)[0]);
      if (shift < 64) value |= (byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return value;
    }
    corrupt(label_, "not an ONNX model: an integer of more than 10 bytes");
  }

 private:
  Bytes take(std::uint64_t count) {
    if (count > rest_.size()) {
      corrupt(label_, "not an ONNX model, or a truncated one: a field of " + std::to_string(count) +
                          " bytes where " + std::to_string(rest_.size()) + " are left");
    }
    const Bytes taken = rest_.first(static_cast<std::size_t>(count));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }

  Bytes rest_;
  const std::string& label_;
};

class Walker {
 public:
  explicit Walker(const std::string& label) : label_(label) {}
  std::vector<ExternalWeight> found;

  void model(Bytes bytes) {
    each(bytes, [&](const Field& f) {
      if (f.number == 7) graph(f.bytes, 0);   // graph
      if (f.number == 20) training(f.bytes);  // training_info
      if (f.number == 25) function(f.bytes);  // functions
    });
    for (ExternalWeight& weight : found) weight.multiplied = multiplied_.contains(weight.name);
  }

 private:
  /// Calls visit(field) for each length-delimited field.
  template <class F>
  void each(Bytes bytes, F visit) {
    Message message(bytes, label_);
    while (const auto field = message.next()) {
      if (field->is_bytes) visit(*field);
    }
  }

  void graph(Bytes bytes, int depth) {
    if (depth > kMaxDepth) corrupt(label_, "graphs nested deeper than " + std::to_string(kMaxDepth));
    each(bytes, [&](const Field& f) {
      if (f.number == 1) node(f.bytes, depth);         // node
      if (f.number == 5) tensor(f.bytes, depth == 0);  // initializer
      if (f.number == 15) sparse(f.bytes);             // sparse_initializer
    });
  }

  void training(Bytes bytes) {
    each(bytes, [&](const Field& f) {
      if (f.number == 1 || f.number == 2) graph(f.bytes, 1);  // initialization, algorithm
    });
  }

  void function(Bytes bytes) {
    each(bytes, [&](const Field& f) {
      if (f.number == 7) node(f.bytes, 1);        // node
      if (f.number == 11) attribute(f.bytes, 1);  // attribute_proto
    });
  }

  void node(Bytes bytes, int depth) {
    std::vector<std::string> inputs, outputs;
    std::string type;
    each(bytes, [&](const Field& f) {
      if (f.number == 5) attribute(f.bytes, depth);
      if (depth != 0) return;
      if (f.number == 1) inputs.push_back(f.text());
      if (f.number == 2) outputs.push_back(f.text());
      if (f.number == 4) type = f.text();
    });
    if (inputs.empty() || outputs.empty()) return;
    if (type == "Cast") cast_.emplace(outputs[0], inputs[0]);
    if ((type != "MatMul" && type != "Gemm") || inputs.size() < 2) return;
    const auto from = cast_.find(inputs[1]);  // nodes come in the order in which they run
    multiplied_.insert(from == cast_.end() ? inputs[1] : from->second);
  }

  void attribute(Bytes bytes, int depth) {
    each(bytes, [&](const Field& f) {
      if (f.number == 5 || f.number == 10) tensor(f.bytes, false);     // t, tensors
      if (f.number == 6 || f.number == 11) graph(f.bytes, depth + 1);  // g, graphs
      if (f.number == 22 || f.number == 23) sparse(f.bytes);           // sparse_tensor(s)
    });
  }

  void sparse(Bytes bytes) {
    each(bytes, [&](const Field& f) {
      if (f.number == 1 || f.number == 2) tensor(f.bytes, false);  // values, indices
    });
  }

  void tensor(Bytes bytes, bool may_be_external) {
    ExternalWeight weight;
    bool external = false;
    Message message(bytes, label_);
    while (const auto f = message.next()) {
      if (f->number == 1) dims(*f, weight.shape);
      if (f->number == 2 && !f->is_bytes)
        weight.onnx_type = static_cast<int>(f->integer & 0xFFFF);  // data_type
      if (f->number == 8 && f->is_bytes) weight.name = f->text();
      if (f->number == 13 && f->is_bytes) {  // external_data
        external = true;
        entry(f->bytes, weight);
      }
      if (f->number == 14 && f->integer != 0) external = true;  // data_location
    }
    if (!external) return;
    if (!may_be_external) {
      corrupt(label_, "tensor \"" + weight.name + "\" has external data at \"" + weight.location +
                          "\"; only initializers of the main graph may be external");
    }
    found.push_back(std::move(weight));
  }

  void dims(const Field& field, std::vector<std::int64_t>& shape) {
    if (!field.is_bytes) {
      shape.push_back(static_cast<std::int64_t>(field.integer));
    } else {
      for (Message packed(field.bytes, label_); !packed.empty();) {
        shape.push_back(static_cast<std::int64_t>(packed.varint()));
        if (shape.size() > kMaxRank) break;
      }
    }
    if (shape.size() > kMaxRank) corrupt(label_, "an initializer has more than 8 dimensions");
  }

  void entry(Bytes bytes, ExternalWeight& weight) {
    std::string key, value;
    each(bytes, [&](const Field& f) {
      if (f.number == 1) key = f.text();
      if (f.number == 2) value = f.text();
    });
    // A repeated key could mean one thing here and another to the runtime.
    const auto set = [&](std::string& to) {
      if (!to.empty())
        corrupt(label_, "initializer \"" + weight.name + "\" repeats external_data \"" + key + "\"");
      to = value;
    };
    if (key == "location") return set(weight.location);
    if (key == "offset") return set(weight.offset);
    if (key == "length") return set(weight.length);
    // Some runtimes know more keys, "prepacked" ones among them, which lead to further data.
    corrupt(label_, "initializer \"" + weight.name + "\" has the unknown external_data key \"" + key + "\"");
  }

  const std::string& label_;
  std::map<std::string, std::string> cast_;  // from what
  std::set<std::string> multiplied_;
};

}  // namespace

std::vector<ExternalWeight> external_weights(Bytes model, const std::string& label) {
  Walker walker(label);
  walker.model(model);
  return std::move(walker.found);
}

}  // namespace talkrt::nn
