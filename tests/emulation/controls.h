/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a test may ask of the emulated GPU, and have it do. Plain C, so that Python's ctypes finds it in
 * libtalkrt_cuda_emulated.so.
 */
#ifndef TALKRT_TESTS_EMULATION_CONTROLS_H
#define TALKRT_TESTS_EMULATION_CONTROLS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TALKRT_EMULATION_EXPORT __attribute__((visibility("default")))

/* Device and page-locked bytes that are taken now. */
TALKRT_EMULATION_EXPORT uint64_t talkrt_emulation_bytes_taken(void);
/* From now on memory beyond this is refused; UINT64_MAX: never. Returns the last limit. */
TALKRT_EMULATION_EXPORT uint64_t talkrt_emulation_set_memory_limit(uint64_t bytes);
/* Kernels so far. */
TALKRT_EMULATION_EXPORT uint64_t talkrt_emulation_launches(void);
/* How often a function of the runtime, "cudaMalloc", was called so far; null: any of them. */
TALKRT_EMULATION_EXPORT uint64_t talkrt_emulation_calls(const char* name);
/* The `nth` call from now on (0: the next one) fails with this CUDA error. After one that means a lost GPU
 * (700, an illegal address), every later call fails with it. */
TALKRT_EMULATION_EXPORT void talkrt_emulation_fail(uint64_t nth, int error);
/* The next call of this function of the runtime fails with this CUDA error, once. */
TALKRT_EMULATION_EXPORT void talkrt_emulation_fail_call(const char* name, int error);
/* Sound again: no failures, no limit. */
TALKRT_EMULATION_EXPORT void talkrt_emulation_restore(void);
/* 1: streams do nothing until somebody waits for it, so that whoever forgets to wait finds old bytes. 0: they
 * work at once. Returns what it was. */
TALKRT_EMULATION_EXPORT int talkrt_emulation_set_late(int late);
/* 0: blocks of threads run in order; else shuffled by this seed. Returns the last seed. */
TALKRT_EMULATION_EXPORT unsigned talkrt_emulation_set_order(unsigned seed);

/* What a library that computes on the GPU would put on a stream (a cudaStream_t); may be captured. Answers a
 * CUDA error. */
TALKRT_EMULATION_EXPORT int talkrt_emulation_enqueue(void* stream, void (*work)(void* data), void* data);

#ifdef __cplusplus
}
#endif

#endif
