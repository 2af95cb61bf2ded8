#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "client/codec/frame_buffer.hpp"
#include "client/codec/message_view.hpp"
#include "membership/events.hpp"
#include "protocol/session_wire.hpp"
#include "tests/fuzz/require.hpp"
#include "tests/fuzz/session_core_requests.hpp"

/// What the session layer says, looked at one by one.
namespace spread::fuzz {

/// A connection as its socket and its client see it.
struct Peer {
    Bytes opening;  ///< first bytes said: what tells us the version
    bool opened = false;
    bool accepted = false;  ///< D2 was written
    bool wants_membership = false;
    bool reads_4x = true;
    bool closed = false;  ///< over for the log; its socket is not released yet
    bool shut = false;
    bool gone = false;  ///< has closed, which the core may not know
    std::string private_name;
    std::size_t frames_seen = 0;  ///< of those that are queued
    client::FrameBuffer frames{256};
};

inline bool is_printable(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

inline void check_message(const Peer& peer, const client::MessageView& message) {
    require(message.header.order == protocol::ByteOrder::kLittle);
    require(message.header.private_group_name.is_terminated());
    require(message.is_regular() + message.is_membership() + message.is_reject() == 1);
    for (std::size_t i = 0; i < message.group_count() && message.is_membership(); ++i) {
        require(message.group(i).is_terminated());
    }
    if (!message.is_membership()) {
        return;
    }
    require(peer.wants_membership);
    if (message.is_self_leave() || (message.is_regular_membership() && !peer.reads_4x)) {
        return;
    }
    const auto membership = client::decode_membership(message);
    require(membership.has_value());
    if (message.is_regular_membership()) {
        const auto& members = membership->members;
        require(std::find(members.begin(), members.end(), peer.private_name) != members.end());
        require(std::is_sorted(members.begin(), members.end()));
        require(std::adjacent_find(members.begin(), members.end()) == members.end());
    }
}

/// The client's side of one frame.
inline void take(Peer& peer, std::span<const std::byte> bytes) {
    if (!peer.accepted) {
        // D1, a verdict, a reject byte or D2: each is small and comes in one piece.
        require(bytes.size() <= 1 + protocol::kAuthChoiceBytes);
        if (bytes.size() > 1 && bytes.front() == protocol::kAcceptSession) {
            require(peer.opened);
            peer.accepted = true;
        }
        return;
    }
    peer.frames.append(bytes);
    const auto message = peer.frames.next();
    require(message && *message && peer.frames.buffered() == 0);
    check_message(peer, **message);
}

/// What goes to the ring.
inline void check_submission(const membership::Submission& submission) {
    require(!submission.body.empty());
    require(submission.control == (submission.kind == protocol::MessageKind::kGroupState));
    if (submission.kind != protocol::MessageKind::kClientFrame) {
        return;
    }
    Bytes frame(submission.body.size());
    submission.body.copy_to(frame);
    require(frame.size() >= protocol::kSessionHeaderBytes);
    const auto header = protocol::decode_session_header(
        std::span<const std::byte>(frame).first<protocol::kSessionHeaderBytes>());
    require(header.order == protocol::ByteOrder::kLittle);
    require(protocol::check_request(header, header.private_group_name) ==
            protocol::RequestKind::kMulticast);
    require(protocol::frame_bytes(header) == frame.size());
}

}  // namespace spread::fuzz
