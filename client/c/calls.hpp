#pragma once

#include <optional>
#include <string_view>

#include "client/c/mailbox.hpp"

namespace spread::c_api {

/// What the SP_ and FL_ functions have in common: arguments of C turned into those of Mailbox, with
/// the checks and codes of the interface.

/// The caller's body of one piece; nothing for a negative length or memory that is not there.
[[nodiscard]] std::optional<Pieces> body_to_send(int bytes, const char* data);
/// The same in pieces; nothing also for more than a hundred of them.
[[nodiscard]] std::optional<Pieces> body_to_send(const scatter* body);

/// Room for a body; none for a negative length or no memory.
[[nodiscard]] Pieces body_room(int bytes, char* data);
[[nodiscard]] std::optional<Pieces> body_room(const scatter* body);

/// Whether a multicast may ask for this: exactly one of the six services and legal options.
[[nodiscard]] bool is_legal_service(int type);

/// Whether join and leave take this name.
[[nodiscard]] bool is_legal_group(const char* group);

/// A group name of a multicast: cut at 31 bytes.
[[nodiscard]] protocol::NameField group_field(const char* group);

/// Where SP_receive() and FL_receive() put what they tell.
struct Outputs {
    service* type;
    char* sender;
    int* num_groups;
    int16* mess_type;
    int* endian_mismatch;

    [[nodiscard]] bool are_there() const {
        return type != nullptr && sender != nullptr && num_groups != nullptr &&
               mess_type != nullptr && endian_mismatch != nullptr;
    }
    void set(const Received& received) const;
};

[[nodiscard]] Room make_room(int type, int max_groups, GroupName* groups, const Pieces& body);

/// Connects as SP_connect() does, without limit when `time_out` is (0,0).
[[nodiscard]] int connect_mailbox(const char* spread_name, const char* private_name, int priority,
                                  int group_membership, mailbox* mbox, char* private_group,
                                  sp_time time_out);

/// 0 or ILLEGAL_SESSION.
[[nodiscard]] int disconnect_mailbox(mailbox number);

/// A multicast once its arguments are taken apart.
[[nodiscard]] int multicast_to(mailbox number, int type, std::span<const std::byte> groups,
                               int mess_type, const std::optional<Pieces>& body);

/// Programs do not expect to be ended by a daemon that goes away. What they set themselves stays.
void ignore_broken_pipes();

}  // namespace spread::c_api
