// SPDX-License-Identifier: Apache-2.0
//
// The rasterizer alone, for arrays that talkrt.rasterizing has checked: their shapes agree, they are float32
// and without gaps.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>

#include <exception>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <talkrt/error.hpp>

#include "engine/src/device/thread_pool.hpp"
#include "engine/src/render/batch_rasterizer.hpp"
#include "objects.hpp"

namespace nb = nanobind;
using namespace nb::literals;

namespace talkrt::python {
namespace {

template <class T>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
using Floats = Array<const float>;
using FloatsOut = Array<float>;
using IntsOut = Array<std::int32_t>;

/// Shared by all calls of the process and never destroyed: a process that ends, or a forked child, must not
/// wait for its threads.
device::ThreadPool& process_pool() {
  static auto* pool = new device::ThreadPool(device::usable_cores());
  return *pool;
}

/// Runs `function` without the GIL; failures become talkrt.Error.
template <class Function>
void run(const Function& function) {
  talkrt_status status = TALKRT_OK;
  std::string message;
  {
    const nb::gil_scoped_release without_gil;
    try {
      function();
    } catch (const Error& error) {
      status = error.code();
      message = error.what();
    } catch (const std::bad_alloc&) {
      status = TALKRT_ERROR_OUT_OF_MEMORY;
      message = "rasterize: the system refused memory";
    } catch (const std::invalid_argument& error) {
      status = TALKRT_ERROR_INVALID_ARGUMENT;
      message = error.what();
    }
  }
  if (status != TALKRT_OK) raise(status, message);
}

void answer_signals() {
  const nb::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw nb::python_error();
}

void rasterize(const Floats& means, const Floats& quats, const Floats& scales, const Floats& opacities,
               const std::optional<Floats>& colors, int sh_degree, const Floats& viewmats, const Floats& Ks,
               int width, int height, const std::optional<Floats>& backgrounds, float near_plane,
               float far_plane, float radius_clip, float eps2d, bool antialias, bool inria, int depth,
               int threads, const FloatsOut& pictures, const FloatsOut& alphas, const IntsOut& radii,
               const FloatsOut& means2d, const FloatsOut& depths, const FloatsOut& conics,
               const FloatsOut& projected_opacities, const IntsOut& tiles,
               const Array<std::int64_t>& invalid) {
  const gaussian::Shapes shapes{static_cast<int>(means.shape(0)), means.data(), quats.data(), scales.data(),
                                opacities.data()};
  render::BatchColors rows;
  rows.sh_degree = sh_degree;
  if (colors) {
    rows.rows = colors->data();
    rows.channels = static_cast<int>(colors->shape(colors->ndim() - 1));
    if (sh_degree >= 0) {
      rows.stored_bases = static_cast<int>(colors->shape(1));
    } else {
      rows.per_camera = colors->ndim() == 3;
    }
  }
  const render::BatchCameras cameras{
      static_cast<int>(viewmats.shape(0)),        width, height, viewmats.data(), Ks.data(),
      backgrounds ? backgrounds->data() : nullptr};
  gaussian::RasterOptions options;
  options.antialias = antialias;
  options.near_plane = near_plane;
  options.far_plane = far_plane;
  options.eps2d = eps2d;
  options.radius_clip = radius_clip;
  options.convention = inria ? gaussian::Convention::inria : gaussian::Convention::gsplat;
  const render::BatchOutput out{
      pictures.data(),
      alphas.data(),
      {radii.data(), means2d.data(), depths.data(), conics.data(), projected_opacities.data(), tiles.data()},
      invalid.data()};
  run([&] {
    const auto draw = [&](Executor& executor) {
      rasterize_batch(shapes, rows, cameras, static_cast<render::DepthChannel>(depth), options, out, executor,
                      answer_signals);
    };
    if (threads == 0) {
      draw(process_pool());
    } else {
      device::ThreadPool own(threads);
      draw(own);
    }
  });
}

}  // namespace

void bind_rasterizer(nb::module_& module) {
  module.def("rasterize", &rasterize, nb::kw_only(), "means"_a, "quats"_a, "scales"_a, "opacities"_a,
             "colors"_a.none(), "sh_degree"_a, "viewmats"_a, "Ks"_a, "width"_a, "height"_a,
             "backgrounds"_a.none(), "near_plane"_a, "far_plane"_a, "radius_clip"_a, "eps2d"_a, "antialias"_a,
             "inria"_a, "depth"_a, "threads"_a, "pictures"_a.noconvert(), "alphas"_a.noconvert(),
             "radii"_a.noconvert(), "means2d"_a.noconvert(), "depths"_a.noconvert(), "conics"_a.noconvert(),
             "projected_opacities"_a.noconvert(), "tiles"_a.noconvert(), "invalid"_a.noconvert(),
             "Draws cameras into the caller's arrays; use talkrt.rasterize, which checks them.");
}

}  // namespace talkrt::python
