#include "daemon/ring/flight_file.hpp"

#include <algorithm>
#include <cstring>
#include <ctime>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "membership/ring_engine.hpp"
#include "membership/trace.hpp"
#include "protocol/names.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::daemon {
namespace {

using driver::FlightEvent;
using Kind = FlightEvent::Kind;

std::string text_of(const FlightLog& log, const protocol::RingId& ring) {
    return fmt::format("({},{})", log.name_of(ring.representative), ring.counter);
}

std::string members_text(const FlightLog& log, const FlightEvent& event) {
    std::string text = " {";
    for (const protocol::DaemonId member : log.members_of(event)) {
        text += " " + log.name_of(member);
    }
    return text + " }";
}

std::string name_at(const FlightLog& log, std::uint64_t id) {
    return log.name_of(protocol::DaemonId{static_cast<std::uint32_t>(id)});
}

std::string_view packet_text(std::uint8_t kind) {
    switch (static_cast<protocol::PacketKind>(kind)) {
        case protocol::PacketKind::kJoin: return "join";
        case protocol::PacketKind::kCommit: return "commit-token";
        case protocol::PacketKind::kProbe: return "probe";
        case protocol::PacketKind::kLeave: return "goodbye";
        case protocol::PacketKind::kSettings: return "settings";
        default: return "packet";
    }
}

std::string refusal_text(std::uint64_t why) {
    if (why == driver::Refused::kMalformed) {
        return "malformed";
    }
    if (why == driver::Refused::kOtherConfiguration) {
        return "of another configuration";
    }
    return fmt::format("by the sealing layer ({})", why % driver::Refused::kSealed);
}

std::string_view state_text(std::uint8_t number) {
    return membership::to_string(static_cast<membership::RingState>(number));
}

std::string change_text(const FlightLog& log, const FlightEvent& event) {
    std::string text = fmt::format("{}->{}  {}", state_text(event.from), state_text(event.to),
                                   membership::to_string(static_cast<membership::ChangeReason>(
                                       std::min<std::uint64_t>(event.a, 0xff))));
    if (event.b != 0) {
        text += " " + name_at(log, event.b);
    }
    return text + "  " + text_of(log, event.ring());
}

/// The mark and what happened.
std::pair<char, std::string> description_of(const FlightLog& log, const FlightEvent& event) {
    switch (event.kind) {
        case Kind::kNone: break;
        case Kind::kState: return {'~', change_text(log, event)};
        case Kind::kRecovery:
            return {'~', fmt::format("recovers {} packets{}{}", event.seq,
                                     (event.flags & FlightEvent::kHole) != 0 ? ", a hole" : "",
                                     (event.flags & FlightEvent::kPromise) != 0
                                         ? ", promises to a lost daemon"
                                         : "")};
        case Kind::kTransitional:
        case Kind::kRegular:
            return {'*', (event.kind == Kind::kRegular ? "regular " : "transitional ") +
                             text_of(log, event.ring()) + members_text(log, event)};
        case Kind::kAccept:
            return {'>', fmt::format("accepts kind {} service {}{} {:016x}", event.message_kind,
                                     event.service,
                                     (event.flags & FlightEvent::kControl) != 0 ? " control"
                                     : (event.flags & FlightEvent::kAhead) != 0 ? " ahead"
                                                                                : "",
                                     event.a)};
        case Kind::kResume: return {' ', "resumes " + text_of(log, event.ring())};
        case Kind::kDelivery:
            return {'<', fmt::format("delivers {}.{} kind {} of {} service {} {:016x}", event.seq,
                                     event.index, event.message_kind, name_at(log, event.b),
                                     event.service, event.a)};
        case Kind::kPacket:
            return {'}', fmt::format("{} {} of {}", packet_text(event.message_kind),
                                     text_of(log, event.ring()), name_at(log, event.b))};
        case Kind::kAccepts: return {'>', fmt::format("accepts {} messages", event.seq)};
        case Kind::kDeliveries:
            return {'<', fmt::format("delivers {} to {}, {} messages of {}", event.seq, event.a,
                                     event.count(), name_at(log, event.b))};
        case Kind::kRefused:
            return {'x', fmt::format("{} datagrams refused by now, the last one {}", event.seq,
                                     refusal_text(event.a))};
    }
    return {'?', fmt::format("an event of kind {}", static_cast<unsigned>(event.kind))};
}

}  // namespace

