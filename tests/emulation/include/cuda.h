// SPDX-License-Identifier: Apache-2.0
//
// Stands in for the CUDA driver's header; see cuda_runtime.h beside it.
#pragma once

using CUcontext = struct CUctx_st*;
using CUresult = int;
