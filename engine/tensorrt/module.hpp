// SPDX-License-Identifier: Apache-2.0
//
// libtalkrt_tensorrt.so, as the core sees it: one exported function that hands out a table. The core includes
// nothing of TensorRT's; it opens this module at run time (engine/src/nn/tensorrt_library.hpp), which opens
// TensorRT's own library in turn: the full, the lean or the dispatch runtime. Both sides are built from the
// same sources, which `abi` and `bytes` make sure of.
//
// Calls that can fail answer 0, or another number with a sentence in `why`; nothing is thrown across. The
// GPU's primary context is current on every thread that calls. An engine may be used from several threads, a
// context belongs to one at a time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace talkrt::tensorrt {

inline constexpr std::uint32_t kModuleAbi = 1;
inline constexpr const char* kModuleEntry = "talkrt_tensorrt_module";
inline constexpr int kMaxRank = 8;

struct Why {
  char text[1024];
};

enum class Runtime : int { full, lean, dispatch };

struct LibraryInfo {
  int version[4];  // major, minor, patch, build
  Runtime runtime;
  char path[1024];  // of the file
};

/// Where an engine takes the GPU's memory for its weights from. Asked before anything is taken, on any
/// thread.
struct Allocator {
  void* user;
  void* (*take)(void* user, std::uint64_t bytes);  // on a boundary of 256 bytes; null: refused
  void (*give)(void* user, void* memory);
};

/// An input or output of an engine.
struct Port {
  const char* name;  // as long as the engine
  bool input;
  bool plain_f32;  // 32-bit floats, row-major, on the GPU
  int rank;
  std::int64_t shape[kMaxRank];
};

enum class WeightType : int { f32, f16, i32, i64, i8, u8 };

/// For an engine without weights. The data are read until refit() returns.
struct Weight {
  const char* name;
  WeightType type;
  const void* data;
  std::int64_t count;
};

class Library;
class Engine;
class Context;

struct Module {
  std::uint32_t abi;
  std::uint32_t bytes;  // of this table
  int headers[4];       // the version of TensorRT that the module was built with

  /// Opens TensorRT's library, where there is a driver. `lean`: what the full and the dispatch runtime may
  /// load for engines of an older version, or null. Libraries stay mapped.
  int (*open_library)(const char* path, const char* lean, Library** out, LibraryInfo* info, Why* why);
  void (*close_library)(Library* library);

  /// The bytes are read until it returns; `allocator` must outlive the engine.
  int (*open_engine)(Library* library, const Allocator* allocator, const void* data, std::uint64_t bytes,
                     Engine** out, Why* why);
  int (*refit)(Engine* engine, const Weight* weights, int count, Why* why);
  int (*port_count)(const Engine* engine);
  void (*port)(const Engine* engine, int index, Port* out);
  /// What a context computes in, to be handed to create_context.
  std::uint64_t (*context_bytes)(const Engine* engine);
  void (*close_engine)(Engine* engine);

  int (*create_context)(Engine* engine, void* memory, std::uint64_t bytes, Context** out, Why* why);
  /// `memory`: the GPU's, on a boundary of 256 bytes.
  int (*bind)(Context* context, const char* name, void* memory, Why* why);
  /// Returns at once. May be captured, from the second time on.
  int (*enqueue)(Context* context, void* stream, Why* why);
  void (*destroy_context)(Context* context);
};

using ModuleEntry = const Module* (*)(std::uint32_t abi);

}  // namespace talkrt::tensorrt
