#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include <gtest/gtest.h>

#include "membership/ring_engine.hpp"
#include "protocol/fifo.hpp"
#include "protocol/message.hpp"
#include "protocol/ring_wire.hpp"

// Packets with a right checksum that no correct daemon sends: dropped and counted. They must end
// neither the daemon nor, where they can be told, the ring.

namespace spread::membership {
namespace {

using namespace std::chrono_literals;
using protocol::DaemonId;
using protocol::DecodeError;
using protocol::Instant;
using protocol::PacketHeader;
using protocol::PacketKind;
using protocol::RingId;
using protocol::Seq;
using protocol::Slice;
using protocol::Token;
using protocol::TokenSeq;

constexpr std::size_t kDaemons = 2;
constexpr std::size_t kFirstEngine = 0;
constexpr std::size_t kSecondEngine = 1;

/// Two daemons, joined by a queue; the first one is the representative.
class HostilePackets : public testing::Test {
  protected:
    struct Datagram {
        std::size_t to = 0;
        Slice bytes;
        Arrival arrival{};
    };

    protocol::BufferPool pool_{2048, 1U << 14U};
    NullTracer tracer_;
    std::vector<std::unique_ptr<RingEngine>> engines_;
    protocol::Fifo<Datagram> under_way_;
    std::vector<std::uint64_t> delivered_ = std::vector<std::uint64_t>(kDaemons);
    EngineOutput out_;
    Instant now_{1s};

    void SetUp() override {
        for (std::uint32_t i = 0; i < kDaemons; ++i) {
            RingConfig config;
            config.daemons = {DaemonId{1}, DaemonId{2}};
            config.self = DaemonId{i + 1};
            engines_.push_back(std::make_unique<RingEngine>(
                config, protocol::Incarnation{1000}, 1000, protocol::Rng(i + 1), pool_, tracer_));
        }
        for (std::size_t i = 0; i < kDaemons; ++i) {
            engines_[i]->on_start(now_, out_);
            dispatch(i);
        }
        run(1s);
        ASSERT_EQ(engines_[kFirstEngine]->members().size(), kDaemons);
        ASSERT_EQ(engines_[kSecondEngine]->members().size(), kDaemons);
        // So many that packets have been released everywhere.
        for (int i = 0; i < 50; ++i) {
            submit(kFirstEngine);
            run(2ms);
        }
        run(500ms);
        ASSERT_GE(engines_[kSecondEngine]->stats().safe_up_to.value, 50U);
    }

    void dispatch(std::size_t from) {
        std::optional<RingId> resume;
        for (OutboundPacket& packet : out_.sends) {
            const auto arrival =
                arrival_by(packet.channel, packet.destination == Destination::kAll);
            under_way_.push_back({1 - from, std::move(packet.datagram), arrival});
        }
        for (const DeliveryEvent& event : out_.deliveries) {
            const auto* change = std::get_if<ConfigurationChange>(&event);
            if (change == nullptr) {
                ++delivered_[from];
            } else if (change->kind == ConfigurationKind::kRegular) {
                resume = change->ring_id;
            }
        }
        out_.clear();
        if (resume) {
            engines_[from]->resume(now_, *resume, out_);
            dispatch(from);
        }
    }

    void run(protocol::Duration time) {
        const Instant end = now_ + time;
        while (now_ < end) {
            if (!under_way_.empty()) {
                const Datagram datagram = std::move(under_way_.front());
                under_way_.pop_front();
                now_ += 5us;
                receive(datagram.to, datagram.bytes, datagram.arrival);
                continue;
            }
            std::optional<Instant> next;
            for (const auto& engine : engines_) {
                const auto due = engine->next_deadline();
                next = due && (!next || *due < *next) ? due : next;
            }
            now_ = next ? std::min(end, std::max(now_, *next)) : end;
            for (std::size_t i = 0; i < kDaemons; ++i) {
                engines_[i]->on_deadline(now_, out_);
                dispatch(i);
            }
        }
    }

    void submit(std::size_t daemon) {
        Submission submission;
        submission.body = protocol::make_message(std::vector<std::byte>(1000));
        ASSERT_EQ(engines_[daemon]->submit(std::move(submission)), SubmitStatus::kAccepted);
        engines_[daemon]->on_submitted(now_, out_);
        dispatch(daemon);
    }

    void receive(std::size_t daemon, const Slice& datagram, Arrival arrival = Arrival::kUnicast) {
        engines_[daemon]->on_packet(now_, arrival, datagram, out_);
        dispatch(daemon);
    }

    [[nodiscard]] const RingStats& stats(std::size_t daemon) const {
        return engines_[daemon]->stats();
    }
    [[nodiscard]] RingId ring() const { return engines_[kFirstEngine]->ring_id(); }
    [[nodiscard]] PacketHeader header(PacketKind kind, std::uint32_t sender) const {
        return {kind, 0, DaemonId{sender}, ring()};
    }

