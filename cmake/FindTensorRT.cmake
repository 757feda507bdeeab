# SPDX-License-Identifier: Apache-2.0
# TensorRT's runtime headers; its libraries are opened at run time. Looked for in TENSORRT_ROOT (a variable of
# CMake's or of the environment: an SDK, or a checkout of github.com/NVIDIA/TensorRT, whose include/ has them), then
# where the system keeps headers. They include cuda_runtime_api.h, which comes with nvcc.
#
#   talkrt::tensorrt_headers   include directories only, nothing to link
#   TensorRT_FOUND, TensorRT_VERSION, TensorRT_MISSING (how to get what is missing)
find_path(TensorRT_INCLUDE_DIR NvInferRuntime.h HINTS ${TENSORRT_ROOT} $ENV{TENSORRT_ROOT} PATH_SUFFIXES include)
get_filename_component(nvcc_folder "${CMAKE_CUDA_COMPILER}" DIRECTORY)
find_path(TensorRT_CUDA_INCLUDE_DIR cuda_runtime_api.h
          HINTS ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES} ${nvcc_folder}/../include /usr/local/cuda/include)

unset(TensorRT_VERSION)
if(TensorRT_INCLUDE_DIR)
  file(STRINGS ${TensorRT_INCLUDE_DIR}/NvInferVersion.h lines REGEX "#define (TRT|NV_TENSORRT)_(MAJOR|MINOR)")
  foreach(part MAJOR MINOR)
    if("${lines}" MATCHES "_${part}(_ENTERPRISE)? ([0-9]+)")
      list(APPEND TensorRT_VERSION ${CMAKE_MATCH_2})
    endif()
  endforeach()
  string(REPLACE ";" "." TensorRT_VERSION "${TensorRT_VERSION}")
endif()

set(TensorRT_FOUND OFF)
if(NOT TensorRT_INCLUDE_DIR)
  set(TensorRT_MISSING "no NvInferRuntime.h. For it, set TENSORRT_ROOT to a checkout of github.com/NVIDIA/TensorRT or "
      "to TensorRT's SDK")
elseif(NOT TensorRT_VERSION VERSION_GREATER_EQUAL 11)
  set(TensorRT_MISSING "${TensorRT_INCLUDE_DIR} has TensorRT ${TensorRT_VERSION}, and 11 or newer is needed")
elseif(NOT TensorRT_CUDA_INCLUDE_DIR)
  set(TensorRT_MISSING "no cuda_runtime_api.h. For it, pip install \"cuda-toolkit[nvcc,cudart,cccl]\" and set CUDACXX "
      "to its bin/nvcc")
else()
  set(TensorRT_FOUND ON)
  if(NOT TARGET talkrt_tensorrt_headers)
    add_library(talkrt_tensorrt_headers INTERFACE)
    add_library(talkrt::tensorrt_headers ALIAS talkrt_tensorrt_headers)
    target_include_directories(talkrt_tensorrt_headers SYSTEM INTERFACE ${TensorRT_INCLUDE_DIR}
                               ${TensorRT_CUDA_INCLUDE_DIR})
  endif()
endif()
string(REPLACE ";" "" TensorRT_MISSING "${TensorRT_MISSING}")
