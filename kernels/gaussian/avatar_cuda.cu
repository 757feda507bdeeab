// SPDX-License-Identifier: Apache-2.0
#include "kernels/gaussian/avatar_cuda.hpp"
#include "kernels/gaussian/shares_cuda.hpp"

namespace talkrt::gaussian {
namespace cuda {
namespace {

constexpr std::size_t kShare = kShareThreads * sizeof(float4);

/// Over the bus, sixteen bytes a thread and all of them under way at once, for all avatars together: copies
/// of their own would be one after the other, and each would wait for the bus to answer.
__global__ void __launch_bounds__(kShareThreads, kShareResident) take_in(const CudaAvatars* all) {
  Shares mine;
  for (int i = 0; i < all->count; ++i) {
    const CudaAvatar& avatar = all->avatars[i];
    mine.of(static_cast<int>((avatar.bytes + kShare - 1) / kShare), [&](int share) {
      const std::size_t at = static_cast<std::size_t>(share) * kShare + threadIdx.x * sizeof(float4);
      const auto* from = static_cast<const unsigned char*>(avatar.from);
      auto* to = static_cast<unsigned char*>(avatar.to);
      if (at + sizeof(float4) <= avatar.bytes) {
        *reinterpret_cast<float4*>(to + at) = *reinterpret_cast<const float4*>(from + at);
        return;
      }
      for (std::size_t byte = at; byte < avatar.bytes; ++byte) to[byte] = from[byte];
    });
  }
}

}  // namespace
}  // namespace cuda

int take_in_cuda(const CudaAvatars* avatars, const CudaPlaces& places, CUstream_st* stream) {
  return static_cast<int>(
      talkrt::cuda::launch(cuda::launch_of_shares(places, stream), cuda::take_in, avatars));
}

int before_views_cuda(const CudaAvatars* avatars, const CudaAvatarLimits& limits, const CudaPlaces& places,
                      CUstream_st* stream) {
  int error = 0;
  if (limits.takes_in) error = take_in_cuda(avatars, places, stream);
  if (error == 0 && limits.layers_rows > 0) {
    error = move_layers_cuda(avatars, limits.layers_rows, places, stream);
  }
  if (error == 0 && limits.attention_rows > 0) {
    error = move_attention_cuda(avatars, limits.attention_rows, places, stream);
  }
  if (error == 0 && limits.composes) error = compose_backdrop_cuda(avatars, places, stream);
  return error;
}

int after_views_cuda(const CudaView* views, const CudaAvatars* avatars, const CudaAvatarLimits& limits,
                     const CudaPlaces& places, CUstream_st* stream) {
  int error = 0;
  if (limits.grows) error = grow_behind_cuda(views, avatars, places, stream);
  if (error == 0 && limits.lays_under) error = lay_under_cuda(views, avatars, places, stream);
  return error;
}

}  // namespace talkrt::gaussian
