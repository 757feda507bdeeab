// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/cuda/handles.hpp"

namespace talkrt::cuda {

class Ticket {
 public:
  explicit Ticket(int device) : device_(device), event_(make_event(cudaEventBlockingSync)) {}

  [[nodiscard]] int device() const { return device_; }
  void record(cudaStream_t stream) {
    check(cudaEventRecord(event_.get(), stream), "marking a picture's end");
  }
  [[nodiscard]] bool ready() const { return reached(event_.get()); }
  void wait() const { wait_for(event_.get()); }
  void follow(cudaStream_t stream) const {
    check(cudaStreamWaitEvent(stream, event_.get(), 0), "making a stream wait for a picture");
  }

 private:
  int device_;
  Event event_;
};

}  // namespace talkrt::cuda
