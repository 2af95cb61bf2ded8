#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "tools/spbench/clock.hpp"
#include "tools/spbench/options.hpp"

namespace spread::spbench {

/// Counts of one sender that other threads look at.
struct SenderCounts {
    std::size_t daemon = 0;
    std::size_t group = 0;
    std::atomic<std::uint64_t> sent{0};
    std::atomic<bool> is_done{false};
    std::atomic<bool> is_broken{false};
};

/// Counts of one receiver that other threads look at: for each sender, the number it expects next.
struct ReceiverCounts {
    std::size_t daemon = 0;
    std::size_t group = 0;
    std::vector<std::atomic<std::uint64_t>> next_from;
    std::atomic<std::uint64_t> delivered{0};
    std::atomic<bool> is_broken{false};

    explicit ReceiverCounts(std::size_t senders) : next_from(senders) {}
};

/// All that the threads of one load run share: what to do, and how far everybody is.
struct LoadPlan {
    Options options;
    std::uint16_t run = 0;
    std::vector<std::string> group_names;
    Nanoseconds start = 0;  ///< of sending
    Nanoseconds measure_from = 0;
    Nanoseconds measure_until = 0;  ///< far away when messages are counted
    std::vector<std::unique_ptr<SenderCounts>> senders;
    std::vector<std::unique_ptr<ReceiverCounts>> receivers;
    std::atomic<bool> is_stopping{false};

    [[nodiscard]] std::uint64_t target() const {
        return options.messages > 0 ? options.messages : std::numeric_limits<std::uint64_t>::max();
    }
    [[nodiscard]] bool in_measurement(Nanoseconds time) const {
        return time >= measure_from && time < measure_until;
    }

    /// Up to which number all receivers of the sender's group have its messages.
    [[nodiscard]] std::uint64_t acknowledged(std::size_t sender) const {
        std::uint64_t lowest = std::numeric_limits<std::uint64_t>::max();
        for (const auto& receiver : receivers) {
            if (receiver->group == senders[sender]->group &&
                !receiver->is_broken.load(std::memory_order_relaxed)) {
                lowest =
                    std::min(lowest, receiver->next_from[sender].load(std::memory_order_acquire));
            }
        }
        return lowest;
    }

    [[nodiscard]] std::uint64_t delivered() const {
        std::uint64_t sum = 0;
        for (const auto& receiver : receivers) {
            sum += receiver->delivered.load(std::memory_order_relaxed);
        }
        return sum;
    }
};

}  // namespace spread::spbench
