#include <algorithm>

#include <fmt/format.h>

#include "daemon/admin/status.hpp"

namespace spread::admin {
namespace {

std::string missing_names(const RingStatus& ring) {
    std::string out;
    for (const MissingStatus& each : ring.missing) {
        out += (out.empty() ? "" : ", ") + each.daemon;
    }
    return out;
}

std::string trace_and_restart(const Status& status) {
    return "take a stack trace (gdb -p " + std::to_string(status.process) +
           " -batch -ex 'thread apply all bt') and restart it";
}

}  // namespace

std::vector<std::string> warnings_of(const Status& status) {
    std::vector<std::string> out;
    for (const PeerStatus& peer : status.peers) {
        if (!peer.settings_difference.empty()) {
            out.push_back(fmt::format("{}: its settings differ: {}; spreadctl config diff {}",
                                      peer.name, peer.settings_difference, peer.name));
        }
    }
    return out;
}

std::string readiness_text(const Status& status) {
    const Verdict verdict = verdict_of(status);
    const RingStatus& ring = status.ring;
    const std::size_t expected = std::max(ring.configured - ring.unknown, ring.members.size());
    return verdict.state == "alone"
               ? fmt::format("ok, but alone ({} of {} daemons)", ring.members.size(), expected)
           : verdict.state == "degraded"
               ? fmt::format("ok, but with {} of {} daemons", ring.members.size(), expected)
               : std::string("ok");
}

Verdict verdict_of(const Status& status) {
    const RingStatus& ring = status.ring;
    Verdict out;
    for (const MissingStatus& each : ring.missing) {
        out.advice.push_back(each.daemon + ": " + each.text);
    }
    if (!ring.multicast_advice.empty()) {
        out.advice.push_back(ring.multicast_advice);
    }
    for (std::string& each : warnings_of(status)) {
        out.advice.push_back(std::move(each));
    }
    const std::size_t expected = std::max(ring.configured - ring.unknown, ring.members.size());
    const std::string count = ring.unknown == 0 || expected == 1
                                  ? fmt::format("{} of {} daemons", ring.members.size(), expected)
                                  : fmt::format("{} of {} daemons, {} more names are not known",
                                                ring.members.size(), expected, ring.unknown);
    if (!status.sessions) {
        out.state = "stuck";
        out.sentence = "the daemon does not serve its clients: its session thread does not answer";
        out.advice = {trace_and_restart(status)};
    } else if (ring.is_stuck) {
        out.state = "stuck";
        out.sentence = "the daemon does not work on its ring: the thread that should does not turn";
        out.advice = {trace_and_restart(status)};
    } else if (ring.state != "operational") {
        out.state = "forming";
        out.sentence = "the ring is being formed (" + ring.state + ")";
    } else if (ring.members.size() >= expected) {
        out.state = "healthy";
        out.sentence = ring.configured == 1 ? std::string("the only daemon of its configuration")
                                            : "ring of " + count;
    } else if (ring.members.size() == 1) {
        out.state = "alone";
        out.sentence =
            "none of the other " + std::to_string(expected - 1) + " daemons is in its ring";
    } else {
        out.state = "degraded";
        out.sentence = "ring of " + count + "; missing: " + missing_names(ring);
    }
    return out;
}

}  // namespace spread::admin
