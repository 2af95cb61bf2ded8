#include "tests/checker/ring_records.hpp"

#include <string_view>

namespace spread::checker {
namespace {

constexpr std::size_t kMessagesShown = 6;

std::string hex(std::uint64_t value) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string digits;
    do {
        digits.insert(digits.begin(), kDigits[value & 0xfU]);
        value >>= 4U;
    } while (value != 0);
    return digits;
}

std::string_view name(protocol::MessageKind kind) {
    switch (kind) {
        case protocol::MessageKind::kClientFrame: return "message";
        case protocol::MessageKind::kGroupJoin: return "join";
        case protocol::MessageKind::kGroupLeave: return "leave";
        case protocol::MessageKind::kDisconnect: return "disconnect";
        case protocol::MessageKind::kGroupState: return "group state";
        case protocol::MessageKind::kRingKeys: return "ring keys";
        case protocol::MessageKind::kRecoveryPacket: return "recovery packet";
    }
    return "unknown kind";
}

std::string describe(const Facts& facts) {
    std::string words = facts.service == protocol::Service::kSafe ? "safe " : "";
    words += name(facts.kind);
    return words + " " + hex(facts.digest);
}

}  // namespace

std::string text(const Life& life) {
    return "d" + std::to_string(life.daemon.value) + "/" + std::to_string(life.number);
}

std::string text(const protocol::RingId& ring) {
    return "(d" + std::to_string(ring.representative.value) + "," + std::to_string(ring.counter) +
           "," + hex(ring.nonce) + ")";
}

std::string text(const protocol::MemberList& members) {
    std::string list = "{";
    for (const protocol::DaemonId member : members) {
        list += (list.size() > 1 ? " d" : "d") + std::to_string(member.value);
    }
    return list + "}";
}

std::string text(Place place) {
    return std::to_string(place.seq) + "." + std::to_string(place.index);
}

std::string text(const Entry& entry) {
    return describe(entry.facts) + " of d" + std::to_string(entry.origin.value) + " at " +
           text(entry.place);
}

std::string text(const Accepted& message) {
    return describe(message.facts) + (message.placed ? " (at " + text(message.place) + ")" : "");
}

std::vector<std::string> history(const Life& life, const Ring& ring, const Stay& stay,
                                 const std::vector<Transition>& transitions) {
    const std::string who = text(life) + ": ";
    std::vector<std::string> lines;
    if (!stay.installed) {
        lines.push_back(who + "never installed " + text(ring.id) + " " + text(ring.members));
        return lines;
    }
    lines.push_back(who + "installed " + text(ring.id) + " " + text(ring.members));
    const auto show = [&](bool regular) {
        std::vector<const Entry*> shown;
        std::size_t count = 0;
        for (auto at = ring.entries.rbegin(); at != ring.entries.rend(); ++at) {
            const bool in_regular = at->place <= stay.last_regular;
            if (in_regular == regular && stay.has_delivered(at->place)) {
                ++count;
                if (shown.size() < kMessagesShown) {
                    shown.push_back(&*at);
                }
            }
        }
        if (count > shown.size()) {
            lines.push_back(who + "  ... " + std::to_string(count - shown.size()) + " messages");
        }
        for (auto at = shown.rbegin(); at != shown.rend(); ++at) {
            lines.push_back(who + "  " + text(**at));
        }
    };
    show(true);
    if (stay.left_by != kNobody) {
        const Transition& transition = transitions[stay.left_by];
        lines.push_back(who + "transitional " + text(transition.members));
        show(false);
    }
    if (stay.state == StayState::kLeft) {
        lines.push_back(who + "installed the next ring");
    } else if (stay.state == StayState::kFailed) {
        lines.push_back(who + "ended");
    }
    return lines;
}

}  // namespace spread::checker
