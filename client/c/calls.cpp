#include "client/c/calls.hpp"

#include <fl.h>

#include <algorithm>
#include <bit>
#include <csignal>
#include <cstring>
#include <string>

#include "client/c/connector.hpp"
#include "client/c/registry.hpp"
#include "client/codec/message_view.hpp"

namespace spread::c_api {

namespace {

constexpr long kUsecBound = 1'000'000;  // exclusive, either way
/// Longer limits, some three centuries, mean none.
constexpr long kSecondsMax = 9'000'000'000;

bool is_legal_time(const sp_time& time) {
    return time.usec > -kUsecBound && time.usec < kUsecBound && !(time.sec > 0 && time.usec < 0) &&
           !(time.sec < 0 && time.usec > 0);
}

Deadline deadline_of(const sp_time& time) {
    if ((time.sec == 0 && time.usec == 0) || time.sec > kSecondsMax) {
        return std::nullopt;
    }
    const auto now = Clock::now();
    if (time.sec < 0 || time.usec < 0) {
        return now;
    }
    const auto end = now + std::chrono::microseconds(time.usec);
    const auto limit =
        std::chrono::duration_cast<std::chrono::seconds>(Clock::time_point::max() - end);
    return time.sec >= limit.count() ? Deadline() : Deadline(end + std::chrono::seconds(time.sec));
}

std::optional<Pieces> pieces_of(const scatter* body) {
    if (body == nullptr || body->num_elements > MAX_CLIENT_SCATTER_ELEMENTS) {
        return std::nullopt;
    }
    Pieces pieces;
    for (const auto& element : std::span(body->elements).first(body->num_elements)) {
        if (element.len > 0 && element.buf == nullptr) {
            return std::nullopt;
        }
        // More than any message has, and little enough to be added up a hundred times.
        pieces.add(element.buf, std::min(element.len, client::kFrameBytesMax));
    }
    return pieces;
}

}  // namespace

std::optional<Pieces> body_to_send(int bytes, const char* data) {
    if (bytes < 0 || (bytes > 0 && data == nullptr)) {
        return std::nullopt;
    }
    Pieces pieces;
    pieces.add(data, static_cast<std::size_t>(bytes));
    return pieces;
}

std::optional<Pieces> body_to_send(const scatter* body) {
    return pieces_of(body);
}

Pieces body_room(int bytes, char* data) {
    Pieces pieces;
    if (bytes > 0 && data != nullptr) {
        pieces.add(data, static_cast<std::size_t>(bytes));
    }
    return pieces;
}

std::optional<Pieces> body_room(const scatter* body) {
    return pieces_of(body);
}

bool is_legal_service(int type) {
    constexpr std::uint32_t kOptions = protocol::kSelfDiscard | protocol::kDropRecv | DONT_BLOCK |
                                       SUBGROUP_CAST | protocol::kEndianBits;
    const auto bits = static_cast<std::uint32_t>(type);
    return std::has_single_bit(bits & protocol::kRegularMess) &&
           (bits & ~(protocol::kRegularMess | kOptions)) == 0;
}

bool is_legal_group(const char* group) {
    return group != nullptr && protocol::is_portable_group_name(std::string_view(
                                   group, strnlen(group, protocol::kNameFieldBytes)));
}

protocol::NameField group_field(const char* group) {
    return protocol::NameField(std::string_view(group, strnlen(group, protocol::kGroupNameMax)));
}

void Outputs::set(const Received& received) const {
    *type = static_cast<int>(received.type);
    std::copy(received.sender.begin(), received.sender.end(), sender);
    *num_groups = received.num_groups;
    *mess_type = static_cast<int16>(received.mess_type);
    *endian_mismatch = received.endian_mismatch;
}

Room make_room(int type, int max_groups, GroupName* groups, const Pieces& body) {
    Room room;
    room.drop = (static_cast<std::uint32_t>(type) & protocol::kDropRecv) != 0;
    room.groups = groups;
    room.groups_max =
        groups == nullptr || max_groups < 0 ? 0 : static_cast<std::size_t>(max_groups);
    room.body = body;
    return room;
}

int connect_mailbox(const char* spread_name, const char* private_name, int priority,
                    int group_membership, mailbox* mbox, char* private_group, sp_time time_out) {
    ignore_broken_pipes();
    if (!is_legal_time(time_out)) {
        return ILLEGAL_TIME;
    }
    const auto deadline = deadline_of(time_out);
    const auto name = parse_spread_name(spread_name);
    if (!name) {
        return ILLEGAL_SPREAD;
    }
    if (mbox == nullptr || private_group == nullptr) {
        return ILLEGAL_MESSAGE;
    }
    SessionRequest request{.name = *name,
                           .private_name = {},
                           .priority = priority >= 1,
                           .wants_membership = group_membership != 0};
    if (private_name != nullptr) {
        request.private_name.assign(private_name, strnlen(private_name, MAX_PRIVATE_NAME));
    }
    OpenSession opened;
    const int code = open_session(request, deadline, opened);
    if (code != ACCEPT_SESSION) {
        return code;
    }
    add_mailbox(opened.descriptor, opened.private_group);
    *mbox = opened.descriptor;
    const auto field = opened.private_group.bytes();
    std::memcpy(private_group, field.data(), field.size());
    return ACCEPT_SESSION;
}

int disconnect_mailbox(mailbox number) {
    const auto last = remove_mailbox(number);
    if (!last) {
        return ILLEGAL_SESSION;
    }
    last->send_kill();
    last->close();
    return 0;
}

int multicast_to(mailbox number, int type, std::span<const std::byte> groups, int mess_type,
                 const std::optional<Pieces>& body) {
    if (!is_legal_service(type)) {
        return ILLEGAL_SERVICE;
    }
    const auto session = use_mailbox(number);
    if (!session) {
        return ILLEGAL_SESSION;
    }
    if (session->is_broken()) {
        return NET_ERROR_ON_SESSION;
    }
    if (!body) {
        return ILLEGAL_MESSAGE;
    }
    const auto bits =
        static_cast<std::uint32_t>(type) & ~(protocol::kDropRecv | protocol::kEndianBits);
    return session->multicast(bits, groups, static_cast<std::int16_t>(mess_type), *body);
}

void ignore_broken_pipes() {
    static const bool is_done = [] {
        struct sigaction now {};
        if (sigaction(SIGPIPE, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) == 0 &&
            now.sa_handler == SIG_DFL) {
            static_cast<void>(std::signal(SIGPIPE, SIG_IGN));
        }
        return true;
    }();
    static_cast<void>(is_done);
}

}  // namespace spread::c_api
