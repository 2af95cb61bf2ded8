#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "membership/blame.hpp"
#include "membership/challenges.hpp"
#include "membership/claims.hpp"
#include "membership/foreign_rings.hpp"
#include "membership/gone.hpp"
#include "membership/hearing.hpp"
#include "membership/installed_ring.hpp"
#include "membership/last_heard.hpp"
#include "membership/loss_timeout.hpp"
#include "membership/path_size.hpp"
#include "membership/received_from.hpp"
#include "membership/ring_config.hpp"
#include "membership/ring_id_counter.hpp"
#include "membership/ring_stats.hpp"
#include "membership/ring_timers.hpp"
#include "membership/stall_watch.hpp"
#include "membership/step.hpp"
#include "membership/token_watch.hpp"
#include "membership/transition.hpp"
#include "ordering/ring_order.hpp"
#include "ordering/send_queue.hpp"
#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/result.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/rng.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

/// What all states of the ring engine share: the parts that outlive a state, and the sending of
/// tokens and datagrams. Each state holds a reference, and adds its own data.
struct EngineCore {
    EngineCore(RingConfig ring_config, protocol::Incarnation my_incarnation,
               std::uint64_t ring_counter, protocol::Rng entropy, protocol::BufferPool& buffers);

    [[nodiscard]] protocol::PacketHeader header(protocol::PacketKind kind) const {
        return {kind, config.config_hash, config.self, ring.id(), ring_wire};
    }
    [[nodiscard]] std::unique_ptr<ordering::RingOrder> make_order(const protocol::RingId& id) const;
    /// The windows of our configuration, which may have changed since it was made.
    void use_windows(ordering::RingOrder& ring_order) const {
        ring_order.use_windows(windows(), accelerated_window());
    }
    /// What all of `members` get in one piece, as far as joins have told.
    [[nodiscard]] std::size_t datagram_bytes_for(const protocol::MemberList& members,
                                                 protocol::Instant now) const;
    /// Looks for one of `daemons` that has reported since to get our data, but not in datagrams as
    /// long as ours. True: from now on shorter ones are tried. `every`: how often they report.
    [[nodiscard]] bool look_for_narrow_path(protocol::Instant now,
                                            const protocol::DaemonSet& daemons,
                                            protocol::Instant since, protocol::Duration every);
    [[nodiscard]] protocol::Report report(protocol::Instant now, protocol::Instant since) const;
    [[nodiscard]] protocol::RingId make_ring_id(protocol::Instant now);
    [[nodiscard]] protocol::DaemonSet only(protocol::DaemonId id) const {
        return {*roster.find(id)};
    }
    [[nodiscard]] protocol::DaemonSet ring_set() const {
        return roster.set_of(ring.members().list());
    }
    /// Since when joins and probes count: while gathering, when joins come often, and else.
    [[nodiscard]] protocol::Instant gather_evidence_since(protocol::Instant now) const {
        return now - std::max(config.consensus_timeout, 3 * config.join_timeout);
    }
    [[nodiscard]] protocol::Instant probe_evidence_since(protocol::Instant now) const {
        return now - 3 * config.merge_detect_timeout;
    }
    /// How long a member that is said to be gone has to answer at least.
    [[nodiscard]] protocol::Duration challenge_timeout() const {
        return std::min<protocol::Duration>(std::chrono::milliseconds(50),
                                            config.token_loss_timeout / 5);
    }
    /// When a member that is said to be gone, and has not answered, is believed to be.
    [[nodiscard]] protocol::Instant challenge_end(protocol::Instant now) const;
    [[nodiscard]] protocol::Probe make_probe(protocol::Instant now, protocol::Instant since);
    /// Asks all who are challenged.
    void ask_challenged(const Step& step);
    /// `daemon` has reported: where it hears a group address again, data goes there.
    void trust_group(const Step& step, protocol::DaemonIndex daemon);
    /// Those of `daemons` that have reported since and hear us, but not by the group address, are
    /// sent to one by one.
    void distrust_group(const Step& step, const protocol::DaemonSet& daemons,
                        protocol::Instant since);

    /// The gather that follows a join which ends our ring.
    [[nodiscard]] ToGather gather_for(protocol::DaemonId sender, const protocol::Join& join) const;
    void count(protocol::DecodeError error) {
        ++(error == protocol::DecodeError::kBadVersion ? stats.packets_other_wire
                                                       : stats.packets_malformed);
        ++stats.decode_errors[static_cast<std::size_t>(error)];
    }

