# SPDX-License-Identifier: Apache-2.0
# Whether libtalkrt_cuda.so is built, and for which GPUs. A macro: enable_language must run at the top.
macro(talkrt_find_cuda)
  set(TALKRT_HAVE_CUDA OFF)
  # Sanitizers and fuzzers look at the host's code.
  if(TALKRT_CUDA STREQUAL "ON" OR (TALKRT_CUDA STREQUAL "AUTO" AND NOT TALKRT_SANITIZE AND NOT TALKRT_BUILD_FUZZERS))
    include(CheckLanguage)
    check_language(CUDA)
    if(CMAKE_CUDA_COMPILER)
      if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
        set(CMAKE_CUDA_ARCHITECTURES 80-real 86-real 89-real 90-real 100-real 120)  # the last one with PTX
      endif()
      enable_language(CUDA)
      set(TALKRT_HAVE_CUDA ON)
      message(STATUS "CUDA module: ${CMAKE_CUDA_COMPILER} ${CMAKE_CUDA_COMPILER_VERSION}, for ${CMAKE_CUDA_ARCHITECTURES}")
    elseif(TALKRT_CUDA STREQUAL "ON")
      message(FATAL_ERROR "TALKRT_CUDA is ON but no CUDA compiler works here. Install nvcc, or pip install "
                          "\"cuda-toolkit[nvcc,cudart,cccl]\" and set CUDACXX to its bin/nvcc.")
    else()
      message(STATUS "CUDA module: left out, no nvcc. For it, pip install \"cuda-toolkit[nvcc,cudart,cccl]\" and set "
                     "CUDACXX to its bin/nvcc.")
    endif()
  endif()
endmacro()

# talkrt_cuda_options(target): how everything that nvcc compiles is compiled.
function(talkrt_cuda_options target)
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
  set_target_properties(${target} PROPERTIES CUDA_STANDARD 20 CUDA_STANDARD_REQUIRED ON CUDA_EXTENSIONS OFF
                        CUDA_RUNTIME_LIBRARY Static CUDA_VISIBILITY_PRESET hidden)
  # Multiply-adds are written where they are meant, as on the CPU.
  target_compile_options(${target} PRIVATE --fmad=false -Xcompiler=-Wall,-Wextra,-Wshadow)
  if(TALKRT_WERROR)
    target_compile_options(${target} PRIVATE --Werror=all-warnings -Xcompiler=-Werror)
  endif()
endfunction()
