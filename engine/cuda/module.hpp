// SPDX-License-Identifier: Apache-2.0
//
// libtalkrt_cuda.so, as the core sees it: one exported function that hands out a table. The core links
// nothing of CUDA; it opens this module at run time (engine/src/device/cuda_module.hpp), and both are built
// from the same sources, which `abi` and `bytes` make sure of.
//
// The core owns all memory, so that every byte is in an account before it is taken; the module takes,
// copies and launches. Every call answers 0, or CUDA's error number with a sentence in `why`; nothing is
// thrown across. Calls come from any thread and leave its current CUDA context as it was. Calls on one
// painter come one after the other; tickets may be waited for meanwhile, by other threads.
//
// A GPU that failed while in use answers with the same number and sentence from then on, for which lost()
// is true. Nothing on it can be used again by this process; what is destroyed or given back is so without
// a word.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/gaussian/avatar_cuda.hpp"
#include "kernels/gaussian/raster_cuda.hpp"
#include "kernels/image/paste_cuda.hpp"

namespace talkrt::cuda {

inline constexpr std::uint32_t kModuleAbi = 6;
inline constexpr const char* kModuleEntry = "talkrt_cuda_module";
inline constexpr int kUnderWay = 3;  // draws of a painter before one is waited for

struct Why {
  char text[512];
};

struct DeviceInfo {
  char name[256];
  int devices;          // that the driver offers
  int driver, runtime;  // 13000 is CUDA 13.0
  int major, minor;     // compute capability
  int multiprocessors;
  std::uint64_t memory_bytes;
  char pci[32];   // "0000:65:00.0", by which other libraries know it; of a part of a GPU (MIG) its parent's
  char uuid[40];  // "f8c6bd8b-81e8-1f34-5d3a-0b8d7f5b1a2c", the part's where CUDA tells it
};

enum class Memory : int { device, pinned };  // pinned: page-locked memory of the host, which the GPU can use

/// Of one draw, at most.
struct PainterSpec {
  int views = 1;
  int max_shapes = 0, max_joints = 0;  // of a view
};

/// From the GPU to page-locked memory, by the copy engine, once the pictures of the draw are there.
struct Copy {
  const void* from = nullptr;
  void* to = nullptr;
  std::size_t bytes = 0;
};
inline constexpr int kMaxCopies = 4;  // three planes and the counts

/// What else the picture of a recorded avatar needs. Pointers are to device memory; what lies there may come
/// by `in`, which no two jobs of a draw share. Its host may write the source of `in` again when kUnderWay
/// draws more were begun.
struct Recorded {
  Copy in;  // from pinned memory, before everything; both begin on 16 bytes
  const gaussian::CudaLayers* layers = nullptr;
  const gaussian::CudaAttention* attention = nullptr;
  int layers_count = 0, attention_count = 0;
  std::size_t layers_rows = 0, attention_rows = 0;  // gaussian::move_rows_of() the widest of them
  const gaussian::CudaTrack* track = nullptr;
  bool composes = false, lays_under = false;  // whether the track has a background; or a torso and none
};

/// "What that job makes is where it shall be."
class Ticket;

/// One picture of a draw. Targets are device memory, or pinned memory that the kernels then write over the
/// bus themselves; so is `view.scratch.stats`, which a host may put into pinned memory to read it there.
struct Job {
  gaussian::CudaView view;                // `view.pose` is the module's
  const float* shape_weights = nullptr;   // [view.rig.shapes] the host's; copied before draw() returns
  const float* joint_matrices = nullptr;  // [view.rig.joints, 12] the same; null: `view.rig.rest` as it is
  const Recorded* recorded = nullptr;     // the host's, until draw() returns; may be null
  Copy copies[kMaxCopies];
  int copy_count = 0;
  Ticket* done = nullptr;  // may be null
};

/// One GPU's draw stream, copy stream and graphs, for all sessions of an engine.
class Painter;

/// What a stream was given while it was captured, to be launched as one.
class Captured;

struct Module {
  std::uint32_t abi;
  std::uint32_t bytes;  // of this table

  /// Takes nothing on the device.
  int (*describe)(int device, DeviceInfo* info, Why* why);

  /// What the device has free at this moment, whoever holds the rest.
  int (*free_memory)(int device, std::uint64_t* bytes, Why* why);

