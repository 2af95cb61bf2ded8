#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

namespace spread::support {

/// What a test waits for happens within this time even on a loaded machine, or never.
inline constexpr std::chrono::seconds kPatience{30};

/// A moment after which waiting is pointless.
class Deadline {
  public:
    explicit Deadline(std::chrono::milliseconds from_now)
        : at_(std::chrono::steady_clock::now() + from_now) {}

    [[nodiscard]] bool passed() const { return std::chrono::steady_clock::now() >= at_; }

    /// Milliseconds left for poll(2), at least 0.
    [[nodiscard]] int poll_timeout() const {
        const auto left =
            std::chrono::ceil<std::chrono::milliseconds>(at_ - std::chrono::steady_clock::now());
        return left.count() > 0 ? static_cast<int>(left.count()) : 0;
    }

  private:
    std::chrono::steady_clock::time_point at_;
};

/// Returns as soon as `condition` holds; throws, naming `what`, when it does not in time. For
/// conditions without an event to wait for, such as another process listening.
template <typename Condition>
void wait_until(const std::string& what, Condition condition,
                std::chrono::milliseconds patience = kPatience) {
    const Deadline deadline(patience);
    while (!condition()) {
        if (deadline.passed()) {
            throw std::runtime_error("waited in vain: " + what);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
}

}  // namespace spread::support
