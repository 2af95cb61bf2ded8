#pragma once

#include <chrono>
#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "membership/engine_core.hpp"
#include "membership/packets.hpp"
#include "membership/step.hpp"
#include "membership/transition.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::membership {

inline constexpr protocol::DaemonId kFirst{1};
inline constexpr protocol::DaemonId kSecond{2};
inline constexpr protocol::DaemonId kThird{3};
inline constexpr protocol::DaemonId kFourth{4};

/// What a state needs to be built alone: the core of one of four daemons, time, and what comes out.
class StateTest : public testing::Test {
  protected:
    explicit StateTest(protocol::DaemonId self)
        : core_(config_of(self), protocol::Incarnation{1000}, 1000, protocol::Rng(1), pool_) {}

    void TearDown() override { core_.check_invariants(); }

    static RingConfig config_of(protocol::DaemonId self) {
        RingConfig config;
        config.daemons = {kFirst, kSecond, kThird, kFourth};
        config.self = self;
        return config;
    }

    [[nodiscard]] Step step() { return {now_, out_}; }

    /// A ring of `members` is installed, and clients' messages may go out.
    void install(const protocol::MemberList& members) {
        const protocol::RingId id{members.front(), 7, 1010};
        core_.ring.install(
            id, RingMembers(members, core_.config.self),
            std::vector<protocol::Incarnation>(members.size(), protocol::Incarnation{1000}));
        core_.order = core_.make_order(id);
        core_.id_counter.join(id.counter);
        core_.queue.resume();
        core_.expect_token(now_);
    }

    void submit(protocol::Service service = protocol::Service::kAgreed) {
        Submission submission;
        submission.service = service;
        core_.queue.push(std::move(submission));
    }

    [[nodiscard]] protocol::PacketHeader from(protocol::DaemonId sender) const {
        return from(sender, core_.ring.id());
    }
    [[nodiscard]] static protocol::PacketHeader from(protocol::DaemonId sender,
                                                     const protocol::RingId& ring) {
        return {protocol::PacketKind::kData, 0, sender, ring};
    }

    /// A data packet with one message, as `sender` would stamp it on `ring`.
    [[nodiscard]] protocol::Slice data(protocol::DaemonId sender, std::uint64_t seq,
                                       const protocol::RingId& ring) {
        protocol::DataBuilder builder(pool_.acquire_or_heap(), core_.config.datagram_bytes_max);
        static_cast<void>(builder.add_entry(8, true, true, protocol::Service::kAgreed,
                                            protocol::MessageKind::kClientFrame));
        return builder.finish(from(sender, ring), protocol::Seq{seq}, protocol::TokenSeq{seq});
    }

    /// Hands a data packet to a state.
    template <typename State>
    [[nodiscard]] Next receive(State& state, protocol::DaemonId sender,
                               const protocol::Slice& datagram, const protocol::RingId& ring) {
        const auto header = protocol::decode_data(datagram.bytes());
        return state.on(step(), from(sender, ring), DataPacket{*header, datagram});
    }

    /// Joins (or probes) of `sender` have come by every way, and say that it hears everybody well.
    void hear(protocol::DaemonId sender, bool gathers,
              std::uint8_t wire_greatest = protocol::kRingWireGreatest) {
        protocol::Report report;
        report.wire_greatest = wire_greatest;
        report.full_sized = true;
        report.heard.assign(core_.roster.size(), 15);
        ++join_seq_;
        for (const Arrival arrival : {Arrival::kToken, Arrival::kGroup}) {
            static_cast<void>(core_.hearing.note(
                now_, {*core_.roster.find(sender), protocol::Incarnation{1000}, join_seq_, gathers},
                arrival, report, now_ - std::chrono::seconds(1)));
        }
    }

    /// The kinds of the datagrams sent since the last call.
    [[nodiscard]] std::vector<protocol::PacketKind> sent() {
        std::vector<protocol::PacketKind> kinds;
        for (const OutboundPacket& packet : out_.sends) {
            kinds.push_back(protocol::decode_header(packet.datagram.bytes())->kind);
        }
        last_ = out_.sends.empty() ? OutboundPacket{} : out_.sends.back();
        out_.sends.clear();
        return kinds;
    }
    /// The last datagram that sent() has seen.
    [[nodiscard]] const OutboundPacket& last_sent() const { return last_; }

    [[nodiscard]] std::uint64_t bad_values() const {
        return core_.stats
            .decode_errors[static_cast<std::size_t>(protocol::DecodeError::kBadValue)];
    }

    protocol::BufferPool pool_{2048, 64};  // outlives what it lends
    EngineCore core_;
    EngineOutput out_;
    protocol::Instant now_{std::chrono::seconds(1)};

  private:
    std::uint64_t join_seq_ = 0;
    OutboundPacket last_;
};

[[nodiscard]] inline bool stays(const Next& next) {
    return std::holds_alternative<Stay>(next);
}

/// The reason of a return to Gather; the test fails if `next` is anything else.
[[nodiscard]] inline const ToGather& gather_of(const Next& next) {
    static const ToGather kNone{ChangeReason::kStart, {}, {}, {}, {}};
    const auto* to = std::get_if<ToGather>(&next);
    EXPECT_NE(to, nullptr);
    return to != nullptr ? *to : kNone;
}

}  // namespace spread::membership