  /// Zeroed, aligned to 256 bytes.
  int (*take)(int device, Memory kind, std::uint64_t bytes, void** out, Why* why);
  /// Waits for what the device is doing. Null is nothing.
  void (*give)(int device, Memory kind, void* memory);
  /// Done when they return. Not for frames.
  int (*copy_in)(int device, void* to, const void* from, std::uint64_t bytes, Why* why);
  int (*copy_out)(int device, void* to, const void* from, std::uint64_t bytes, Why* why);

  /// What the two memories of create_painter() must hold.
  int (*measure_painter)(const PainterSpec* spec, std::uint64_t* device_bytes, std::uint64_t* pinned_bytes,
                         Why* why);
  int (*create_painter)(int device, const PainterSpec* spec, void* device_memory, void* pinned_memory,
                        Painter** out, Why* why);
  /// Makes graphs for views within these limits, alone and beside all that was prepared before. Never in a
  /// frame: it takes milliseconds.
  int (*prepare)(Painter* painter, const gaussian::CudaLimits* limits, Why* why);
  /// One launch of one graph: the views in, two kernels, and one of each kind that recorded avatars among the
  /// jobs need, however many they are; then the copies, beside the next draw. Returns at once, unless
  /// kUnderWay draws are under way: then it waits for the first of them. Allocates nothing. After a failure
  /// no ticket of these jobs means anything.
  int (*draw)(Painter* painter, const Job* jobs, int count, Why* why);
  /// The stream that draw() fills, for whoever goes on with the pictures on the device.
  CUstream_st* (*stream)(const Painter* painter);
  /// Waits for what runs.
  void (*destroy_painter)(Painter* painter);

  int (*create_ticket)(int device, Ticket** out, Why* why);
  /// Until the job of the last draw() with this ticket is done. One that was never drawn with is done.
  int (*wait)(Ticket* ticket, Why* why);
  int (*ready)(Ticket* ticket, bool* out, Why* why);
  /// What is enqueued on `stream` from now on waits for it instead; returns at once.
  int (*follow)(Ticket* ticket, CUstream_st* stream, Why* why);
  void (*destroy_ticket)(Ticket* ticket);

  // Streams that other libraries fill, such as those that run networks. Painters do not wait for them, nor
  // they for painters.

  /// The device's context is the calling thread's until leave(): for libraries that compute in that one.
  int (*enter)(int device, void** before, Why* why);
  void (*leave)(void* before);
  int (*create_stream)(int device, CUstream_st** out, Why* why);
  /// Waits for what runs. Null is nothing.
  void (*destroy_stream)(int device, CUstream_st* stream);
  /// From and to device or pinned memory, in the stream's order; returns at once. Memory of the host's that
  /// is not pinned must stay until finish().
  int (*copy)(int device, CUstream_st* stream, void* to, const void* from, std::uint64_t bytes, Why* why);
  /// "What the stream was given so far is done."
  int (*record)(Ticket* ticket, CUstream_st* stream, Why* why);
  /// Waits for all that the stream was given.
  int (*finish)(int device, CUstream_st* stream, Why* why);
  /// What the stream is given from now on is written down, not done. By one thread at a time.
  int (*begin_capture)(int device, CUstream_st* stream, Why* why);
  /// `out` null: it is thrown away.
  int (*end_capture)(int device, CUstream_st* stream, Captured** out, Why* why);
  int (*launch)(Captured* captured, CUstream_st* stream, Why* why);
  void (*destroy_captured)(Captured* captured);
  /// One kernel, in the stream's order.
  int (*compose)(int device, CUstream_st* stream, const image::CudaPortrait* portrait, Why* why);
};

using ModuleEntry = const Module* (*)(std::uint32_t abi);

/// Whether the code means that the GPU failed while in use.
constexpr bool lost(int code) {
  switch (code) {
    case 46:   // devices unavailable
    case 201:  // device uninitialized
    case 214:  // uncorrectable ECC error
    case 220:  // uncorrectable NVLink error
    case 226:  // contained memory error
    case 700:  // illegal address
    case 702:  // launch timeout
    case 709:  // context is destroyed
    case 710:  // assertion
    case 714:  // hardware stack error
    case 715:  // illegal instruction
    case 716:  // misaligned address
    case 717:  // invalid address space
    case 718:  // invalid program counter
    case 719:  // launch failure
    case 999:  // unknown: a GPU that fell off the bus
      return true;
    default:
      return false;
  }
}

}  // namespace talkrt::cuda
