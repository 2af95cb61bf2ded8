#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "membership/commit.hpp"
#include "membership/engine_core.hpp"
#include "membership/gather.hpp"
#include "membership/given_up.hpp"
#include "membership/join_log.hpp"
#include "membership/operational.hpp"
#include "membership/packets.hpp"
#include "membership/recovery.hpp"
#include "membership/ring_engine.hpp"
#include "membership/settings_exchange.hpp"

namespace spread::membership {

/// Decodes packets, hands them to the state, and replaces the state when that says so.
class RingEngine::Impl {
    /// In the order of RingState.
    using State = std::variant<Operational, Gather, Commit, Recovery>;
    using Instant = protocol::Instant;
    using MemberList = protocol::MemberList;
    using DaemonId = protocol::DaemonId;
    using PacketHeader = protocol::PacketHeader;
    using PacketKind = protocol::PacketKind;
    using RingId = protocol::RingId;
    using Slice = protocol::Slice;

  public:
    Impl(RingConfig config, protocol::Incarnation incarnation, std::uint64_t ring_counter,
         protocol::Rng rng, protocol::BufferPool& pool, Tracer& tracer)
        : core_(std::move(config), incarnation, ring_counter, rng, pool),
          joins_(core_.roster.size()),
          given_up_(core_.roster.size()),
          settings_(core_.roster.size()),
          tracer_(tracer),
          state_(std::in_place_type<Gather>, core_, Gather::Sets{{core_.self}, {}}, true) {}

    void start(const Step& step);
    void on_packet(const Step& step, const Slice& datagram);
    void on_deadline(const Step& step);
    void on_late(const Step& step, protocol::Duration late);
    void on_peer_unreachable(const Step& step, DaemonId peer);
    void leave(const Step& step);
    [[nodiscard]] SubmitStatus submit(Submission&& submission);
    void pump(const Step& step);
    void resume(const Step& step, const RingId& ring);
    void give_up(const Step& step, const RingId& ring, const MemberList& daemons);
    void set_delivery_room(const Step& step, std::size_t deliveries);

    [[nodiscard]] EngineCore& core() { return core_; }
    [[nodiscard]] bool is_silent() const { return silent_; }
    [[nodiscard]] bool is_operational() const {
        return std::holds_alternative<Operational>(state_);
    }
    [[nodiscard]] RingState ring_state() const { return static_cast<RingState>(state_.index()); }
    [[nodiscard]] ReadPreference read_preference() const;
    [[nodiscard]] const RingStats& stats();
    void check_invariants() const;

  private:
    /// A token that comes with data for all may be for somebody else.
    enum class Addressed : std::uint8_t { kToUs, kMaybe };

    void give_up_unreachable(const Step& step, DaemonId peer);
    void on_challenge_due(const Step& step);
    [[nodiscard]] bool is_for_us(const Step& step, const PacketHeader& from);
    /// The function of the datagram's kind: one instance of decode_as() for each.
    template <std::size_t... kinds>
    void decode(const Step& step, const PacketHeader& from, const Slice& datagram,
                std::index_sequence<kinds...>);
    template <PacketKind kind>
    void decode_as(const Step& step, const PacketHeader& from, const Slice& datagram);
    void decode_token(const Step& step, const PacketHeader& from, std::span<const std::byte> bytes,
                      Addressed addressed);
    void decode_data_token(const Step& step, const Slice& datagram);
    void take_join(const Step& step, const PacketHeader& from, const protocol::Join& join);
    void take_probe(const Step& step, const PacketHeader& from, const protocol::Probe& probe);
    /// Notes what a join or probe shows. What is older than the sender's life in our ring shows
    /// nothing, nor does what two hosts send in one daemon's name, which is then left out.
    template <typename Packet>
    [[nodiscard]] Hearing::News note_hearing(const Step& step, const PacketHeader& from,
                                             const Packet& packet);
    /// Tells the state what has been noted.
    void tell_heard(const Step& step, const PacketHeader& from) {
        go(step, std::visit([&](auto& state) { return state.heard(step, from); }, state_));
    }
    /// Hands a packet to the state, unless that ignores its kind.
    template <PacketKind kind, typename Packet>
    void dispatch(const Step& step, const PacketHeader& from, Packet& packet) {
        const auto act = [&]<typename Current>(Current& state) -> Next {
            if constexpr (PacketRow<kind>::IgnoredBy::template kInclude<Current>) {
                static_assert(!requires { state.on(step, from, packet); });
                return Stay{};
            } else {
                return state.on(step, from, packet);
            }
        };
        go(step, std::visit(act, state_));
    }

    // --- transitions ---
    void go(const Step& step, Next next);
    [[nodiscard]] Next enter(const Step&, Stay) { return Stay{}; }
    [[nodiscard]] Next enter(const Step& step, ToGather&& to);
    [[nodiscard]] Next enter(const Step& step, ToCommit&& to);
    [[nodiscard]] Next enter(const Step& step, ToRecovery&& to);
    [[nodiscard]] Next enter(const Step& step, ToRing to);
    [[nodiscard]] Next enter(const Step& step, ToRingOfOne to);
    void begin_ring(const Step& step, const RingId& id, RingMembers members,
                    std::unique_ptr<ordering::RingOrder> order,
                    std::vector<protocol::Incarnation> incarnations, ChangeReason reason);
    template <typename NewState, typename... Args>
    void change_state(const Step& step, ChangeReason reason, DaemonId peer, const RingId& ring,
                      const MemberList& about, Args&&... args) {
        const RingState from = ring_state();
        state_.emplace<NewState>(core_, std::forward<Args>(args)...);
        tracer_.on_state_change(StateChange{step.now, core_.config.self, from, ring_state(), reason,
                                            peer, ring, about});
    }

    EngineCore core_;
    JoinLog joins_;
    GivenUp given_up_;
    SettingsExchange settings_;
    std::optional<PathSize::Narrow> told_narrow_;
    Tracer& tracer_;
    State state_;
    bool silent_ = false;  ///< after leave()
};

}  // namespace spread::membership
