# SPDX-License-Identifier: Apache-2.0
# Warnings, or sanitizers, that every target of ours compiles with.
function(talkrt_warnings target)
  if(TALKRT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TALKRT_SANITIZE} -fno-omit-frame-pointer -g -w)
    target_link_options(${target} PUBLIC -fsanitize=${TALKRT_SANITIZE})
    return()
  endif()
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow
                         $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor -Woverloaded-virtual>)
  # GCC 12 takes std::string's operator+ for an overlapping copy (its bug 105329).
  target_compile_options(${target} PRIVATE "$<$<CXX_COMPILER_ID:GNU>:-Wno-unknown-warning-option;-Wno-restrict>")
  if(TALKRT_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
