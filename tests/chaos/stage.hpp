#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/chaos/cluster.hpp"
#include "tests/chaos/journal.hpp"
#include "tests/chaos/message_book.hpp"
#include "tests/checker/group_checker.hpp"
#include "tests/checker/violation.hpp"

namespace spread::chaos {

/// What has happened so far, for whoever watches.
struct Counters {
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t views = 0;
    std::uint64_t network_views = 0;
    std::uint64_t signals = 0;  ///< transitional ones
    std::uint64_t connections = 0;
    std::uint64_t by_library = 0;  ///< of them
    std::uint64_t refusals = 0;    ///< attempts to connect that failed
    std::uint64_t closed = 0;      ///< by the client
    std::uint64_t dropped = 0;     ///< by a daemon that lives
    std::uint64_t lost = 0;        ///< with their daemon
};

/// What the clients of one run share.
struct Stage {
    Cluster& cluster;
    Journal journal;
    checker::GroupChecker checker{checker::Feed::kByClient};  // told of no configurations
    MessageBook book;
    Counters counters;
    std::vector<std::string> names;  ///< private names of the clients, as far as connected
    /// Nobody leaves, stalls or disconnects: the cluster is to come to rest.
    bool is_calm = false;
    /// Nobody sends.
    bool is_silent = false;
    /// When so many messages have been received, the checker is not told of the next one that a
    /// member of the common group gets there; 0: it is told of all.
    std::uint64_t sabotaged = 0;
    std::optional<checker::Violation> own_violation;
    /// A C library that some clients connect by; empty: none do.
    std::string library;

    /// Something that needs no checker to be wrong.
    void fail(checker::Violation violation) {
        if (!own_violation) {
            own_violation = std::move(violation);
        }
    }
    [[nodiscard]] const std::optional<checker::Violation>& violation() const {
        if (own_violation) {
            return own_violation;
        }
        // A daemon that died explains whatever its clients miss.
        return cluster.violation() ? cluster.violation() : checker.violation();
    }
};

}  // namespace spread::chaos
