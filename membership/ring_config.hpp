#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "protocol/ids.hpp"
#include "protocol/ring_wire.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// What a host wants of its ring: who is in it, and what was set by hand. Where nothing was set,
/// RingConfig::settled() decides.
struct RingSettings {
    protocol::MemberList daemons;  ///< all configured ones in file order, `self` among them
    protocol::DaemonId self;
    std::uint32_t config_hash = 0;

    bool wide_area = false;   ///< timeouts that nobody set suit distant hosts
    bool accelerated = true;  ///< part of a visit's packets follows the token

    std::optional<protocol::Duration> token_loss_timeout;
    std::optional<protocol::Duration> token_loss_timeout_max;
    std::optional<protocol::Duration> token_retransmit_timeout;
    /// Lowers token_retransmit_timeout, but never raises it: a file's large value must not slow the
    /// repair of a lost token.
    std::optional<protocol::Duration> token_retransmit_timeout_max;
    std::optional<protocol::Duration> token_hold_timeout;
    std::optional<protocol::Duration> token_settle_timeout;
    std::optional<protocol::Duration> join_timeout;
    std::optional<protocol::Duration> consensus_timeout;
    std::optional<protocol::Duration> start_timeout;
    std::optional<protocol::Duration> merge_detect_timeout;
    std::optional<std::uint32_t> lease_after_hits;

    std::optional<std::uint32_t> window;
    std::optional<std::uint32_t> personal_window;
    std::optional<std::uint32_t> accelerated_window;
    std::optional<std::uint32_t> window_max;
    std::optional<std::uint32_t> gap_max;
    std::optional<std::size_t> receive_room_bytes;
    std::optional<std::size_t> datagram_bytes_max;
    std::optional<std::size_t> send_queue_messages_max;
};

/// Windows that an operator sets while the ring runs; what is not set stays.
struct WindowChange {
    std::optional<std::uint32_t> window;
    std::optional<std::uint32_t> personal_window;
    std::optional<std::uint32_t> accelerated_window;

    friend bool operator==(const WindowChange&, const WindowChange&) = default;
};

/// Everything the ring engine needs to know of its configuration. The values below are the defaults
/// for a few daemons on a local network. Engines are given settled ones: those of settled(), or
/// values that keep its rules.
struct RingConfig {
    /// The one place that turns settings into a consistent configuration, for daemon and simulator.
    ///
    /// - Timeouts that nobody set are four times as long over a wide area. When token_loss_timeout
    ///   is set, those of forming rings (join, consensus, start, merge_detect) scale with it.
    ///   Where nobody set them they also grow with the square of the number of daemons beyond 16:
    ///   16 times as long with 64.
    /// - Learning, a ring bears twenty times the loss timeout at most, and not above 5 s.
    /// - The token of an idle ring goes round well before the others would count it as lost, and
    ///   that of a quiet ring several times in a loss timeout.
    /// - Windows that were set keep their size, and the personal window never exceeds the window.
    ///   Windows that nobody set grow with the number of daemons and size themselves.
    /// - What a member may hold beyond its aru, at most the gap and what a rotation adds, fits into
    ///   a commit token of all daemons: what is not reported there is lost when a ring forms.
    [[nodiscard]] static RingConfig settled(const RingSettings& settings);

    /// How many times more daemons there are than can hear of each other at once; at least 1.
    [[nodiscard]] double crowd() const;
    /// Shortest time between joins of different sets, or between probes of a kind.
    [[nodiscard]] protocol::Duration shortest_pause() const {
        return join_timeouts(0.1 * crowd() * crowd());
    }
    /// The same between joins that say what else is heard by now.
    [[nodiscard]] protocol::Duration news_pause() const {
        return join_timeouts(0.025 * crowd() * crowd() * crowd());
    }
    /// Windows that are set do not size themselves any more. False, and nothing has changed, when
    /// one is 0 or larger than window_limit; only the accelerated window may be 0.
    [[nodiscard]] bool change_windows(const WindowChange& change);

