#pragma once

#include <cstdint>
#include <deque>
#include <iterator>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/session/session_core.hpp"
#include "protocol/session_wire.hpp"
#include "tests/support/ordered.hpp"
#include "tests/unit/session/client_bytes.hpp"

namespace spread::session {

inline constexpr protocol::DaemonId kSelf{1};

inline membership::GroupConfig one_daemon() {
    membership::GroupConfig config;
    config.daemons = {{kSelf, "d1"}};
    config.self = kSelf;
    return config;
}

/// One daemon that is its whole ring: what the core submits comes back when the test says so.
class TestDaemon {
  public:
    explicit TestDaemon(SessionConfig config = {})
        : core_(named(std::move(config)), one_daemon(), protocol::Rng(7)) {
        const protocol::RingId alone{kSelf, 1, 1000};
        for (const auto kind : {membership::ConfigurationKind::kTransitional,
                                membership::ConfigurationKind::kRegular}) {
            core_.on_ring_event(now, membership::ConfigurationChange{kind, alone, {kSelf}}, out_);
            absorb();
        }
    }

    protocol::SessionId accept(std::string peer = "127.0.0.1:5000",
                               const access::PeerAddress& address = {}) {
        const protocol::SessionId id = core_.on_accept(now, std::move(peer), out_, address);
        peers_[id];
        absorb();
        return id;
    }

    void send(protocol::SessionId id, const Bytes& bytes) {
        core_.on_bytes(now, id, slice_of(bytes), out_);
        absorb();
    }

    void tell_tls(protocol::SessionId id, const TlsNews& news) {
        core_.on_tls(now, id, news, out_);
        absorb();
    }

    void say_password(protocol::SessionId id, bool is_right) {
        core_.on_password(now, id, is_right, out_);
        absorb();
    }

    void hang_up(protocol::SessionId id) {
        core_.on_peer_closed(now, id, out_);
        absorb();
    }

    void fire_deadlines() {
        core_.on_deadline(now, out_);
        absorb();
    }

    void set_memory_short(bool is_short) {
        core_.on_memory(now, is_short, out_);
        absorb();
    }

    std::optional<std::size_t> ban(access::Ban ban) {
        const auto ended = core_.ban(now, std::move(ban), out_);
        absorb();
        return ended;
    }

    void shutdown() {
        core_.shutdown(now, out_);
        absorb();
    }

    /// Delivers the first message on the ring.
    void step_ring() {
        membership::Submission submission = std::move(ring.front());
        ring.pop_front();
        core_.on_ring_event(now,
                            support::ordered(std::move(submission), {kSelf, 1, 1000},
                                             protocol::Seq{++delivered_}, kSelf),
                            out_);
        absorb();
    }

    /// From here on ring events may cost no more.
    void begin_turn(std::size_t units) { core_.begin_turn(units); }
    /// One more turn for the event at hand.
    void work(std::size_t units) {
        core_.begin_turn(units);
        core_.work(now, out_);
        absorb();
    }

    /// Delivers what is on the ring, and what that leads to.
    void run_ring() {
        while (!ring.empty()) {
            step_ring();
        }
    }

    /// A session past its handshake.
    protocol::SessionId open(std::string_view name, bool membership = true) {
        const protocol::SessionId id = accept();
        send(id, concat({connect_bytes(name, membership ? 1 : 0), auth_bytes()}));
        EXPECT_THAT(received(id), testing::SizeIs(2)) << name;
        sent(id);
        return id;
    }

    /// The socket takes everything, or some bytes.
    void sent(protocol::SessionId id) { sent(id, core_.outbound(id).bytes_left()); }
    void sent(protocol::SessionId id, std::size_t bytes) {
        core_.on_sent(now, id, bytes, out_);
        absorb();
    }

    /// What was queued for a session, one entry per frame; forgotten by asking.
    std::vector<Bytes> received(protocol::SessionId id) {
        auto node = received_.extract(id);
        return node.empty() ? std::vector<Bytes>() : std::move(node.mapped());
    }

