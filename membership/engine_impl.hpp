#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "membership/ring_engine.hpp"
#include "membership/states.hpp"
#include "ordering/ring_order.hpp"

namespace spread::membership {

/// One slot per purpose; there are no timer handles and hence no races with cancelled timers.
enum class RingTimer : std::uint8_t {
    kTokenLoss,        ///< the ring, or the forming ring, is silent
    kTokenRetransmit,  ///< the successor shows no sign of the token we sent
    kTokenHold,        ///< the representative has kept the token, or leased it, long enough
    kWake,             ///< a kept token did not come although we asked
    kJoin,             ///< repeat our join
    kConsensus,        ///< give up on those who do not agree
    kMergeDetect       ///< look for daemons outside the ring
};

inline constexpr std::size_t kRingTimerCount = 7;

using protocol::DaemonId;
using protocol::Duration;
using protocol::Instant;
using protocol::MemberList;
using protocol::RingId;
using protocol::Seq;
using protocol::Slice;
using protocol::TokenSeq;

/// The engine behind RingEngine. Functions are grouped by state in operational.cpp, gather.cpp,
/// commit.cpp and recovery.cpp; what they share is in ring_engine.cpp.
struct RingEngine::Impl {
    Impl(RingConfig ring_config, protocol::Incarnation my_incarnation, std::uint64_t ring_counter,
         protocol::Rng entropy, protocol::BufferPool& buffers, Tracer& listener);

    // --- ring_engine.cpp: dispatch and shared pieces ---
    void start(Instant now, EngineOutput& out);
    /// A token that comes with data for all may be for somebody else.
    enum class Addressed : std::uint8_t { kToUs, kMaybe };
    void packet(Instant now, const Slice& datagram, EngineOutput& out,
                Addressed addressed = Addressed::kToUs);
    void deadline(Instant now, EngineOutput& out);
    void leave(EngineOutput& out);
    SubmitStatus submit(Submission&& submission);
    void peer_unreachable(Instant now, DaemonId peer, EngineOutput& out);

    [[nodiscard]] RingState ring_state() const;
    /// For a ring formed now: at least two beyond all known ones, and not behind the clock.
    [[nodiscard]] std::uint64_t next_counter(Instant now) const;
    [[nodiscard]] std::optional<std::size_t> position(DaemonId id) const;
    [[nodiscard]] MemberSet to_set(const MemberList& members) const;
    [[nodiscard]] MemberList to_list(const MemberSet& set) const;
    /// The next member after `id` in ring order.
    [[nodiscard]] static DaemonId successor(const MemberList& members, DaemonId id);
    [[nodiscard]] static DaemonId predecessor(const MemberList& members, DaemonId id);

    void change_state(Instant now, MembershipState next, ChangeReason reason, DaemonId peer,
                      const RingId& ring, const MemberList& about);
    void set_timer(RingTimer timer, Instant at) { timers[static_cast<std::size_t>(timer)] = at; }
    void clear_timer(RingTimer timer) { timers[static_cast<std::size_t>(timer)].reset(); }
    void count_decode_error(protocol::DecodeError error) {
        ++stats.decode_errors[static_cast<std::size_t>(error)];
    }
    [[nodiscard]] protocol::PacketHeader header(protocol::PacketKind kind,
                                                const RingId& ring) const {
        return {kind, config.config_hash, config.self, ring};
    }
    static void send_all(Slice datagram, EngineOutput& out);
    static void send_to(DaemonId to, Channel channel, Slice datagram, EngineOutput& out);
    /// Sends a token or commit token and keeps it for retransmission. `patience` is how long it may
    /// take at least until there can be a sign of it.
    void send_token(Instant now, DaemonId to, Slice datagram, TokenSeq token_seq, EngineOutput& out,
                    Duration patience = {});
    void send_token(Instant now, const protocol::Token& token, EngineOutput& out);
    /// The same, in one datagram with the data packet sent last if both fit.
    void send_token_with_data(Instant now, const protocol::Token& token, EngineOutput& out);
    /// How long the ring may show no progress before the token is sent again.
    [[nodiscard]] Duration token_patience() const;
    /// The ring has moved past `token_seq`: our copy of the token is not needed any more.
    void token_progress(Instant now, TokenSeq token_seq);
    /// Gathers without the member that holds up the ring if the token goes round but a packet that
    /// it asks for, or recovery, gets nowhere (Totem's failure to receive). True when it did.
    [[nodiscard]] bool give_up_stalled(Instant now, const protocol::Token& token,
                                       EngineOutput& out);
    void token_retransmit_due(Instant now, EngineOutput& out);
    [[nodiscard]] std::unique_ptr<ordering::RingOrder> make_order(const RingId& ring) const;

