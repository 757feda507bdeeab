// SPDX-License-Identifier: Apache-2.0
//
// The table. Exceptions end here.
#include <cstdio>
#include <cstring>
#include <memory>

#include "engine/cuda/current_device.hpp"
#include "engine/cuda/guarded.hpp"
#include "engine/cuda/module.hpp"
#include "engine/cuda/painter.hpp"
#include "engine/cuda/stream_calls.hpp"

namespace talkrt::cuda {
namespace {

/// As text: 8-4-4-4-12 hexadecimal digits.
void write_uuid(char (&out)[sizeof DeviceInfo::uuid], const char (&bytes)[16]) {
  char* at = out;
  for (int i = 0; i < 16; ++i) {
    if (i == 4 || i == 6 || i == 8 || i == 10) *at++ = '-';
    at += std::snprintf(at, 3, "%02x", static_cast<unsigned>(static_cast<unsigned char>(bytes[i])));
  }
}

/// Takes nothing on the device: no context, so that asking costs a host no memory there.
int describe(int device, DeviceInfo* info, Why* why) {
  return guarded(why, [&] {
    *info = {};
    check(cudaRuntimeGetVersion(&info->runtime), "asking for the runtime's version");
    check(cudaDriverGetVersion(&info->driver), "asking for the driver's version");
    if (info->driver == 0) throw NoDriver();
    check(cudaGetDeviceCount(&info->devices), "counting devices");
    if (device < 0 || device >= info->devices) throw Error(cudaErrorInvalidDevice, "choosing the device");
    cudaDeviceProp about{};
    check(cudaGetDeviceProperties(&about, device), "asking what the device is");
    std::snprintf(info->name, sizeof info->name, "%s", about.name);
    info->major = about.major;
    info->minor = about.minor;
    info->multiprocessors = about.multiProcessorCount;
    info->memory_bytes = about.totalGlobalMem;
    write_uuid(info->uuid, about.uuid.bytes);
    check(cudaDeviceGetPCIBusId(info->pci, sizeof info->pci, device), "asking where the device is");
  });
}

/// The calls below go to the legacy stream, which the painters' do not wait for, and for device memory they
/// return before the device has done them.
void settle() { check(cudaStreamSynchronize(nullptr), "waiting for the device"); }

int free_memory(int device, std::uint64_t* bytes, Why* why) {
  return on_device(device, why, [&] {
    std::size_t free = 0, total = 0;
    check(cudaMemGetInfo(&free, &total), "asking for free memory");
    *bytes = free;
  });
}

int take(int device, Memory kind, std::uint64_t bytes, void** out, Why* why) {
  *out = nullptr;
  return on_device(device, why, [&] {
    if (kind == Memory::pinned) {
      check(cudaMallocHost(out, bytes), "taking page-locked memory");
      std::memset(*out, 0, bytes);
      return;
    }
    void* taken = nullptr;
    check(cudaMalloc(&taken, bytes), "taking device memory");
    std::unique_ptr<void, decltype(&cudaFree)> held(taken, cudaFree);
    check(cudaMemset(taken, 0, bytes), "clearing device memory");
    settle();
    *out = held.release();
  });
}

void give(int device, Memory kind, void* memory) {
  const CurrentDevice here(device);
  static_cast<void>(kind == Memory::pinned ? cudaFreeHost(memory) : cudaFree(memory));
}

int copy_in(int device, void* to, const void* from, std::uint64_t bytes, Why* why) {
  if (bytes == 0) return 0;
  return on_device(device, why, [&] {
    check(cudaMemcpy(to, from, bytes, cudaMemcpyHostToDevice), "copying to the device");
    settle();
  });
}

int copy_out(int device, void* to, const void* from, std::uint64_t bytes, Why* why) {
  if (bytes == 0) return 0;
  return on_device(device, why, [&] {
    check(cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToHost), "copying from the device");
  });
}

int measure_painter(const PainterSpec* spec, std::uint64_t* device_bytes, std::uint64_t* pinned_bytes,
                    Why* why) {
  return guarded(why, [&] {
    const Painter::Bytes bytes = Painter::measure(*spec);
    *device_bytes = bytes.device;
    *pinned_bytes = bytes.pinned;
  });
}

int create_painter(int device, const PainterSpec* spec, void* device_memory, void* pinned_memory,
                   Painter** out, Why* why) {
  *out = nullptr;
  return on_device(device, why, [&] {
    *out = new Painter(device, *spec, static_cast<std::byte*>(device_memory),
                       static_cast<std::byte*>(pinned_memory));
  });
}

int prepare(Painter* painter, const gaussian::CudaLimits* limits, Why* why) {
  return on_device(painter->device(), why, [&] { painter->prepare(*limits); });
}

int draw(Painter* painter, const Job* jobs, int count, Why* why) {
  return on_device(painter->device(), why, [&] { painter->draw(jobs, count); });
}

CUstream_st* stream(const Painter* painter) { return painter->stream(); }

void destroy_painter(Painter* painter) {
  if (painter == nullptr) return;
  const CurrentDevice here(painter->device());
  delete painter;
}

int create_ticket(int device, Ticket** out, Why* why) {
  *out = nullptr;
  return on_device(device, why, [&] { *out = new Ticket(device); });
}

int wait(Ticket* ticket, Why* why) {
  return on_device(ticket->device(), why, [&] { ticket->wait(); });
}

int ready(Ticket* ticket, bool* out, Why* why) {
  return on_device(ticket->device(), why, [&] { *out = ticket->ready(); });
}

int follow(Ticket* ticket, CUstream_st* stream, Why* why) {
  return on_device(ticket->device(), why, [&] { ticket->follow(stream); });
}

void destroy_ticket(Ticket* ticket) {
  if (ticket == nullptr) return;
  const CurrentDevice here(ticket->device());
  delete ticket;
}

constexpr Module kModule{.abi = kModuleAbi,
                         .bytes = sizeof(Module),
                         .describe = describe,
                         .free_memory = free_memory,
                         .take = take,
                         .give = give,
                         .copy_in = copy_in,
                         .copy_out = copy_out,
                         .measure_painter = measure_painter,
                         .create_painter = create_painter,
                         .prepare = prepare,
                         .draw = draw,
                         .stream = stream,
                         .destroy_painter = destroy_painter,
                         .create_ticket = create_ticket,
                         .wait = wait,
                         .ready = ready,
                         .follow = follow,
                         .destroy_ticket = destroy_ticket,
                         .enter = enter,
                         .leave = leave,
                         .create_stream = create_stream,
                         .destroy_stream = destroy_stream,
                         .copy = copy,
                         .record = record,
                         .finish = finish,
                         .begin_capture = begin_capture,
                         .end_capture = end_capture,
                         .launch = launch,
                         .destroy_captured = destroy_captured,
                         .compose = compose};

}  // namespace
}  // namespace talkrt::cuda

/// Null for another version of the table.
extern "C" __attribute__((visibility("default"))) const talkrt::cuda::Module* talkrt_cuda_module(
    std::uint32_t abi) {
  return abi == talkrt::cuda::kModuleAbi ? &talkrt::cuda::kModule : nullptr;
}
