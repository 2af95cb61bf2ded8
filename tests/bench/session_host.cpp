#include "tests/bench/session_host.hpp"

#include <iterator>
#include <utility>

#include "protocol/rng.hpp"
#include "tests/bench/samples.hpp"
#include "tests/support/ordered.hpp"
#include "tests/unit/session/client_bytes.hpp"

namespace spread::bench {

using membership::ConfigurationChange;
using membership::ConfigurationKind;
using membership::Delivery;
using membership::Submission;
using protocol::DaemonId;
using protocol::SessionId;

namespace {

session::SessionConfig session_config(std::uint32_t sessions) {
    session::SessionConfig config;
    config.daemon_name = daemon_name(0);
    config.max_sessions = sessions;
    return config;
}

membership::GroupConfig group_config() {
    membership::GroupConfig config;
    config.daemons = {{DaemonId{1}, daemon_name(0)}};
    config.self = DaemonId{1};
    return config;
}

}  // namespace

SessionHost::SessionHost(std::size_t sessions)
    : core_(session_config(static_cast<std::uint32_t>(sessions)), group_config(),
            protocol::Rng(7)) {
    for (const auto kind : {ConfigurationKind::kTransitional, ConfigurationKind::kRegular}) {
        event(ConfigurationChange{kind, kRing, {DaemonId{1}}});
    }
    settle();
}

SessionId SessionHost::open(std::size_t number) {
    const SessionId session = core_.on_accept({}, "bench", out_);
    const auto say = [&](const session::Bytes& bytes) {
        core_.on_bytes({}, session, session::slice_of(bytes), out_);
        settle();
    };
    say(session::connect_bytes("u" + std::to_string(number)));
    say(session::auth_bytes());
    say(session::join_bytes("room", private_group(number)));
    return session;
}

std::size_t SessionHost::deliver(const protocol::Message& frame) {
    Delivery delivery;
    delivery.ring_id = kRing;
    delivery.seq = protocol::Seq{++delivered_};
    delivery.origin = DaemonId{1};
    delivery.body = frame;
    written_ = 0;
    event(std::move(delivery));
    return written_;
}

std::size_t SessionHost::read(SessionId session, const protocol::Slice& bytes) {
    core_.on_bytes({}, session, bytes, out_);
    const std::size_t submitted = out_.submissions.size();
    out_.clear();
    return submitted;
}

void SessionHost::event(membership::DeliveryEvent event) {
    core_.on_ring_event({}, std::move(event), out_);
    write();
}

/// As the daemon does, but for the system call.
void SessionHost::write() {
    while (const auto session = core_.next_write()) {
        const session::OutboundQueue& queue = core_.outbound(*session);
        std::size_t used = 0;
        std::size_t bytes = 0;
        queue.for_each_slice([&](const protocol::Slice& slice, std::size_t skip) {
            slices_[used++] = {slice.buffer->data() + slice.offset + skip, slice.length - skip};
            bytes += slice.length - skip;
            return used < slices_.size();
        });
        ++written_;
        static_cast<void>(core_.on_sent({}, *session, bytes, out_));
    }
}

void SessionHost::settle() {
    write();
    std::move(out_.submissions.begin(), out_.submissions.end(), std::back_inserter(ring_));
    out_.clear();
    while (!ring_.empty()) {
        for (Submission& submission : std::exchange(ring_, {})) {
            event(support::ordered(std::move(submission), kRing, protocol::Seq{++delivered_},
                                   DaemonId{1}));
            std::move(out_.submissions.begin(), out_.submissions.end(), std::back_inserter(ring_));
            out_.clear();
        }
    }
}

}  // namespace spread::bench