    /// The ring has shown a sign of life: the loss timeout starts again.
    void expect_token(protocol::Instant now);
    /// Nothing needs to come in: the ring rests with us.
    void expect_nothing() {
        loss.stop_waiting();
        timers.clear(RingTimer::kTokenLoss);
        timers.clear(RingTimer::kAlive);
    }
    /// This daemon did not run for `late`: the others may all be well, and are given time to say
    /// so.
    void stood_still(const Step& step, protocol::Duration late);
    /// The ring has moved on to `token_seq`: a token sent before has arrived and need not be sent
    /// again.
    void note_progress(protocol::Instant now, protocol::TokenSeq token_seq);
    /// A ring failed because of `daemon`: who is to be left out of the next gather for it.
    [[nodiscard]] protocol::DaemonSet blame_for(protocol::Instant now, protocol::DaemonId daemon);
    /// `sender` has reported, and left `before` out until then: what a member of our ring has found
    /// out about another one counts for all.
    void hear_blame(protocol::Instant now, protocol::DaemonIndex sender,
                    const protocol::DaemonSet& before);
    /// Of whom a join or probe has come, perhaps of a new life.
    void note_links(protocol::Instant now, protocol::DaemonIndex daemon, bool new_life);
    /// The token goes round without progress: gather, and when that has not helped before, without
    /// the member that is the cause.
    [[nodiscard]] Next give_up_stalled(protocol::Instant now, const protocol::Token& token_in,
                                       bool recovering);

    /// Sends a token or commit token and watches over it. `silent_for`: see TokenWatch.
    void send_token(const Step& step, protocol::DaemonId to, protocol::Slice datagram,
                    protocol::TokenSeq token_seq, protocol::Duration silent_for = {});
    void send_token(const Step& step, const protocol::Token& token_out,
                    protocol::Duration silent_for = {});
    /// The same, in one datagram with the data packet sent last if both fit.
    void send_token_with_data(const Step& step, const protocol::Token& token_out,
                              protocol::Duration silent_for);
    /// The token that is watched has shown no sign of arrival in time.
    void send_token_again(const Step& step);
    /// Sends the packets that a visit made, and the token to the next of `members`.
    void pass_on(const Step& step, const RingMembers& members, protocol::Token& token_out,
                 protocol::Duration silent_for = {});
    static void send_all(const Step& step, std::vector<protocol::Slice>& datagrams);
    void count_visit();

    /// Hands up what may be delivered on the installed ring, as far as the host has room.
    void deliver(const Step& step);

    void check_invariants() const;

    RingConfig config;
    protocol::Incarnation incarnation;
    protocol::Rng rng;
    protocol::BufferPool& pool;
    protocol::Roster roster;
    protocol::DaemonIndex self;  ///< our place in it

    InstalledRing ring;
    PathSize path;
    std::size_t ring_bytes;  ///< datagrams of the ring that forms, or runs, are no longer
    std::uint8_t ring_wire;  ///< version of the wire that it speaks
    std::unique_ptr<ordering::RingOrder> order;  ///< of the installed ring
    /// Daemons whose messages were promised in interrupted recoveries of the installed ring.
    protocol::DaemonSet obligation;
    RingIdCounter id_counter;
    ordering::SendQueue queue;
    std::size_t delivery_room;    ///< deliveries that the host takes now
    bool waits_for_safe = false;  ///< the next message to deliver is safe, not yet known to be

    std::uint64_t my_join_seq = 0;
    std::optional<protocol::Instant> last_join;  ///< when ours was sent last

    RingTimers timers;
    TokenWatch watch;
    LossTimeout loss;
    StallWatch stall;
    Blame blame;
    std::optional<protocol::Instant> stood_still_at;
    ForeignRings foreign;
    Challenges challenges;
    Hearing hearing;
    LastHeard last_heard;
    ReceivedFrom received_from;
    Gone gone;
    Claims claims;
    std::uint32_t settings_sum;       ///< of config.settings
    protocol::DaemonSet group_mates;  ///< whom a group address reaches if all is well
    protocol::DaemonSet one_by_one;   ///< of these, to whom the group address does not get through
    RingStats stats;

    // Used again for each token, so that their memory is kept.
    protocol::Token token;       ///< the one being handled
    ordering::TokenVisit visit;  ///< what its visit made

  private:
    [[nodiscard]] ordering::WindowConfig windows() const;
    [[nodiscard]] std::uint32_t accelerated_window() const {
        return config.accelerated ? config.accelerated_window : 0;
    }
    /// It has reported since then that it hears us by the group address.
    [[nodiscard]] bool hears_group(protocol::DaemonIndex daemon, protocol::Instant since) const;
};

/// The highest version of the wire that all of `members` speak, as far as joins have told.
[[nodiscard]] std::uint8_t wire_for(const EngineCore& core, const protocol::DaemonSet& members);
/// The lives of the daemons of our ring.
[[nodiscard]] LossTimeout::Lives lives(const EngineCore& core);
/// The ring is silent for longer than usual. If that is because a firewall keeps everything from
/// us, others are told by our own kernel that nobody listens here; so they are told that we do.
/// Again and again until the ring counts as lost.
void say_alive(EngineCore& core, const Step& step);
/// A packet of another version came.
void note_other_wire(EngineCore& core, const protocol::Slice& datagram);
/// A ring that formed is given up. When a commit token that we sent, again and again, has got no
/// answer, its receiver is to blame.
[[nodiscard]] protocol::DaemonSet blame_for_commit_token(EngineCore& core, protocol::Instant now);

}  // namespace spread::membership