    // --- operational.cpp ---
    void operational_token(Instant now, protocol::Token& token, EngineOutput& out);
    [[nodiscard]] bool may_take(const protocol::Token& token) const;
    void visit_and_pass(Instant now, protocol::Token& token, EngineOutput& out);
    /// Sends on what was queued: by the kept token, or by asking for it.
    void pump(Instant now, EngineOutput& out);
    void operational_data(Instant now, const protocol::PacketHeader& from,
                          const protocol::DataHeader& data, const Slice& datagram,
                          EngineOutput& out);
    void operational_hold(Instant now, TokenSeq token_seq);
    void operational_probe(Instant now, const protocol::PacketHeader& from,
                           const protocol::Probe& probe, EngineOutput& out);
    void heard_foreign(Instant now, const protocol::PacketHeader& from, EngineOutput& out);
    void send_probe(Instant now, std::optional<DaemonId> to, EngineOutput& out);
    void schedule_merge_detect(Instant now);
    void deliver(EngineOutput& out);
    void pump_alone(EngineOutput& out);
    [[nodiscard]] bool alone() const { return members.size() == 1; }
    [[nodiscard]] bool is_representative() const { return members.front() == config.self; }
    /// Sends what a visit made, and the token to the next of `ring_members`.
    void emit_visit(const MemberList& ring_members, EngineOutput& out, const RingId& ring,
                    Instant now, protocol::Token& token);
    static void emit_data(std::vector<Slice>& datagrams, EngineOutput& out);
    void count_visit();
    [[nodiscard]] Slice hold_packet(TokenSeq token_seq) {
        return protocol::encode_hold(token_seq, header(protocol::PacketKind::kHold, ring_id), pool);
    }

    // --- quiet_ring.cpp ---
    [[nodiscard]] bool may_be_kept(const protocol::Token& token) const;
    [[nodiscard]] bool is_quiet(const protocol::Token& token) const;
    [[nodiscard]] bool others_are_quiet(const protocol::Token& token) const;
    [[nodiscard]] bool keep_token(Instant now, protocol::Token& token, EngineOutput& out);
    [[nodiscard]] bool keep_or_grant(Instant now, protocol::Token& token, EngineOutput& out);
    void keep(protocol::Token& token);
    [[nodiscard]] protocol::Token take_back(std::optional<protocol::Token>& place);
    void done_with(protocol::Token& token);
    void grant(Instant now, DaemonId to, protocol::Token& token, EngineOutput& out);
    void hand_out(Instant now, DaemonId to, protocol::Token& token, EngineOutput& out);
    void use_grant(Instant now, protocol::Token& token, EngineOutput& out);
    [[nodiscard]] std::optional<DaemonId> expected_sender() const;
    void lease(Instant now, DaemonId to, protocol::Token& token, EngineOutput& out);
    void recall_lease(Instant now, EngineOutput& out);
    void use_lease(Instant now, EngineOutput& out);
    void token_while_leased(Instant now, const protocol::Token& token, EngineOutput& out);
    void count_round(Instant now, const protocol::Token& token);
    void hold_ended(Instant now, EngineOutput& out);
    void return_grant_again(const protocol::Token& token, EngineOutput& out);
    void grant_returned(Instant now, protocol::Token& token, EngineOutput& out);
    void visit_out_of_turn(Instant now, protocol::Token& token, EngineOutput& out);
    void send_while_kept(Instant now, EngineOutput& out);
    void stir(Instant now);
    void release_held_token(Instant now, EngineOutput& out);
    void release(Instant now, protocol::Token& token, EngineOutput& out);
    void operational_wake(Instant now, DaemonId from, TokenSeq seen, EngineOutput& out);
    void wake_representative(Instant now, EngineOutput& out);

