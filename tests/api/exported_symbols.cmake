# SPDX-License-Identifier: Apache-2.0
# cmake -DNM=... -DLIBRARY=... -DHEADER=... -P exported_symbols.cmake
# The shared library exports every function that talkrt.h declares and nothing else.
execute_process(COMMAND ${NM} -D --defined-only ${LIBRARY} OUTPUT_VARIABLE listing COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^ \n]+\n" lines "${listing}")
set(exported "")
foreach(line IN LISTS lines)
  string(STRIP "${line}" symbol)
  list(APPEND exported ${symbol})
endforeach()

file(READ ${HEADER} text)
string(REGEX MATCHALL "TALKRT_API [^;(]*(talkrt_[a-z_]+)\\(" declarations "${text}")
set(declared "")
foreach(declaration IN LISTS declarations)
  string(REGEX REPLACE ".*(talkrt_[a-z_]+)\\($" "\\1" name "${declaration}")
  list(APPEND declared ${name})
endforeach()

list(SORT exported)
list(SORT declared)
if(NOT "${exported}" STREQUAL "${declared}")
  message(FATAL_ERROR "exported: ${exported}\ndeclared: ${declared}")
endif()
list(LENGTH declared count)
message(STATUS "${count} functions declared and exported")
