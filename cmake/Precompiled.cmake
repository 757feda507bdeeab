# SPDX-License-Identifier: Apache-2.0
# Standard headers that most files read, parsed once for a target. Every file still names what it uses:
# `make lint` reads each of the core without them. -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON does without (for ccache, say).
set(talkrt_standard_headers <algorithm> <array> <atomic> <cmath> <condition_variable> <cstddef> <cstdint> <cstring>
    <functional> <map> <memory> <mutex> <optional> <set> <span> <string> <string_view> <utility> <vector>)

function(talkrt_precompile target)
  target_precompile_headers(${target} PRIVATE ${talkrt_standard_headers} ${ARGN})
endfunction()
