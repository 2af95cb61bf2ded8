#include "client/c/mailbox.hpp"

#include <algorithm>
#include <new>

#include "client/c/membership_body.hpp"
#include "client/codec/message_view.hpp"
#include "client/codec/requests.hpp"

namespace spread::c_api {

namespace {

using protocol::kNameFieldBytes;
using protocol::NameField;

bool is_reject(std::uint32_t type) {
    return (type & protocol::kRejectMess) != 0;
}

/// Data and rejects carry the application's type and its byte order; memberships do not.
bool has_hint(std::uint32_t type) {
    return is_reject(type) || (type & protocol::kRegularMess) != 0;
}

bool is_described_membership(std::uint32_t type) {
    // The helpers read a body for every membership type except a self-leave.
    return !is_reject(type) && Is_membership_mess(type) && !Is_self_leave(type);
}

/// A receive option that a sender may have put on the wire; a program that passes the type of one
/// message back in with the next call must not find itself asking for truncation.
std::uint32_t deliverable(std::uint32_t type) {
    return type & ~protocol::kDropRecv;
}

}  // namespace

int Mailbox::send(Pieces& frame) {
    const std::scoped_lock lock(send_mutex_);
    if (is_broken_.load()) {
        return NET_ERROR_ON_SESSION;
    }
    const auto result = stream_.write(frame);
    return result == IoResult::kDone ? 0 : failed(result);
}

int Mailbox::send_group_request(std::uint32_t type, const char* group) {
    const NameField name{std::string_view(group)};
    const auto head = client::make_request_head(private_group_, type, 1, 0, 0);
    Pieces frame;
    frame.add(head.data(), head.size());
    frame.add(name.bytes().data(), kNameFieldBytes);
    return send(frame);
}

int Mailbox::multicast(std::uint32_t type, std::span<const std::byte> groups,
                       std::int16_t mess_type, const Pieces& body) {
    if (is_broken_.load()) {
        return NET_ERROR_ON_SESSION;
    }
    if (groups.size() / kNameFieldBytes > protocol::kGroupsPerMessageMax ||
        body.bytes() > protocol::kMessageContentMax - groups.size()) {
        return MESSAGE_TOO_LONG;
    }
    const auto head = client::make_request_head(
        private_group_, type, groups.size() / kNameFieldBytes, mess_type, body.bytes());
    Pieces frame;
    frame.add(head.data(), head.size());
    frame.add(groups.data(), groups.size());
    frame.append(body);
    const int sent = send(frame);
    return sent == 0 ? static_cast<int>(body.bytes()) : sent;
}

void Mailbox::send_kill() {
    // In the middle of a message there is no place for another one; the end of the stream, which
    // comes next, tells the daemon the same.
    const std::unique_lock lock(send_mutex_, std::try_to_lock);
    if (!lock || is_broken_.load()) {
        return;
    }
    const auto head = client::make_request_head(private_group_, protocol::kKillMess, 1, 0, 0);
    Pieces frame;
    frame.add(head.data(), head.size());
    frame.add(private_group_.bytes().data(), kNameFieldBytes);
    stream_.write_some(frame);
}

int Mailbox::failed(IoResult result) {
    if (result != IoResult::kClosed) {
        is_broken_.store(true);
    }
    return CONNECTION_CLOSED;
}

int Mailbox::receive(const Room& room, Received& received) {
    const std::scoped_lock lock(receive_mutex_);
    if (stream_.is_closed()) {
        return CONNECTION_CLOSED;
    }
    if (is_broken_.load()) {
        return NET_ERROR_ON_SESSION;
    }
    if (!pending_) {
        if (const int read = read_header(); read != 0) {
            return read;
        }
    }
    const Pending& pending = *pending_;
    const auto& header = pending.header;
    received.type = deliverable(header.type);
    const auto name = header.private_group_name.view().substr(0, MAX_GROUP_NAME - 1);
    received.sender = {};
    std::copy(name.begin(), name.end(), received.sender.begin());
    const auto hint = protocol::decode_hint(header.hint);
    received.mess_type = has_hint(header.type) ? hint.mess_type : 0;
    received.num_groups = 0;
    received.endian_mismatch = 0;

    const bool groups_fit = pending.groups <= room.groups_max;
    const bool body_fits = pending.body_bytes <= room.body.bytes();
    if (!room.drop && (!groups_fit || !body_fits)) {
        if (!groups_fit) {
            received.num_groups = -static_cast<int>(pending.groups);
        }
        if (!body_fits) {
            received.endian_mismatch = -static_cast<int>(pending.body_bytes);
        }
        return groups_fit ? BUFFER_TOO_SHORT : GROUPS_TOO_SHORT;
    }
    const auto order = has_hint(header.type) ? hint.order : protocol::kOurOrder;
    received.endian_mismatch = order == protocol::kOurOrder ? 0 : 1;
    received.num_groups =
        groups_fit ? static_cast<int>(pending.groups) : -static_cast<int>(pending.groups);
    if (!has_hint(header.type)) {
        received.mess_type = -1;
    }
    return read_rest(room, received);
}

int Mailbox::read_header() {
    std::array<std::byte, protocol::kSessionHeaderBytes> bytes;
    Pieces into;
    into.add(bytes.data(), bytes.size());
    if (const auto read = stream_.read(into); read != IoResult::kDone) {
        return failed(read);
    }
    Pending pending;
    pending.header = protocol::decode_session_header(bytes);
    if (!client::bytes_behind(pending.header)) {
        if (pending.header.num_groups >= 0 && pending.header.data_len >= 0) {
            // More than any daemon sends: there is no telling where the next message begins.
            is_broken_.store(true);
        }
        // A negative count stands for nothing behind the header, as programs know it from stock.
        return ILLEGAL_MESSAGE;
    }
    pending.groups = static_cast<std::size_t>(pending.header.num_groups);
    pending.body_bytes = static_cast<std::size_t>(pending.header.data_len);
    pending_ = pending;
    return 0;
}

int Mailbox::read_rest(const Room& room, Received& received) {
    // Whatever happens now, the next call is about another message.
    const Pending pending = *pending_;
    pending_.reset();

    std::array<std::byte, client::kOldTypeBytes> old_type{};
    const std::size_t groups = std::min(pending.groups, room.groups_max);
    const std::size_t body_bytes = std::min(pending.body_bytes, room.body.bytes());
    const bool is_cut = groups < pending.groups || body_bytes < pending.body_bytes;
    Pieces into;
    if (is_reject(pending.header.type)) {
        into.add(old_type.data(), old_type.size());
    }
    into.add(room.groups, groups * kNameFieldBytes);
    into.skip((pending.groups - groups) * kNameFieldBytes);
    into.append(room.body.prefix(body_bytes));
    into.skip(pending.body_bytes - body_bytes);
    if (const auto read = stream_.read(into); read != IoResult::kDone) {
        return failed(read);
    }
    for (std::size_t i = 0; i < groups; ++i) {
        room.groups[i][MAX_GROUP_NAME - 1] = '\0';
    }
    if (is_reject(pending.header.type)) {
        received.type = deliverable(client::reject_type(pending.header.order, old_type));
    }
    if (is_described_membership(pending.header.type)) {
        if (const int done = finish_membership(room, pending, is_cut, received); done != 0) {
            return done;
        }
    }
    // Cut groups are told by the negative number, a cut body by the result.
    return body_bytes < pending.body_bytes ? BUFFER_TOO_SHORT : static_cast<int>(body_bytes);
}

int Mailbox::finish_membership(const Room& room, const Pending& pending, bool is_cut,
                               Received& received) const {
    const auto body = room.body.prefix(std::min(pending.body_bytes, room.body.bytes()));
    if (!normalise_membership(body, pending.header.type, pending.header.order) && !is_cut) {
        return ILLEGAL_MESSAGE;
    }
    if ((pending.header.type & protocol::kRegMembMess) != 0 && pending.groups <= room.groups_max) {
        received.mess_type = -1;
        for (std::size_t i = 0; i < pending.groups; ++i) {
            if (private_group_.view() == static_cast<const char*>(room.groups[i])) {
                received.mess_type = static_cast<int>(i);
                break;
            }
        }
    }
    return 0;
}

void Mailbox::after_fork() {
    new (&send_mutex_) std::mutex;
    new (&receive_mutex_) std::mutex;
    stream_.after_fork();
}

}  // namespace spread::c_api
