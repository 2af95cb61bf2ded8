#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace spread::daemon {

/// The newest of a series of values that one thread makes now and then, for any other thread to
/// look at. Nobody waits for longer than a pointer takes to copy.
template <typename T>
class Latest {
  public:
    void set(std::shared_ptr<const T> value) {
        const std::lock_guard lock(mutex_);
        value_.swap(value);
    }
    /// Null before the first one.
    [[nodiscard]] std::shared_ptr<const T> get() const {
        const std::lock_guard lock(mutex_);
        return value_;
    }

  private:
    mutable std::mutex mutex_;
    std::shared_ptr<const T> value_;
};

}  // namespace spread::daemon
