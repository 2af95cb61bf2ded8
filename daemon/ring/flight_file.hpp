#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/driver/flight_recorder.hpp"
#include "protocol/ids.hpp"
#include "protocol/roster.hpp"

// Recordings of a ring engine as files and in answers to spreadctl: a header, then events of 64
// bytes in any order, in the byte order of the host that wrote them.
//
//   offset  size  field
//        0     8  kFlightMagic, which also tells the byte order
//        8     4  id of the recording daemon
//       12     4  number of configured daemons, at most kDaemonsMax
//       16  3072  24 bytes for each: id (4), name (20, ends with a 0)
//     3088     8  nanoseconds from the clock of the events to that of the day (since 1970, UTC), as
//                 they were when the recording began; 0: not known
//     4096    64  events: driver::FlightWords; those whose number is 0 are none

namespace spread::daemon {

inline constexpr std::uint64_t kFlightMagic = 0x31746867696c6673;  // "sflight1"
inline constexpr std::size_t kFlightHeaderBytes = 4096;

struct FlightHeader {
    static constexpr std::size_t kNameBytes = 20;
    struct Entry {
        std::uint32_t id = 0;
        std::array<char, kNameBytes> name{};
    };

    std::uint64_t magic = kFlightMagic;
    std::uint32_t self = 0;
    std::uint32_t daemons = 0;
    std::array<Entry, protocol::kDaemonsMax> entries{};
    std::int64_t to_unix_ns = 0;

    FlightHeader() = default;
    FlightHeader(protocol::DaemonId recorder, const protocol::Roster& roster);
};
static_assert(sizeof(FlightHeader) <= kFlightHeaderBytes);

/// What a recording says.
struct FlightLog {
    protocol::DaemonId self;
    std::vector<protocol::RosterEntry> daemons;  ///< in configuration order
    std::vector<driver::FlightEvent> events;     ///< whole ones, the oldest first
    std::uint64_t lost = 0;                      ///< in front of these
    std::int64_t to_unix_ns = 0;                 ///< from their clock to UTC; 0: not known

    [[nodiscard]] protocol::MemberList members_of(const driver::FlightEvent& event) const;
    [[nodiscard]] std::string name_of(protocol::DaemonId id) const;
};

/// Any bytes; the error says what is wrong in a few words.
[[nodiscard]] tl::expected<FlightLog, std::string> decode_flight(std::span<const std::byte> bytes);

/// A mark and what happened.
[[nodiscard]] std::string flight_line(const FlightLog& log, const driver::FlightEvent& event);

/// What states and marks mean, and when, by the clock of the day, the first event was.
[[nodiscard]] std::string flight_legend(const FlightLog& log);

/// A line for each event, as the simulator's trace has them: seconds, daemon, its state (O, G, C or
/// R), a mark, what happened.
[[nodiscard]] std::string flight_text(const FlightLog& log);

}  // namespace spread::daemon
