# SPDX-License-Identifier: Apache-2.0
# find_package(talkrt) gives talkrt::talkrt: the shared library and its headers.
include(${CMAKE_CURRENT_LIST_DIR}/talkrtTargets.cmake)
