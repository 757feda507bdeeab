// SPDX-License-Identifier: Apache-2.0
//
// What the opaque pointers of the C ABI point to: a count of the caller's references and one of ours.
#pragma once

#include <atomic>
#include <memory>

#include "engine/src/session/engine.hpp"
#include "engine/src/session/model.hpp"
#include "engine/src/session/session.hpp"

namespace talkrt::api {

struct Counted {
  std::atomic<int> references{1};
};

template <class T>
void retain(T* handle) noexcept {
  if (handle != nullptr) handle->references.fetch_add(1, std::memory_order_relaxed);
}

template <class T>
void release(T* handle) noexcept {
  if (handle != nullptr && handle->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete handle;
}

}  // namespace talkrt::api

struct talkrt_engine : talkrt::api::Counted {
  std::shared_ptr<talkrt::session::Engine> engine;
};

struct talkrt_model : talkrt::api::Counted {
  std::shared_ptr<talkrt::session::Engine> engine;
  std::shared_ptr<const talkrt::session::Model> model;  // after the engine: goes before it

  ~talkrt_model() {
    if (model) model->note_use();
  }
};

struct talkrt_session : talkrt::api::Counted {
  std::shared_ptr<talkrt::session::Session> session;
};
