#pragma once

#include <cstdio>
#include <cstdlib>

namespace spread::protocol {

[[noreturn]] inline void assertion_failed(const char* condition, const char* file, int line) {
    std::fprintf(stderr, "spreadd: broken invariant at %s:%d: %s\n", file, line, condition);
    std::abort();
}

}  // namespace spread::protocol

/// States what only a bug of ours could break; on in release builds. Never for bytes from outside.
#define SPREAD_ASSERT(condition)  \
    (static_cast<bool>(condition) \
         ? static_cast<void>(0)   \
         : ::spread::protocol::assertion_failed(#condition, __FILE__, __LINE__))
