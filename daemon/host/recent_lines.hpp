#pragma once

#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <string_view>

namespace spread::daemon {

/// The last lines of a log, for whoever looks later. For any thread; nobody waits for longer than
/// it takes to copy them.
class RecentLines {
  public:
    static constexpr std::size_t kLinesMax = 10000;
    static constexpr std::size_t kBytesMax = 2U << 20U;

    /// `line` ends in a newline.
    void add(std::string_view line) {
        const std::lock_guard lock(mutex_);
        lines_.emplace_back(line);
        bytes_ += line.size();
        while (lines_.size() > kLinesMax || (bytes_ > kBytesMax && lines_.size() > 1)) {
            bytes_ -= lines_.front().size();
            lines_.pop_front();
        }
    }
    /// One behind the other.
    [[nodiscard]] std::string text() const {
        const std::lock_guard lock(mutex_);
        std::string out;
        out.reserve(bytes_);
        for (const std::string& line : lines_) {
            out += line;
        }
        return out;
    }

  private:
    mutable std::mutex mutex_;
    std::deque<std::string> lines_;
    std::size_t bytes_ = 0;
};

}  // namespace spread::daemon
