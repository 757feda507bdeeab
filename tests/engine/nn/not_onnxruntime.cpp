// SPDX-License-Identifier: Apache-2.0
//
// A library that opens but is not ONNX Runtime.
extern "C" __attribute__((visibility("default"))) int something_else() { return 0; }
