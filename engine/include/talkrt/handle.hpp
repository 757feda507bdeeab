// SPDX-License-Identifier: Apache-2.0
//
// One reference to an object of the C ABI. Owns it: copying retains, the destructor releases.
#pragma once

#include <utility>

namespace talkrt {

template <class T, void (*Retain)(T*), void (*Release)(T*)>
class Handle {
 public:
  Handle() = default;
  /// Takes over a reference that the ABI handed out.
  explicit Handle(T* object) noexcept : object_(object) {}
  Handle(const Handle& other) noexcept : object_(other.object_) { Retain(object_); }
  Handle(Handle&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Handle& operator=(Handle other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Handle() { Release(object_); }

  [[nodiscard]] T* get() const noexcept { return object_; }

 private:
  T* object_ = nullptr;
};

}  // namespace talkrt