    /// From the first daemon to the second, newer than any token, and with a seq like the ring's.
    [[nodiscard]] Token token() const {
        Token token;
        token.ring_id = ring();
        token.sender = DaemonId{1};
        token.to = DaemonId{2};
        token.token_seq = TokenSeq{1U << 30U};
        token.seq = stats(kSecondEngine).high_seq;
        token.aru = token.seq;
        return token;
    }

    [[nodiscard]] Slice data(std::uint32_t sender, Seq seq) {
        protocol::DataBuilder builder(pool_.acquire_or_heap(), 1400);
        static_cast<void>(builder.add_entry(8, true, true, protocol::Service::kAgreed,
                                            protocol::MessageKind::kClientFrame));
        return builder.finish(header(PacketKind::kData, sender), seq, TokenSeq{1U << 30U});
    }

    [[nodiscard]] std::uint64_t dropped(std::size_t daemon, const Slice& datagram) {
        const auto bad = static_cast<std::size_t>(DecodeError::kBadValue);
        const std::uint64_t before = stats(daemon).decode_errors[bad];
        receive(daemon, datagram);
        return stats(daemon).decode_errors[bad] - before;
    }

    /// The ring is the same, and takes messages.
    void expect_peace(const RingId& before) {
        run(500ms);
        EXPECT_EQ(ring(), before);
        const auto delivered = delivered_;
        submit(kFirstEngine);
        submit(kSecondEngine);
        run(500ms);
        EXPECT_EQ(delivered_[kFirstEngine], delivered[kFirstEngine] + 2);
        EXPECT_EQ(delivered_[kSecondEngine], delivered[kSecondEngine] + 2);
        EXPECT_EQ(ring(), before);
    }
};

TEST_F(HostilePackets, AWrongChecksumCountsUnlessATagHasVouchedForTheDatagram) {
    const RingId before = ring();
    const Slice wrong = data(1, stats(kSecondEngine).high_seq);
    wrong.buffer->data()[wrong.offset + 4] ^= std::byte{1};
    const RingStats& now = stats(kSecondEngine);
    const std::uint64_t& bad =
        now.decode_errors[static_cast<std::size_t>(DecodeError::kBadChecksum)];
    const std::uint64_t bad_before = bad;
    const std::uint64_t taken_before = now.packets_duplicate;
    receive(kSecondEngine, wrong);
    static_cast<void>(stats(kSecondEngine));
    EXPECT_EQ(bad, bad_before + 1);
    EXPECT_EQ(now.packets_duplicate, taken_before);
    engines_[kSecondEngine]->on_packet(now_, Arrival::kUnicast, wrong, out_, Vouched::kByTag);
    dispatch(kSecondEngine);
    static_cast<void>(stats(kSecondEngine));
    EXPECT_EQ(bad, bad_before + 1);
    EXPECT_EQ(now.packets_duplicate, taken_before + 1);
    expect_peace(before);
}

TEST_F(HostilePackets, AProbeThatANewerOneHasOvertakenIsNoNews) {
    const RingId before = ring();
    PacketHeader from = header(PacketKind::kProbe, 1);
    from.ring_id.counter += 2;  // of a ring that we are not in
    protocol::Probe probe;
    probe.incarnation = protocol::Incarnation{1000};
    probe.report.heard.assign(kDaemons, 15);
    const auto foreign_after = [&](std::uint64_t join_seq) {
        probe.join_seq = join_seq;
        receive(kSecondEngine, protocol::encode_probe(probe, from, pool_));
        return stats(kSecondEngine).foreign_packets;
    };
    const std::uint64_t known = stats(kSecondEngine).foreign_packets;
    EXPECT_EQ(foreign_after(1000), known + 1);
    EXPECT_EQ(foreign_after(999), known + 1);
    EXPECT_EQ(foreign_after(1001), known + 2);
    EXPECT_EQ(ring(), before);
}

TEST_F(HostilePackets, ATokenBelowWhatWasReleased) {
    const RingId before = ring();
    Token forged = token();
    for (const std::uint64_t seq : {std::uint64_t{0}, std::uint64_t{1}, forged.seq.value - 1}) {
        for (const bool out_of_turn : {false, true}) {
            forged.seq = forged.aru = Seq{seq};
            forged.out_of_turn = out_of_turn;
            EXPECT_EQ(dropped(kSecondEngine, protocol::encode_token(forged, 0, pool_)), 1U) << seq;
        }
    }
    expect_peace(before);
}

TEST_F(HostilePackets, ATokenBelowWhatWasReleasedWhileThereIsSomethingToSend) {
    const RingId before = ring();
    Token forged = token();
    forged.seq = forged.aru = Seq{0};
    submit(kSecondEngine);
    EXPECT_EQ(dropped(kSecondEngine, protocol::encode_token(forged, 0, pool_)), 1U);
    expect_peace(before);
}

TEST_F(HostilePackets, ATokenBeyondTheWindow) {
    const RingId before = ring();
    Token forged = token();
    forged.seq = forged.seq + (1U << 20U);
    EXPECT_EQ(dropped(kSecondEngine, protocol::encode_token(forged, 0, pool_)), 1U);
    expect_peace(before);
}

TEST_F(HostilePackets, ATokenThatTheRepresentativeHasNotLent) {
    const RingId before = ring();
    Token forged = token();
    forged.sender = DaemonId{2};
    forged.to = DaemonId{1};
    for (const bool out_of_turn : {false, true}) {
        forged.out_of_turn = out_of_turn;
        receive(kFirstEngine, protocol::encode_token(forged, 0, pool_));
    }
    expect_peace(before);
}

TEST_F(HostilePackets, APacketBeyondTheTokenThatRestsHere) {
    const RingId before = ring();
    // The token of the idle ring rests at the first daemon.
    EXPECT_EQ(dropped(kFirstEngine, data(2, stats(kFirstEngine).high_seq + 1)), 1U);
    EXPECT_EQ(stats(kFirstEngine).high_seq, stats(kSecondEngine).high_seq);
    expect_peace(before);
}

TEST_F(HostilePackets, APacketBeyondTheWindow) {
    const RingId before = ring();
    EXPECT_EQ(dropped(kSecondEngine, data(1, Seq{1U << 30U})), 1U);
    expect_peace(before);
}

TEST_F(HostilePackets, AHoldOfAMemberThatIsNotTheRepresentative) {
    const RingId before = ring();
    EXPECT_EQ(dropped(kFirstEngine, protocol::encode_hold(TokenSeq{~std::uint64_t{0}},
                                                          header(PacketKind::kHold, 2), pool_)),
              1U);
    expect_peace(before);
}

TEST_F(HostilePackets, AWakeForSomebodyElse) {
    const RingId before = ring();
    EXPECT_EQ(dropped(kSecondEngine, protocol::encode_wake(TokenSeq{~std::uint64_t{0}},
                                                           header(PacketKind::kWake, 1), pool_)),
              1U);
    expect_peace(before);
}

TEST_F(HostilePackets, AWakeThatHasSeenTheFuture) {
    const RingId before = ring();
    for (int i = 0; i < 3; ++i) {
        receive(kFirstEngine, protocol::encode_wake(TokenSeq{~std::uint64_t{0}},
                                                    header(PacketKind::kWake, 2), pool_));
    }
    expect_peace(before);
}

TEST_F(HostilePackets, AJoinWithAnImpossibleCounter) {
    const RingId before = ring();
    protocol::Join join;
    join.incarnation = protocol::Incarnation{2000};
    join.highest_counter = ~std::uint64_t{0} - 1;
    join.join_seq = 1;
    join.proc_set = {DaemonId{1}, DaemonId{2}};
    EXPECT_EQ(
        dropped(kSecondEngine, protocol::encode_join(join, header(PacketKind::kJoin, 1), pool_)),
        1U);
    expect_peace(before);
}

/// A forger of ICMP, or a firewall that rejects what goes to one port only: each question is
/// answered, and is followed by the next hint.
TEST_F(HostilePackets, AMemberThatIsSaidToBeGoneAllTheTimeIsNotAskedAllTheTime) {
    const RingId before = ring();
    std::size_t asked = 0;
    const Instant begin = now_;
    while (now_ < begin + 1s) {
        engines_[kFirstEngine]->on_peer_unreachable(now_, DaemonId{2}, out_);
        asked += out_.sends.size();
        dispatch(kFirstEngine);
        run(100us);
    }
    EXPECT_GT(asked, 0U);
    EXPECT_LE(asked, 2U * 250U) << "by two ports, each 50 ms / 10";
    expect_peace(before);
}

/// The ring may break, as a token can be forged that is as good as a true one; not the daemon.
TEST_F(HostilePackets, ATokenThatCannotBeToldFromATrueOneEndsTheRingAtMost) {
    for (const bool out_of_turn : {false, true}) {
        for (const bool lease : {false, true}) {
            Token forged = token();
            forged.token_seq = TokenSeq{1U << 31U};
            forged.out_of_turn = out_of_turn;
            forged.lease = lease;
            forged.fcc = forged.backlog = forged.lost = forged.window = 0xffffffffU;
            forged.window_limit = 1;
            forged.aru_id = DaemonId{77};
            forged.aru = Seq{0};
            forged.complete = protocol::DaemonSet::first(protocol::kDaemonsMax);
            forged.rtr = {{Seq{1}, static_cast<std::uint32_t>(forged.seq.value)}};
            submit(kSecondEngine);
            receive(kSecondEngine, protocol::encode_token(forged, 0, pool_));
            run(3s);
            EXPECT_EQ(engines_[kFirstEngine]->members().size(), kDaemons);
        }
    }
    expect_peace(ring());
}

}  // namespace
}  // namespace spread::membership
