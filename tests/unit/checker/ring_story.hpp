#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/checker/ring_checker.hpp"

namespace spread::checker::ring_story {

using membership::ConfigurationKind;
using protocol::DaemonId;
using protocol::MemberList;
using protocol::MessageKind;
using protocol::RingId;
using protocol::Seq;
using protocol::Service;

inline constexpr DaemonId kD1{1};
inline constexpr DaemonId kD2{2};
inline constexpr DaemonId kD3{3};
inline constexpr RingId kAll{kD1, 7, 100};

struct Sent {
    DaemonId origin;
    MessageFacts facts;
};

/// Writes histories. A fresh one has d1, d2 and d3 on the ring kAll.
class RingStory {
  public:
    explicit RingStory(RingChecker::Holds holds = {}) : checker(std::move(holds)) {
        for (const DaemonId daemon : {kD1, kD2, kD3}) {
            start(daemon);
        }
        for (const DaemonId daemon : {kD1, kD2, kD3}) {
            install(daemon, {daemon}, kAll, {kD1, kD2, kD3});
        }
    }

    void start(DaemonId daemon) { lives[daemon] = checker.on_start(daemon); }
    void end(DaemonId daemon) { checker.on_end(lives[daemon]); }
    void transitional(DaemonId daemon, const MemberList& members, RingId next) {
        checker.on_configuration(lives[daemon], {ConfigurationKind::kTransitional, next, members});
    }
    void regular(DaemonId daemon, RingId ring, const MemberList& members) {
        checker.on_configuration(lives[daemon], {ConfigurationKind::kRegular, ring, members});
        checker.on_resume(lives[daemon], ring);
    }
    void install(DaemonId daemon, const MemberList& with, RingId ring, const MemberList& members) {
        transitional(daemon, with, ring);
        regular(daemon, ring, members);
    }
    Sent accept(DaemonId daemon, std::uint64_t digest, Service service = Service::kAgreed) {
        return accept(daemon, {service, MessageKind::kClientFrame, digest});
    }
    Sent accept_ahead(DaemonId daemon, std::uint64_t digest) {
        return accept(daemon,
                      {Service::kAgreed, MessageKind::kClientFrame, digest, SendLane::kAhead});
    }
    Sent accept(DaemonId daemon, const MessageFacts& facts) {
        checker.on_accept(lives[daemon], facts);
        return {daemon, facts};
    }
    void deliver(DaemonId daemon, const Sent& sent, std::uint64_t seq, RingId ring = kAll) {
        checker.on_delivery(lives[daemon], {ring, Seq{seq}, 0}, sent.origin, sent.facts);
    }
    void deliver_all(const Sent& sent, std::uint64_t seq, RingId ring = kAll) {
        for (const DaemonId daemon : {kD1, kD2, kD3}) {
            deliver(daemon, sent, seq, ring);
        }
    }
    /// The name of the violated property; empty when there is none.
    [[nodiscard]] std::string verdict() const {
        return checker.violation() ? checker.violation()->property : "";
    }
    [[nodiscard]] std::string quiet_end() {
        checker.finish(true);
        return verdict();
    }

    RingChecker checker;
    std::map<DaemonId, LifeId> lives;
};

inline RingId ring(DaemonId representative, std::uint64_t counter) {
    return {representative, 9, counter};
}

}  // namespace spread::checker::ring_story