    /// Type words of the messages written to a session.
    std::vector<std::uint32_t> received_types(protocol::SessionId id) {
        std::vector<std::uint32_t> types;
        for (const Bytes& bytes : received(id)) {
            types.push_back(protocol::decode_session_header(
                                std::span(bytes).first<protocol::kSessionHeaderBytes>())
                                .type);
        }
        return types;
    }

    std::optional<SessionOutput::Close> close_of(protocol::SessionId id) const {
        for (const auto& close : closes) {
            if (close.session == id) {
                return close;
            }
        }
        return std::nullopt;
    }

    [[nodiscard]] SessionInfo info(protocol::SessionId id) const {
        for (SessionInfo& info : core_.sessions()) {
            if (info.id == id) {
                return info;
            }
        }
        return {};
    }

    SessionCore& core() { return core_; }

    protocol::Instant now{};
    std::deque<membership::Submission> ring;
    std::vector<SessionOutput::Close> closes;
    std::vector<protocol::SessionId> stops;
    std::vector<SessionOutput::Opened> opened;
    std::vector<protocol::SessionId> shutdowns;
    std::vector<protocol::SessionId> releases;
    std::vector<protocol::SessionId> pauses;
    std::vector<protocol::SessionId> resumes;
    std::vector<SessionOutput::PasswordCheck> password_checks;
    std::vector<std::string> warnings;
    std::vector<SessionOutput::Note> notes;
    std::optional<protocol::RingId> resume;

  private:
    static SessionConfig named(SessionConfig config) {
        config.daemon_name = "d1";
        return config;
    }

    void absorb() {
        do {
            std::move(out_.submissions.begin(), out_.submissions.end(), std::back_inserter(ring));
            append(opened, out_.opened);
            append(closes, out_.closes);
            append(password_checks, out_.password_checks);
            append(warnings, out_.warnings);
            append(notes, out_.notes);
            if (out_.resume) {
                resume = out_.resume;
            }
            append(shutdowns, out_.shutdowns);
            append(releases, out_.releases);
            const SessionOutput out = std::exchange(out_, {});
            for (const protocol::SessionId id : out.releases) {
                EXPECT_EQ(peers_.erase(id), 1U);
            }
            for (auto& [id, peer] : peers_) {
                look_at(id, peer);
            }
            for (const auto& close : out.closes) {
                if (peers_.contains(close.session)) {
                    core_.on_sent(now, close.session, core_.outbound(close.session).bytes_left(),
                                  out_);
                }
            }
            for (const protocol::SessionId id : out.shutdowns) {
                core_.on_peer_closed(now, id, out_);  // peers read everything and close in turn
            }
        } while (!out_.empty());
    }

    struct Peer {
        Reading reading = Reading::kHandshake;
        std::size_t frames_seen = 0;  ///< of those that are queued
    };

    void look_at(protocol::SessionId id, Peer& peer) {
        const OutboundQueue& queue = core_.outbound(id);
        std::size_t at = 0;
        queue.for_each_slice([&](const protocol::Slice& slice, std::size_t skip) {
            if (at++ >= peer.frames_seen) {
                const auto bytes = slice.bytes().subspan(skip);
                received_[id].emplace_back(bytes.begin(), bytes.end());
            }
            return true;
        });
        peer.frames_seen = at;
        const Reading before = std::exchange(peer.reading, core_.reading(id));
        if (before == peer.reading) {
            return;
        }
        if (peer.reading == Reading::kPaused) {
            pauses.push_back(id);
        } else if (peer.reading == Reading::kOver) {
            stops.push_back(id);
        } else if (before == Reading::kPaused) {
            resumes.push_back(id);
        }
    }

    template <typename T>
    static void append(std::vector<T>& all, const std::vector<T>& more) {
        all.insert(all.end(), more.begin(), more.end());
    }

    SessionCore core_;
    SessionOutput out_;
    std::uint64_t delivered_ = 0;
    std::map<protocol::SessionId, Peer> peers_;  ///< their sockets are open
    std::map<protocol::SessionId, std::vector<Bytes>> received_;
};

}  // namespace spread::session