FlightHeader::FlightHeader(protocol::DaemonId recorder, const protocol::Roster& roster)
    : self(recorder.value), daemons(static_cast<std::uint32_t>(roster.size())) {
    for (std::size_t i = 0; i < roster.size(); ++i) {
        entries[i].id = roster.id(i).value;
        const std::string_view name = roster.name(i).substr(0, kNameBytes - 1);
        std::copy(name.begin(), name.end(), entries[i].name.begin());
    }
}

protocol::MemberList FlightLog::members_of(const FlightEvent& event) const {
    protocol::MemberList members;
    for (std::size_t i = 0; i < daemons.size(); ++i) {
        if (((i < 64 ? event.a : event.b) >> (i % 64U) & 1U) != 0) {
            members.push_back(daemons[i].id);
        }
    }
    return members;
}

std::string FlightLog::name_of(protocol::DaemonId id) const {
    const auto found = std::find_if(daemons.begin(), daemons.end(),
                                    [id](const auto& entry) { return entry.id == id; });
    return found == daemons.end() ? std::to_string(id.value) : protocol::escaped(found->name);
}

tl::expected<FlightLog, std::string> decode_flight(std::span<const std::byte> bytes) {
    FlightHeader header;
    if (bytes.size() < kFlightHeaderBytes) {
        return tl::unexpected<std::string>("it is shorter than the head of a recording");
    }
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.magic != kFlightMagic || header.daemons > protocol::kDaemonsMax) {
        return tl::unexpected<std::string>("it is no recording of a ring, or of another host type");
    }
    FlightLog log;
    log.self = protocol::DaemonId{header.self};
    log.to_unix_ns = header.to_unix_ns;
    for (std::size_t i = 0; i < header.daemons; ++i) {
        const auto& name = header.entries[i].name;
        log.daemons.push_back({protocol::DaemonId{header.entries[i].id},
                               std::string(name.begin(), std::find(name.begin(), name.end(), 0))});
    }
    driver::FlightWords words{};
    for (bytes = bytes.subspan(kFlightHeaderBytes); bytes.size() >= sizeof words;
         bytes = bytes.subspan(sizeof words)) {
        std::memcpy(words.data(), bytes.data(), sizeof words);
        if (words[0] != 0) {
            log.events.push_back(driver::event_of(words));
        }
    }
    std::sort(log.events.begin(), log.events.end(),
              [](const FlightEvent& a, const FlightEvent& b) { return a.number < b.number; });
    log.lost = log.events.empty() ? 0 : log.events.front().number - 1;
    return log;
}

std::string flight_line(const FlightLog& log, const FlightEvent& event) {
    const auto [mark, what] = description_of(log, event);
    return fmt::format("{} {}", mark, what);
}

std::string flight_legend(const FlightLog& log) {
    std::string text =
        "# seconds, daemon, its state (O operational, G gather, C commit, R recovery), what "
        "happened:\n"
        "# ~ state  * configuration  > from clients  < delivered  } from daemons  x refused\n";
    if (log.to_unix_ns != 0 && !log.events.empty()) {
        const std::uint64_t first = log.events.front().time_ns;
        const auto unix_ns =
            static_cast<std::int64_t>(first + static_cast<std::uint64_t>(log.to_unix_ns));
        if (unix_ns >= 0) {
            text +=
                fmt::format("# {:4}.{:06} is {:%Y-%m-%d %H:%M:%S}.{:03}Z by this host's clock\n",
                            first / 1'000'000'000, first / 1000 % 1'000'000,
                            fmt::gmtime(static_cast<std::time_t>(unix_ns / 1'000'000'000)),
                            unix_ns / 1'000'000 % 1000);
        }
    }
    return text;
}

std::string flight_text(const FlightLog& log) {
    constexpr std::string_view kStates = "OGCR";
    std::string text;
    if (log.lost > 0) {
        text = fmt::format("# the {} events before are not kept\n", log.lost);
    }
    char state = log.lost > 0 ? '?' : 'G';
    for (const FlightEvent& event : log.events) {
        if (event.kind == Kind::kState) {
            state = event.to < kStates.size() ? kStates[event.to] : '?';
        }
        fmt::format_to(std::back_inserter(text), "{:4}.{:06} {:<3} {} {}\n",
                       event.time_ns / 1'000'000'000, event.time_ns / 1000 % 1'000'000,
                       log.name_of(log.self), state, flight_line(log, event));
    }
    return text;
}

}  // namespace spread::daemon
