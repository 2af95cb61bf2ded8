#include "tools/spreadctl/recorded.hpp"

#include "daemon/driver/flight_recorder.hpp"

namespace spread::spreadctl {
namespace {

using Kind = driver::FlightEvent::Kind;

std::pair<std::uint64_t, std::uint64_t> place_of(const driver::FlightEvent& event) {
    return {event.ring_counter, event.ring_representative};
}

}  // namespace

std::map<std::pair<std::uint64_t, std::uint64_t>, RecordedRing> recorded_rings(
    const daemon::FlightLog& log) {
    std::map<std::pair<std::uint64_t, std::uint64_t>, RecordedRing> rings;
    std::pair<std::uint64_t, std::uint64_t> place{};
    for (const driver::FlightEvent& event : log.events) {
        if (event.kind == Kind::kRegular || event.kind == Kind::kDelivery ||
            event.kind == Kind::kDeliveries) {
            place = place_of(event);
        }
        RecordedRing& ring = rings[place];
        switch (event.kind) {
            case Kind::kAccept: ++ring.accepted; break;
            case Kind::kAccepts: ring.accepted += event.seq; break;
            case Kind::kDeliveries:
                ring.first = ring.delivered == 0 ? event.seq : ring.first;
                ring.delivered += event.count();
                ring.last = event.a;
                break;
            case Kind::kDelivery:
                ring.first = ring.delivered++ == 0 ? event.seq : ring.first;
                ring.last = event.seq;
                break;
            case Kind::kPacket: break;  // many, and in the trace
            case Kind::kRegular:
                for (const protocol::DaemonId member : log.members_of(event)) {
                    ring.members.push_back(log.name_of(member));
                }
                [[fallthrough]];
            default: ring.lines.push_back(daemon::flight_line(log, event));
        }
    }
    return rings;
}

}  // namespace spread::spreadctl
