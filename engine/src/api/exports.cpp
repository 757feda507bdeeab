// SPDX-License-Identifier: Apache-2.0
// The shared library is talkrt_core with the C ABI made visible; it has no source of its own.
