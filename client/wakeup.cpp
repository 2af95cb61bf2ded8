#include "client/wakeup.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

namespace spread::client {

Wakeup::Wakeup() : event_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void Wakeup::notify() const {
    const std::uint64_t one = 1;
    // Fails only when the counter is full, and then the descriptor is readable anyway.
    [[maybe_unused]] const auto written = write(event_.get(), &one, sizeof one);
}

void Wakeup::clear() const {
    std::uint64_t ignored = 0;
    [[maybe_unused]] const auto taken = read(event_.get(), &ignored, sizeof ignored);
}

}  // namespace spread::client
