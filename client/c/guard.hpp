#pragma once

#include <cerrno>

#include "client/c/include/sp.h"

namespace spread::c_api {

/// The way into every function of the C interface. No exception leaves it (only memory can run
/// out), and errno stays as it was unless the connection is what failed: programs look at it.
template <typename Body>
int guarded(Body body) noexcept {
    const int before = errno;
    int result = SP_BUG;
    try {
        result = body();
    } catch (...) {
        result = SP_BUG;
    }
    if (result != CONNECTION_CLOSED && result != COULD_NOT_CONNECT) {
        errno = before;
    }
    return result;
}

}  // namespace spread::c_api
