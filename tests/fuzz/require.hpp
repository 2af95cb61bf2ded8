#pragma once

#include <cstdio>
#include <cstdlib>

namespace spread::fuzz {

/// Names the line: what is wrong is all there is to see of an optimised build.
inline void require(bool condition, const char* file = __builtin_FILE(),
                    int line = __builtin_LINE()) {
    if (!condition) {
        std::fprintf(stderr, "%s:%d: not so\n", file, line);
        std::abort();
    }
}

}  // namespace spread::fuzz
