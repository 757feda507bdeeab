// SPDX-License-Identifier: Apache-2.0
//
// The table's calls for streams that other libraries fill: networks.
#pragma once

#include "engine/cuda/module.hpp"

namespace talkrt::cuda {

int enter(int device, void** before, Why* why);
void leave(void* before);
int create_stream(int device, CUstream_st** out, Why* why);
void destroy_stream(int device, CUstream_st* stream);
int copy(int device, CUstream_st* stream, void* to, const void* from, std::uint64_t bytes, Why* why);
int record(Ticket* ticket, CUstream_st* stream, Why* why);
int finish(int device, CUstream_st* stream, Why* why);
int begin_capture(int device, CUstream_st* stream, Why* why);
int end_capture(int device, CUstream_st* stream, Captured** out, Why* why);
int launch(Captured* captured, CUstream_st* stream, Why* why);
void destroy_captured(Captured* captured);
int compose(int device, CUstream_st* stream, const image::CudaPortrait* portrait, Why* why);

}  // namespace talkrt::cuda
