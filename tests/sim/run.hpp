#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/time.hpp"
#include "tests/checker/violation.hpp"
#include "tests/sim/reached.hpp"
#include "tests/sim/scenario.hpp"

namespace spread::sim {

enum class TraceLevel : std::uint8_t {
    kNone,
    kStates,  ///< ring states, configurations, steps, client views
    kPackets  ///< and every packet and delivery
};

struct RunOptions {
    TraceLevel trace = TraceLevel::kNone;
    std::uint64_t trace_from_us = 0;
};

struct RunStats {
    std::uint64_t events = 0;
    std::uint64_t packets_sent = 0;
    std::uint64_t ring_deliveries = 0;
    std::uint64_t client_messages = 0;
    std::uint64_t configurations = 0;
    std::uint64_t virtual_us = 0;
};

struct Verdict {
    std::optional<checker::Violation> violation;
    std::uint64_t at_us = 0;          ///< virtual time of the violation or the end
    std::uint64_t digest = 0;         ///< of everything every daemon and client saw
    std::uint64_t engine_digest = 0;  ///< of what the ring engines heard and said
    RunStats stats;
    Reached reached;
    std::vector<std::string> trace;
};

/// Runs a scenario until its end or the first violation. The same scenario gives the same verdict.
[[nodiscard]] Verdict run(const Scenario& scenario, const RunOptions& options = {});

}  // namespace spread::sim