    // --- gather.cpp ---
    void enter_gather(Instant now, ChangeReason reason, DaemonId peer, const MemberSet& extra_proc,
                      const MemberSet& extra_fail, EngineOutput& out);
    void begin_round(Instant now, Gather& gather, EngineOutput& out);
    void send_join(Instant now, const Gather& gather, EngineOutput& out);
    /// The ring in the making; null in Operational and Gather.
    [[nodiscard]] const Forming* forming_ring() const;
    void on_join(Instant now, const protocol::PacketHeader& from, const protocol::Join& join,
                 EngineOutput& out);
    void gather_join(Instant now, std::size_t sender, const protocol::Join& join,
                     EngineOutput& out);
    void check_consensus(Instant now, EngineOutput& out);
    void consensus_timeout(Instant now, EngineOutput& out);
    void on_leave_packet(Instant now, const protocol::PacketHeader& from, EngineOutput& out);

    // --- commit.cpp ---
    void create_commit_token(Instant now, EngineOutput& out);
    void on_commit(Instant now, protocol::CommitToken&& token, EngineOutput& out);
    void fill_commit_member(protocol::CommitMember& member, std::size_t member_count) const;
    void pass_commit_token(Instant now, protocol::CommitToken& token, EngineOutput& out);

    // --- recovery.cpp ---
    void enter_recovery(Instant now, const protocol::CommitToken& token, EngineOutput& out);
    void recovery_token(Instant now, protocol::Token& token, EngineOutput& out);
    void recovery_data(Instant now, const protocol::DataHeader& data, DaemonId sender,
                       const Slice& datagram);
    void take_recovered(Recovery& recovery);
    void install(Instant now, Recovery recovery, EngineOutput& out);
    void install_alone(Instant now, EngineOutput& out);
    /// Delivers what the old ring still owes, the transitional and the new regular configuration.
    void finish_old_ring(const Recovery& recovery, EngineOutput& out);
    void begin_ring(Instant now, RingId ring, MemberList ring_members,
                    std::unique_ptr<ordering::RingOrder> ring_order,
                    std::vector<protocol::Incarnation> incarnations, ChangeReason reason,
                    EngineOutput& out);

    // --- what holds in every state ---
    RingConfig config;
    protocol::Incarnation incarnation;
    protocol::Rng rng;
    protocol::BufferPool& pool;
    Tracer& tracer;
    std::unordered_map<std::uint32_t, std::size_t> positions;

    RingId ring_id;                                          ///< last installed ring
    MemberList members;                                      ///< of that ring
    std::vector<protocol::Incarnation> member_incarnations;  ///< by position in `members`
    std::unique_ptr<ordering::RingOrder> order;
    RingId previous_ring_id;
    MemberSet obligation;  ///< promised to in recoveries of this ring's packets that did not finish
    std::uint64_t first_counter;  ///< given at the start
    Instant started_at{};
    std::uint64_t my_counter;       ///< of the last ring this daemon installed or helped to form
    std::uint64_t highest_counter;  ///< that it ever heard of
    ordering::SendQueue queue;
    std::size_t delivery_room;
    bool silent = false;  ///< after on_leave

    MembershipState state;
    std::array<std::optional<Instant>, kRingTimerCount> timers;

    struct SentToken {
        Slice datagram;
        DaemonId to;
        TokenSeq token_seq;
        Instant at;
        Duration interval{};
        bool measured = false;  ///< the first sign of it says how long signs take
        bool again = false;     ///< sent more than once
    };
    std::optional<SentToken> sent_token;
    // Until a token that was passed on shows in what others send, smoothed; zero while unknown.
    Duration progress_time{};
    Duration progress_deviation{};
    int progress_backoff = 1;
    std::optional<Instant> last_visit;  ///< when the token was here last, unless held since
    bool prefer_token = false;
    bool waits_for_safe = false;  ///< the next message to deliver is safe, but not yet known to be

    /// The token as it first came without anything gained since.
    struct Stall {
        Seq seq;
        Seq aru;
        std::vector<std::uint8_t> complete;
        Instant since;
    };
    std::optional<Stall> stall;

    struct Peer {
        protocol::Incarnation incarnation;
        std::uint64_t join_seq = 0;
        std::optional<Instant> heard_foreign;  ///< outside our ring
        std::optional<Instant> probed;
        bool joined_this_gather = false;
    };
    std::vector<Peer> peers;  ///< by configuration position
    std::uint64_t my_join_seq = 0;
    std::optional<Instant> last_join;  ///< when ours was sent last

    // Scratch, kept for its capacity.
    ordering::TokenVisit visit;
    std::vector<protocol::SeqRange> token_ranges;  ///< of the last token
    RingStats stats;
};

}  // namespace spread::membership
