# SPDX-License-Identifier: Apache-2.0
# Headers of libraries that the engine only opens or includes: ONNX Runtime (opened at run time) and
# nlohmann-json. Where they come from, in this order: installed ones; the Debian package, unpacked under the
# build folder (a newer Debian's where the running one lacks it); the project's official release.
#
#   talkrt::onnxruntime_headers   include directory only, nothing to link
#   nlohmann_json::nlohmann_json
#   GTest::gtest_main             for tests
add_library(talkrt_onnxruntime_headers INTERFACE)
add_library(talkrt::onnxruntime_headers ALIAS talkrt_onnxruntime_headers)

function(talkrt_debian_package package out)
  # Unpacks `package` below the build folder without installing it; sets `out` to the root, or to NOTFOUND.
  set(root ${PROJECT_BINARY_DIR}/debian/${package})
  if(NOT EXISTS ${root}/usr)
    execute_process(COMMAND ${PROJECT_SOURCE_DIR}/cmake/debian-package.sh ${package} ${root}
                    RESULT_VARIABLE result OUTPUT_VARIABLE log ERROR_VARIABLE log)
    if(NOT result EQUAL 0)
      message(STATUS "Debian package ${package}: not available here\n${log}")
      set(${out} NOTFOUND PARENT_SCOPE)
      return()
    endif()
  endif()
  set(${out} ${root} PARENT_SCOPE)
endfunction()

# ---- ONNX Runtime ----
find_path(ONNXRUNTIME_INCLUDE_DIR onnxruntime_c_api.h
          HINTS $ENV{ONNXRUNTIME_ROOT}/include ${ONNXRUNTIME_ROOT}/include
          PATH_SUFFIXES onnxruntime onnxruntime/core/session)
if(NOT ONNXRUNTIME_INCLUDE_DIR)
  talkrt_debian_package(libonnxruntime-dev root)
  if(root)
    find_path(ONNXRUNTIME_INCLUDE_DIR onnxruntime_c_api.h
              HINTS ${root}/usr/include NO_DEFAULT_PATH
              PATH_SUFFIXES onnxruntime onnxruntime/core/session)
  endif()
endif()
if(NOT ONNXRUNTIME_INCLUDE_DIR)
  include(FetchContent)
  FetchContent_Declare(onnxruntime_release
    URL https://github.com/microsoft/onnxruntime/releases/download/v1.21.0/onnxruntime-linux-x64-1.21.0.tgz)
  FetchContent_GetProperties(onnxruntime_release)
  if(NOT onnxruntime_release_POPULATED)
    FetchContent_Populate(onnxruntime_release)
  endif()
  find_path(ONNXRUNTIME_INCLUDE_DIR onnxruntime_c_api.h HINTS ${onnxruntime_release_SOURCE_DIR}/include
            NO_DEFAULT_PATH)
endif()
if(NOT ONNXRUNTIME_INCLUDE_DIR)
  message(FATAL_ERROR
    "ONNX Runtime's headers were not found: not installed, no Debian package libonnxruntime-dev, and the "
    "official release could not be fetched. Unpack a release from "
    "https://github.com/microsoft/onnxruntime/releases and pass -DONNXRUNTIME_ROOT=<folder>.")
endif()
message(STATUS "ONNX Runtime headers: ${ONNXRUNTIME_INCLUDE_DIR}")
target_include_directories(talkrt_onnxruntime_headers SYSTEM INTERFACE ${ONNXRUNTIME_INCLUDE_DIR})

# ---- nlohmann-json ----
find_package(nlohmann_json 3.10 QUIET)
if(NOT nlohmann_json_FOUND)
  talkrt_debian_package(nlohmann-json3-dev root)
  if(root)
    add_library(nlohmann_json::nlohmann_json INTERFACE IMPORTED)
    target_include_directories(nlohmann_json::nlohmann_json SYSTEM INTERFACE ${root}/usr/include)
  else()
    include(FetchContent)
    FetchContent_Declare(nlohmann_json
      URL https://github.com/nlohmann/json/releases/download/v3.11.3/json.tar.xz
      URL_HASH SHA256=d6c65aca6b1ed68e7a182f4757257b107ae403032760ed6ef121c9d55e81757d)
    FetchContent_MakeAvailable(nlohmann_json)
  endif()
endif()

# ---- GoogleTest ----
if(TALKRT_BUILD_TESTS)
  find_package(GTest QUIET)
  if(NOT GTest_FOUND)
    talkrt_debian_package(googletest root)
    if(root)
      set(INSTALL_GTEST OFF)
      add_subdirectory(${root}/usr/src/googletest ${PROJECT_BINARY_DIR}/googletest EXCLUDE_FROM_ALL)
      if(NOT TARGET GTest::gtest_main) # newer ones bring the name
        add_library(GTest::gtest_main ALIAS gtest_main)
      endif()
    else()
      message(FATAL_ERROR "GoogleTest was not found. Install libgtest-dev, or pass -DTALKRT_BUILD_TESTS=OFF.")
    endif()
  endif()
endif()