    /// All configured daemons in file order, `self` among them. Their order is the order of the
    /// token and of every member list; the first member of a ring is its representative.
    protocol::MemberList daemons;
    protocol::DaemonId self;
    std::uint32_t config_hash = 0;
    /// The highest version of the ring's wire that this daemon speaks. A lower one than the
    /// release's is for trying how it goes with daemons of the release before.
    std::uint8_t wire_greatest = protocol::kRingWireGreatest;
    /// What the file says about the ring, in lines, for daemons that run another one.
    std::string settings;
    /// Whom a datagram for all reaches by a group address, as long as the network carries that.
    protocol::MemberList group_mates;

    /// Silence of the ring (no token, no packet of this ring) that counts as its loss.
    protocol::Duration token_loss_timeout = std::chrono::milliseconds(250);
    /// Up to this it is learnt (LossTimeout). The same: it is fixed.
    protocol::Duration token_loss_timeout_max = std::chrono::seconds(5);
    /// A forwarded token is sent again when the ring showed no progress for so long. The engine
    /// uses the larger of this floor and the time that signs of progress have taken lately.
    protocol::Duration token_retransmit_timeout = std::chrono::milliseconds(1);
    /// An idle ring's representative keeps the token for so long between rounds. A daemon that dies
    /// meanwhile may go unnoticed for this time, even if its host answers "port unreachable"; with
    /// the challenge that follows that is below 100 ms.
    protocol::Duration token_hold_timeout = std::chrono::milliseconds(45);
    /// With little to do the representative keeps the token after each round and hands it to
    /// whoever asks, and back. After so long it sends the token round again, so that losses are
    /// noticed and the safe line moves. 0: it keeps only the token of an idle ring.
    protocol::Duration token_settle_timeout = std::chrono::milliseconds(3);
    /// After so many times in a row in which one member's message was followed by one of the same
    /// next member the representative leases the token to that one beforehand. 0: never.
    std::uint32_t lease_after_hits = 3;
    /// Joins are repeated this often while gathering.
    protocol::Duration join_timeout = std::chrono::milliseconds(20);
    /// Daemons that have not agreed on the members after so long are left out.
    protocol::Duration consensus_timeout = std::chrono::milliseconds(100);
    /// A starting daemon waits so long for others before it forms a ring of one.
    protocol::Duration start_timeout = std::chrono::milliseconds(150);
    /// A ring that misses configured daemons looks for them this often.
    protocol::Duration merge_detect_timeout = std::chrono::milliseconds(250);

    /// Packets all members together may send per token round, and one member per visit. Two bursts
    /// of 44 full packets are two UDP messages with segmentation offload.
    std::uint32_t window = 264;
    std::uint32_t personal_window = 88;
    /// Of a visit's packets, how many at most are sent after the token was passed on. 0 with
    /// `accelerated` off.
    std::uint32_t accelerated_window = 44;
    bool accelerated = true;
    /// Where the network's delay asks for it the window grows up to this, the personal window with
    /// it. Not above `window`: windows are fixed.
    std::uint32_t window_max = 2112;
    /// What an operator may set the window to at most, later.
    std::uint32_t window_limit = 2112;
    /// Bytes of datagrams that may wait in this daemon's receive buffer. Windows stay below it.
    std::size_t receive_room_bytes = 8U << 20U;

    /// Highest number assigned minus all-received-up-to, at most. A daemon keeps at most four times
    /// as many packets and a window: 50 MB of full ones, where all but one member stand still.
    std::uint32_t gap_max = 8192;
    /// UDP payload bytes of a data packet at most.
    std::size_t datagram_bytes_max = 1452;
    /// Messages waiting to be stamped, at most; submit() refuses more.
    std::size_t send_queue_messages_max = 2000;
    std::size_t send_queue_bytes_max = 16U << 20U;
    /// Packets of every ring are numbered from the next one on. All daemons have the same; another
    /// than 0 is for tests, whose rings pass 2^32 so.
    protocol::Seq before_first_seq;

  private:
    /// So many of them, at most one.
    [[nodiscard]] protocol::Duration join_timeouts(double count) const;
};

}  // namespace spread::membership
