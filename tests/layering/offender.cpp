// Does what the core must not; the symbol check has to find it.

#include <chrono>
#include <cstdlib>

namespace spread::layering {

bool offend() {
    return std::getenv("HOME") != nullptr && std::chrono::steady_clock::now().time_since_epoch() >
                                                 std::chrono::steady_clock::duration::zero();
}

}  // namespace spread::layering
