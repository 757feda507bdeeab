# SPDX-License-Identifier: Apache-2.0
if(POLICY CMP0144)
  cmake_policy(SET CMP0144 NEW)  # TENSORRT_ROOT counts, upper case
endif()

# Whether libtalkrt_tensorrt.so is built. A macro, so that what it finds is known at the top.
macro(talkrt_find_tensorrt)
  set(TALKRT_HAVE_TENSORRT OFF)
  # Sanitizers and fuzzers look at our own code.
  if(TALKRT_TENSORRT STREQUAL "ON" OR
     (TALKRT_TENSORRT STREQUAL "AUTO" AND NOT TALKRT_SANITIZE AND NOT TALKRT_BUILD_FUZZERS))
    find_package(TensorRT MODULE QUIET)
    if(TensorRT_FOUND)
      set(TALKRT_HAVE_TENSORRT ON)
      message(STATUS "TensorRT module: headers of ${TensorRT_VERSION} in ${TensorRT_INCLUDE_DIR}")
    elseif(TALKRT_TENSORRT STREQUAL "ON")
      message(FATAL_ERROR "TALKRT_TENSORRT is ON, but ${TensorRT_MISSING}.")
    else()
      message(STATUS "TensorRT module: left out, ${TensorRT_MISSING}.")
    endif()
  endif()
endmacro()
