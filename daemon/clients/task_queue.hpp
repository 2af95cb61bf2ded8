#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace spread::daemon {

/// Tasks that other threads have for a loop. They are rare; the thread that posts one also has to
/// wake the loop.
class TaskQueue {
  public:
    using Task = std::function<void()>;

    /// From any thread.
    void post(Task task) {
        const std::lock_guard lock(mutex_);
        posted_.push_back(std::move(task));
        has_tasks_.store(true, std::memory_order_release);
    }

    // The loop's thread:

    [[nodiscard]] bool has_tasks() const { return has_tasks_.load(std::memory_order_acquire); }
    /// Runs the tasks posted before this call, in order.
    void run() {
        if (!has_tasks()) {
            return;
        }
        {
            const std::lock_guard lock(mutex_);
            has_tasks_.store(false, std::memory_order_relaxed);
            running_.swap(posted_);
        }
        for (const Task& task : running_) {
            task();
        }
        running_.clear();
    }

  private:
    std::mutex mutex_;
    std::vector<Task> posted_;  ///< guarded by mutex_
    std::vector<Task> running_;
    std::atomic<bool> has_tasks_{false};
};

}  // namespace spread::daemon
