#include "client/c/flush/flush_session.hpp"

#include <fl.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "client/c/calls.hpp"
#include "client/c/registry.hpp"
#include "protocol/byte_reader.hpp"

namespace spread::c_api {

namespace {

using protocol::kNameFieldBytes;

/// The layer's own messages, by their message type (docs/libspread-api.md).
constexpr int kFlushOkType = -32768;
constexpr int kFlushReceivedType = -32767;
constexpr int kVulnerableType = -32766;

/// Behind the body of a vulnerable message: its own message type, and the view it was sent in.
constexpr std::size_t kIdBytes = 12;
constexpr std::size_t kVulnerableBytes = 2 + kIdBytes;

/// Room for most messages; others are read after growing to what they need.
constexpr std::size_t kGroupsAtFirst = 64;
constexpr std::size_t kBodyAtFirst = 16 * 1024;

/// What daemons may deliver out of the order in which the layer's own messages come.
constexpr std::uint32_t kUnordered = UNRELIABLE_MESS | RELIABLE_MESS | FIFO_MESS;

std::int32_t i32_at(std::span<const std::byte> bytes, std::size_t offset, bool is_swapped) {
    std::uint32_t value = 0;
    std::memcpy(&value, bytes.data() + offset, sizeof value);
    return std::bit_cast<std::int32_t>(is_swapped ? __builtin_bswap32(value) : value);
}

/// `bytes` holds an identifier at least.
client::GroupId id_in(std::span<const std::byte> bytes, bool is_swapped) {
    return {i32_at(bytes, 0, is_swapped), i32_at(bytes, 4, is_swapped),
            i32_at(bytes, 8, is_swapped)};
}

std::array<std::int32_t, 3> fields_of(const client::GroupId& id) {
    return {id.proc_id, id.time, id.index};
}

bool is_data(std::uint32_t type) {
    return (type & REJECT_MESS) == 0 && (type & REGULAR_MESS) != 0 && (type & MEMBERSHIP_MESS) == 0;
}

/// Takes the name field off the end of a body; empty when there is none.
std::string take_name(std::vector<std::byte>& body) {
    if (body.size() < kNameFieldBytes) {
        return {};
    }
    const auto field = std::span<const std::byte>(body).last<kNameFieldBytes>();
    const std::string name = protocol::NameField(field).string();
    body.resize(body.size() - kNameFieldBytes);
    return name;
}

}  // namespace

FlushGroup* FlushSession::find(const std::string& name) {
    const auto found = groups_.find(name);
    return found == groups_.end() ? nullptr : &found->second;
}

int FlushSession::join(const char* group) {
    const auto session = use_mailbox(number_);
    if (!session) {
        return ILLEGAL_SESSION;
    }
    const std::scoped_lock lock(state_mutex_);
    if (!is_legal_group(group) || find(group) != nullptr) {
        return ILLEGAL_GROUP;
    }
    const int sent = session->send_group_request(protocol::kJoinMess, group);
    if (sent == 0) {
        groups_.emplace(group, FlushGroup(group, self_));
    }
    return sent;
}

int FlushSession::leave(const char* group) {
    const auto session = use_mailbox(number_);
    if (!session) {
        return ILLEGAL_SESSION;
    }
    const std::scoped_lock lock(state_mutex_);
    FlushGroup* const known = is_legal_group(group) ? find(group) : nullptr;
    if (known == nullptr || known->is_leaving() || !known->has_view()) {
        return ILLEGAL_GROUP;
    }
    known->start_leaving();
    return session->send_group_request(protocol::kLeaveMess, group);
}

int FlushSession::flush(const char* group) {
    if (!use_mailbox(number_)) {
        return ILLEGAL_SESSION;
    }
    const std::scoped_lock lock(state_mutex_);
    FlushGroup* const known = is_legal_group(group) ? find(group) : nullptr;
    if (known == nullptr || known->is_leaving()) {
        return ILLEGAL_GROUP;
    }
    FlushOutput output;
    if (!known->flush(output)) {
        return ILLEGAL_STATE;
    }
    return emit(group, std::move(output));
}

int FlushSession::cast(const FlushCast& cast) {
    const auto session = use_mailbox(number_);
    if (!session) {
        return ILLEGAL_SESSION;
    }
    const std::scoped_lock lock(state_mutex_);
    std::optional<client::GroupId> view;
    const bool is_private = !cast.group.empty() && cast.group.front() == '#';
    if (is_private) {
        if (std::any_of(cast.receivers.begin(), cast.receivers.end(),
                        [&cast](const auto& name) { return name != cast.group; })) {
            return ILLEGAL_RECEIVERS;
        }
    } else {
        FlushGroup* const group = find(cast.group);
        if (group == nullptr || group->is_leaving() || !group->has_view()) {
            return ILLEGAL_GROUP;
        }
        if (group->has_flushed()) {
            return ILLEGAL_STATE;
        }
        if (!std::all_of(cast.receivers.begin(), cast.receivers.end(),
                         [group](const auto& name) { return group->is_in_view(name); })) {
            return ILLEGAL_RECEIVERS;
        }
        if ((cast.type & kUnordered) != 0) {
            view = group->vulnerable_view();
        }
    }
    std::vector<protocol::NameField> names;
    for (const auto& receiver : cast.receivers) {
        names.push_back(group_field(receiver.c_str()));
    }
    const auto own_name = group_field(cast.group.c_str());
    if (!cast.is_subgroup) {
        names.assign(1, own_name);
    }
    Pieces body;
    body.append(cast.body);
    const auto real_type = static_cast<std::int16_t>(cast.mess_type);
    std::array<std::int32_t, 3> id{};
    if (view) {
        id = fields_of(*view);
        body.add(&real_type, sizeof real_type);
        body.add(id.data(), sizeof id);
    }
    if (cast.is_subgroup || view) {
        body.add(own_name.bytes().data(), kNameFieldBytes);
    }
    const std::uint32_t type = (cast.type & ~static_cast<std::uint32_t>(DROP_RECV)) |
                               (cast.is_subgroup || view ? SUBGROUP_CAST : 0U);
    const int sent = session->multicast(
        type, std::as_bytes(std::span(names)),
        static_cast<std::int16_t>(view ? kVulnerableType : cast.mess_type), body);
    return sent < 0 ? sent : static_cast<int>(cast.body.bytes());
}

int FlushSession::emit(const std::string& group, FlushOutput output) {
    std::move(output.deliveries.begin(), output.deliveries.end(), std::back_inserter(ready_));
    const auto session = use_mailbox(number_);
    if (!session) {
        return output.controls.empty() ? 0 : ILLEGAL_SESSION;
    }
    const auto name = group_field(group.c_str());
    for (const auto& control : output.controls) {
        const auto id = fields_of(control.id);
        Pieces body;
        body.add(id.data(), sizeof id);
        const int type =
            control.kind == FlushControl::Kind::kOk ? kFlushOkType : kFlushReceivedType;
        const int sent =
            session->multicast(FIFO_MESS, name.bytes(), static_cast<std::int16_t>(type), body);
        if (sent < 0) {
            return sent;
        }
    }
    return 0;
}

int FlushSession::receive(bool may_block, const Room& room, Received& received,
                          int& more_messages) {
    const std::scoped_lock receiving(receive_mutex_);
    while (true) {
        {
            const std::scoped_lock lock(state_mutex_);
            if (!ready_.empty()) {
                return deliver(room, received, more_messages);
            }
        }
        if (!may_block) {
            const auto session = use_mailbox(number_);
            if (!session) {
                return ILLEGAL_SESSION;
            }
            if (session->poll() == 0) {
                return WOULD_BLOCK;
            }
        }
        FlushMessage message;
        if (const int read = read_message(message); read != 0) {
            return read;
        }
        if (const int taken = take(std::move(message)); taken != 0) {
            return taken;
        }
    }
}

int FlushSession::read_message(FlushMessage& message) {
    const auto session = use_mailbox(number_);
    if (!session) {
        return ILLEGAL_SESSION;
    }
    message.groups.resize(kGroupsAtFirst);
    message.body.resize(kBodyAtFirst);
    Received received;
    while (true) {
        Room room;
        static_assert(sizeof(message.groups[0]) == sizeof(GroupName));
        // An array of 32 characters is one, whatever it is wrapped in.
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
        room.groups = reinterpret_cast<GroupName*>(message.groups.data());
        room.groups_max = message.groups.size();
        room.body.add(message.body.data(), message.body.size());
        const int result = session->receive(room, received);
        if (result >= 0) {
            message.type = received.type;
            message.sender = received.sender.data();
            message.mess_type = received.mess_type;
            message.endian_mismatch = received.endian_mismatch;
            message.groups.resize(static_cast<std::size_t>(received.num_groups));
            message.body.resize(static_cast<std::size_t>(result));
            return 0;
        }
        if (result != BUFFER_TOO_SHORT && result != GROUPS_TOO_SHORT) {
            return result;
        }
        message.groups.resize(
            std::max(message.groups.size(), static_cast<std::size_t>(-received.num_groups)));
        message.body.resize(
            std::max(message.body.size(), static_cast<std::size_t>(-received.endian_mismatch)));
    }
}

int FlushSession::take(FlushMessage message) {
    const std::scoped_lock lock(state_mutex_);
    FlushOutput output;
    std::string group = message.sender;
    if ((message.type & REJECT_MESS) != 0) {
        output.deliveries.push_back(std::move(message));
    } else if ((message.type & MEMBERSHIP_MESS) != 0) {
        take_membership(message, output);
    } else if (is_data(message.type) && !message.groups.empty()) {
        group = message.group(0);
        if (message.mess_type == kFlushOkType || message.mess_type == kFlushReceivedType) {
            FlushGroup* const known = find(group);
            if (known != nullptr && message.body.size() >= kIdBytes) {
                const auto kind = message.mess_type == kFlushOkType ? FlushControl::Kind::kOk
                                                                    : FlushControl::Kind::kReceived;
                known->on_control({kind, id_in(message.body, message.endian_mismatch != 0)},
                                  message.sender, output);
            }
        } else {
            take_data(std::move(message), output);
        }
    }
    return emit(group, std::move(output));
}

void FlushSession::take_membership(const FlushMessage& message, FlushOutput& output) {
    FlushGroup* const group = find(message.sender);
    if (group == nullptr) {
        return;
    }
    if (Is_self_leave(message.type)) {
        groups_.erase(message.sender);
        output.deliveries.push_back(message);
        return;
    }
    if (Is_transition_mess(message.type)) {
        group->on_transitional(output);
        return;
    }
    client::MessageView view;
    view.header.order = protocol::kOurOrder;  // Mailbox has seen to that
    view.header.type = message.type;
    view.header.private_group_name = group_field(message.sender.c_str());
    view.type = message.type;
    view.groups = std::as_bytes(std::span(message.groups));
    view.body = message.body;
    if (auto membership = client::decode_membership(view)) {
        group->on_membership(std::move(*membership), output);
    }
}

void FlushSession::take_data(FlushMessage message, FlushOutput& output) {
    std::string group = message.group(0);
    std::optional<client::GroupId> view;
    if ((message.type & SUBGROUP_CAST) != 0) {
        group = take_name(message.body);
        if (message.mess_type == kVulnerableType) {
            if (message.body.size() < kVulnerableBytes) {
                return;
            }
            const auto tail = std::span<const std::byte>(message.body).last(kVulnerableBytes);
            std::uint16_t real_type = 0;
            std::memcpy(&real_type, tail.data(), sizeof real_type);
            const bool is_swapped = message.endian_mismatch != 0;
            view = id_in(tail.subspan(sizeof real_type), is_swapped);
            message.mess_type =
                std::bit_cast<std::int16_t>(is_swapped ? __builtin_bswap16(real_type) : real_type);
            message.body.resize(message.body.size() - kVulnerableBytes);
        }
        if (view && message.groups.size() == 1 && message.group(0) == group) {
            message.type &= ~static_cast<std::uint32_t>(SUBGROUP_CAST);  // it was for the group
        } else {
            message.add_group(group);
        }
    }
    if (!group.empty() && group.front() == '#') {
        output.deliveries.push_back(std::move(message));
    } else if (FlushGroup* const known = find(group)) {
        known->on_data(std::move(message), view, output);
    }
}

int FlushSession::deliver(const Room& room, Received& received, int& more_messages) {
    const FlushMessage& message = ready_.front();
    received.type = message.type;
    received.sender = {};
    std::copy_n(message.sender.begin(), std::min(message.sender.size(), received.sender.size() - 1),
                received.sender.begin());
    received.mess_type = message.mess_type;
    const int groups = static_cast<int>(message.groups.size());
    const int bytes = static_cast<int>(message.body.size());
    const bool groups_fit = message.groups.size() <= room.groups_max;
    const bool body_fits = message.body.size() <= room.body.bytes();
    more_messages = static_cast<int>(ready_.size());
    if (!room.drop && (!groups_fit || !body_fits)) {
        received.num_groups = groups_fit ? 0 : -groups;
        received.endian_mismatch = body_fits ? 0 : -bytes;
        return groups_fit ? BUFFER_TOO_SHORT : GROUPS_TOO_SHORT;
    }
    received.endian_mismatch = message.endian_mismatch;
    received.num_groups = groups_fit ? groups : -groups;
    for (std::size_t i = 0; i < std::min(message.groups.size(), room.groups_max); ++i) {
        std::copy(message.groups[i].begin(), message.groups[i].end(),
                  static_cast<char*>(room.groups[i]));
    }
    const auto part = std::min(message.body.size(), room.body.bytes());
    static_cast<void>(room.body.copy_in(0, std::span<const std::byte>(message.body).first(part)));
    ready_.pop_front();
    more_messages = static_cast<int>(ready_.size());
    return body_fits ? bytes : BUFFER_TOO_SHORT;
}

int FlushSession::more_messages() {
    const std::scoped_lock lock(state_mutex_);
    return static_cast<int>(ready_.size());
}

int FlushSession::poll() {
    const auto session = use_mailbox(number_);
    if (!session) {
        return ILLEGAL_SESSION;
    }
    const std::scoped_lock lock(state_mutex_);
    std::size_t bytes = static_cast<std::size_t>(session->poll());
    for (const auto& message : ready_) {
        bytes += protocol::kSessionHeaderBytes + message.groups.size() * kNameFieldBytes +
                 message.body.size();
    }
    return static_cast<int>(bytes);
}

}  // namespace spread::c_api
