// SPDX-License-Identifier: Apache-2.0
//
// A whole file, mapped read-only; unmaps itself. Move-only.
//
// A file that another process truncates or rewrites while it is mapped cannot be defended against: reading
// a page that is gone raises SIGBUS, and rewritten bytes appear under our feet. Replace a plan by renaming
// a new file over it, as the exporters do: the mapping keeps the old file alive.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace talkrt::plan {

class MappedFile {
 public:
  /// Throws NOT_FOUND where there is no such file, IO where it cannot be opened, is not a regular file, or
  /// cannot be mapped. An empty file is an empty span.
  explicit MappedFile(const std::string& path);
  MappedFile() noexcept = default;
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
  /// Gives the memory of whole pages of `part` back to the system; whoever reads them gets them from the file
  /// again.
  void forget(std::span<const std::byte> part) const noexcept;

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace talkrt::plan
