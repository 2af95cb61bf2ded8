#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "tests/support/raw_connection.hpp"

namespace spread::golden {

using support::Bytes;

enum class Direction : std::uint8_t { kToDaemon, kToClient, kNote };

/// One line of a recorded conversation (tests/data/golden/README.md).
struct Line {
    double time = 0;  ///< seconds since the scenario began
    std::string connection;
    Direction direction = Direction::kNote;
    std::string what;  ///< "connect", "message", "eof", ...; the text of a note
    Bytes bytes;       ///< whole, with repeated bodies written out
};

/// A recorded conversation.
struct Scenario {
    std::string name;
    std::string notes;
    std::vector<Line> lines;
    bool has_two_daemons = false;
};

/// Reads a *.jsonl file as it stands; throws when it is not one.
[[nodiscard]] Scenario load_scenario(const std::filesystem::path& file);

/// Moves the lines whose recorded place depended on luck to where replaying them is deterministic:
///
/// - A piece the relay could not frame (`partial`) was noted when its stream ended, but sent before
///   the daemon reacted.
/// - A disconnect, or the end of a client's stream, was sent while messages for this client were
///   still on their way; it is put behind them, because a daemon throws away what it has queued for
///   a client that goes.
void settle_order(Scenario& scenario);

/// The recordings, by name, in alphabetical order.
[[nodiscard]] std::vector<std::string> scenario_names();

[[nodiscard]] std::filesystem::path scenario_file(const std::string& name);

/// The service-type word of a client's request, in the client's byte order; 0 when too short.
[[nodiscard]] std::uint32_t request_type(const Bytes& message);

}  // namespace spread::golden
