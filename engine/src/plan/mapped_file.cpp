// SPDX-License-Identifier: Apache-2.0
#include "engine/src/plan/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <system_error>
#include <talkrt/error.hpp>
#include <utility>

namespace talkrt::plan {
namespace {

class Descriptor {  // owns an open file descriptor
 public:
  explicit Descriptor(int fd) noexcept : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail(talkrt_status code, const std::string& path, const std::string& why) {
  throw Error(code, path + ": " + why);
}

std::string reason(int error) { return std::generic_category().message(error); }

}  // namespace

MappedFile::MappedFile(const std::string& path) {
  // O_NONBLOCK: opening a FIFO must not wait for a writer. It means nothing for regular files.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) {
    const int error = errno;
    if (error == ENOENT || error == ENOTDIR) fail(TALKRT_ERROR_NOT_FOUND, path, "no such plan file");
    fail(TALKRT_ERROR_IO, path, "cannot be opened: " + reason(error));
  }
  struct stat status{};
  if (::fstat(file.get(), &status) != 0) fail(TALKRT_ERROR_IO, path, "cannot be examined: " + reason(errno));
  if (S_ISDIR(status.st_mode)) fail(TALKRT_ERROR_IO, path, "is a directory, expected a plan file");
  if (!S_ISREG(status.st_mode)) fail(TALKRT_ERROR_IO, path, "is not a regular file, expected a plan file");
  if (status.st_size == 0) return;

  const auto size = static_cast<std::size_t>(status.st_size);
  void* address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) fail(TALKRT_ERROR_IO, path, "cannot be mapped: " + reason(errno));
  bytes_ = {static_cast<const std::byte*>(address), size};
  ::madvise(address, size, MADV_WILLNEED);  // validation reads all of it; a hint that may fail
}

MappedFile::MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

void MappedFile::forget(std::span<const std::byte> part) const noexcept {
  if (bytes_.empty()) return;
  const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(part.data()), last = first + part.size();
  const std::uintptr_t begin = (first + page - 1) / page * page, end = last / page * page;
  if (begin < end) {
    ::madvise(const_cast<std::byte*>(part.data() + (begin - first)), end - begin, MADV_DONTNEED);
  }
}

MappedFile::~MappedFile() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace talkrt::plan
