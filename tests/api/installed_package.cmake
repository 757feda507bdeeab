# SPDX-License-Identifier: Apache-2.0
# cmake -DBUILD=... -DSOURCE=... -DSCRATCH=... [-DPKG_CONFIG=...] -P installed_package.cmake
# Installs the library into an empty prefix and builds a foreign project against it.
file(REMOVE_RECURSE ${SCRATCH})
execute_process(COMMAND ${CMAKE_COMMAND} --install ${BUILD}/engine --prefix ${SCRATCH}/prefix
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} -S ${SOURCE} -B ${SCRATCH}/build -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_COMMAND} --build ${SCRATCH}/build OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${SCRATCH}/build/outsider OUTPUT_VARIABLE version COMMAND_ERROR_IS_FATAL ANY)
message(STATUS "find_package: ${version}")

if(PKG_CONFIG)
  file(GLOB_RECURSE pc ${SCRATCH}/prefix/*/talkrt.pc)
  get_filename_component(pc_dir ${pc} DIRECTORY)
  set(ENV{PKG_CONFIG_PATH} ${pc_dir})
  execute_process(COMMAND ${PKG_CONFIG} --variable=includedir talkrt OUTPUT_VARIABLE includedir
                  OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  if(NOT EXISTS ${includedir}/talkrt/talkrt.h)
    message(FATAL_ERROR "pkg-config says that headers are in ${includedir}; talkrt/talkrt.h is not there")
  endif()
  message(STATUS "pkg-config: ${includedir}")
endif()
