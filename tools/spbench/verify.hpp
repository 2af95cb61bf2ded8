#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/spbench/order_digest.hpp"

namespace spread::spbench {

/// What one receiver saw, as far as verification needs it.
struct ReceiverRecord {
    std::string name;  ///< "receiver 0 on 4803@node1"
    std::size_t group = 0;
    bool is_broken = false;  ///< its session ended early
    const OrderDigest* order = nullptr;
    std::vector<std::uint64_t> next_from;  ///< by sender
    std::uint64_t missing = 0;
    std::uint64_t unexpected = 0;
    std::uint64_t damaged = 0;
};

struct SenderRecord {
    std::string name;
    std::size_t group = 0;
    bool is_broken = false;
    std::uint64_t sent = 0;
};

struct Verdict {
    bool is_same_order = true;
    bool is_complete = true;
    bool is_intact = true;
    std::uint64_t lost = 0;        ///< messages that some receiver of their group never got
    std::uint64_t duplicates = 0;  ///< came twice or behind a later one of the same sender
    std::size_t receivers_compared = 0;
    std::vector<std::string> problems;  ///< one line each, at most a dozen

    [[nodiscard]] bool is_clean() const { return is_same_order && is_complete && is_intact; }
};

/// Compares all receivers of each group. Broken receivers are left out; of a broken sender every
/// receiver must have the same messages, without a gap, but not all that were sent.
[[nodiscard]] Verdict verify(const std::vector<SenderRecord>& senders,
                             const std::vector<ReceiverRecord>& receivers);

}  // namespace spread::spbench
