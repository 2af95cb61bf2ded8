#pragma once

#include "protocol/result.hpp"
#include "spread/error.hpp"

namespace spread::client {

using spread::Error;
using spread::ErrorCode;
using spread::fail;
using spread::Result;

}  // namespace spread::client
