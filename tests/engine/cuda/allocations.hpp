// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace talkrt::testing {

/// Of this thread by operator new, without the emulated runtime's own.
unsigned long allocations();

}  // namespace talkrt::testing
