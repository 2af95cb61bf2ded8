// The functions of sp.h that use a mailbox.

#include <sp.h>

#include <cstring>
#include <optional>

#include "client/c/calls.hpp"
#include "client/c/connector.hpp"
#include "client/c/guard.hpp"
#include "client/c/registry.hpp"

namespace spread::c_api {

namespace {

int request_group(mailbox mbox, std::uint32_t type, const char* group) {
    if (!is_legal_group(group)) {
        return ILLEGAL_GROUP;
    }
    const auto session = use_mailbox(mbox);
    return session ? session->send_group_request(type, group) : ILLEGAL_SESSION;
}

int multicast_to_one(mailbox mbox, service type, const char* group, int16 mess_type,
                     const std::optional<Pieces>& body) {
    if (group == nullptr) {
        return is_legal_service(type) ? ILLEGAL_GROUP : ILLEGAL_SERVICE;
    }
    const auto field = group_field(group);
    return multicast_to(mbox, type, field.bytes(), mess_type, body);
}

int multicast_to_many(mailbox mbox, service type, int num_groups, const GroupName* groups,
                      int16 mess_type, std::optional<Pieces> body) {
    std::span<const std::byte> names;
    if (num_groups < 0 || (num_groups > 0 && groups == nullptr)) {
        body.reset();
    } else {
        names = std::as_bytes(std::span(groups, static_cast<std::size_t>(num_groups)));
    }
    return multicast_to(mbox, type, names, mess_type, body);
}

int receive(mailbox mbox, const Outputs& out, int max_groups, GroupName* groups,
            const std::optional<Pieces>& body) {
    const auto session = use_mailbox(mbox);
    if (!session) {
        return ILLEGAL_SESSION;
    }
    if (!out.are_there() || !body) {
        return ILLEGAL_MESSAGE;
    }
    Received received;
    const int result = session->receive(make_room(*out.type, max_groups, groups, *body), received);
    if (result >= 0 || result == BUFFER_TOO_SHORT || result == GROUPS_TOO_SHORT) {
        out.set(received);
    }
    return result;
}

}  // namespace

}  // namespace spread::c_api

using spread::c_api::body_room;
using spread::c_api::body_to_send;
using spread::c_api::guarded;

extern "C" {

int SP_connect(const char* spread_name, const char* private_name, int priority,
               int group_membership, mailbox* mbox, char* private_group) {
    return SP_connect_timeout(spread_name, private_name, priority, group_membership, mbox,
                              private_group, sp_time{0, 0});
}

int SP_connect_timeout(const char* spread_name, const char* private_name, int priority,
                       int group_membership, mailbox* mbox, char* private_group, sp_time time_out) {
    return guarded([&] {
        return spread::c_api::connect_mailbox(spread_name, private_name, priority, group_membership,
                                              mbox, private_group, time_out);
    });
}

int SP_disconnect(mailbox mbox) {
    return guarded([&] { return spread::c_api::disconnect_mailbox(mbox); });
}

void SP_kill(mailbox mbox) {
    static_cast<void>(guarded([&] {
        if (const auto last = spread::c_api::remove_mailbox(mbox)) {
            last->close();
        }
        return 0;
    }));
}

int SP_set_auth_method(const char* auth_name, int (*auth_function)(int, void*), void* auth_data) {
    return SP_set_auth_methods(1, &auth_name, &auth_function, &auth_data);
}

int SP_set_auth_methods(int num_methods, const char* auth_name[],
                        int (*auth_function[])(int, void*), void* auth_data[]) {
    return guarded([&] {
               spread::c_api::ignore_broken_pipes();
               return spread::c_api::set_auth_methods(num_methods, auth_name, auth_function,
                                                      auth_data)
                          ? 1
                          : 0;
           }) == 1
               ? 1
               : 0;
}

int SP_join(mailbox mbox, const char* group) {
    return guarded(
        [&] { return spread::c_api::request_group(mbox, spread::protocol::kJoinMess, group); });
}

int SP_leave(mailbox mbox, const char* group) {
    return guarded(
        [&] { return spread::c_api::request_group(mbox, spread::protocol::kLeaveMess, group); });
}

int SP_multicast(mailbox mbox, service service_type, const char* group, int16 mess_type,
                 int mess_len, const char* mess) {
    return guarded([&] {
        return spread::c_api::multicast_to_one(mbox, service_type, group, mess_type,
                                               body_to_send(mess_len, mess));
    });
}

int SP_scat_multicast(mailbox mbox, service service_type, const char* group, int16 mess_type,
                      const scatter* mess) {
    return guarded([&] {
        return spread::c_api::multicast_to_one(mbox, service_type, group, mess_type,
                                               body_to_send(mess));
    });
}

int SP_multigroup_multicast(mailbox mbox, service service_type, int num_groups,
                            const char groups[][MAX_GROUP_NAME], int16 mess_type, int mess_len,
                            const char* mess) {
    return guarded([&] {
        return spread::c_api::multicast_to_many(mbox, service_type, num_groups, groups, mess_type,
                                                body_to_send(mess_len, mess));
    });
}

int SP_multigroup_scat_multicast(mailbox mbox, service service_type, int num_groups,
                                 const char groups[][MAX_GROUP_NAME], int16 mess_type,
                                 const scatter* mess) {
    return guarded([&] {
        return spread::c_api::multicast_to_many(mbox, service_type, num_groups, groups, mess_type,
                                                body_to_send(mess));
    });
}

int SP_receive(mailbox mbox, service* service_type, char sender[MAX_GROUP_NAME], int max_groups,
               int* num_groups, char groups[][MAX_GROUP_NAME], int16* mess_type,
               int* endian_mismatch, int max_mess_len, char* mess) {
    return guarded([&] {
        return spread::c_api::receive(
            mbox, {service_type, sender, num_groups, mess_type, endian_mismatch}, max_groups,
            groups, body_room(max_mess_len, mess));
    });
}

int SP_scat_receive(mailbox mbox, service* service_type, char sender[MAX_GROUP_NAME],
                    int max_groups, int* num_groups, char groups[][MAX_GROUP_NAME],
                    int16* mess_type, int* endian_mismatch, scatter* mess) {
    return guarded([&] {
        return spread::c_api::receive(
            mbox, {service_type, sender, num_groups, mess_type, endian_mismatch}, max_groups,
            groups, body_room(mess));
    });
}

int SP_poll(mailbox mbox) {
    return guarded([&] {
        const auto session = spread::c_api::use_mailbox(mbox);
        return session ? session->poll() : ILLEGAL_SESSION;
    });
}

// Exported by the stock libraries without being declared anywhere; they answer nothing there, too.
__attribute__((visibility("default"))) int SP_query_groups(mailbox, int);
__attribute__((visibility("default"))) int SP_query_members(mailbox, const char*);

int SP_query_groups(mailbox /*mbox*/, int /*max_groups*/) {
    return -1;
}

int SP_query_members(mailbox /*mbox*/, const char* /*group*/) {
    return -1;
}

}  // extern "C"
