#pragma once

#include <cstdint>

namespace spread::support {

/// Calls of any operator new so far, in the whole process: this executable replaces them all.
[[nodiscard]] std::uint64_t allocations();

/// From now on the next allocation aborts, so that a debugger shows where it comes from.
void abort_on_allocation(bool on);

}  // namespace spread::support
