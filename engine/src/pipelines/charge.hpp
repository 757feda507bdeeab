// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "engine/src/device/charge.hpp"

namespace talkrt::pipelines {

using device::Charge;

}  // namespace talkrt::pipelines
