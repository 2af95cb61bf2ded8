// The functions of fl.h.

#include <fl.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <unordered_map>
#include <utility>

#include "client/c/calls.hpp"
#include "client/c/flush/flush_session.hpp"
#include "client/c/guard.hpp"

namespace spread::c_api {

namespace {

constexpr int kMajorVersion = 2;

struct FlushSessions {
    std::mutex mutex;
    std::unordered_map<mailbox, std::shared_ptr<FlushSession>> all;
};

/// Lives as long as the process.
FlushSessions& sessions() {
    static FlushSessions* const instance = new FlushSessions;
    return *instance;
}

std::shared_ptr<FlushSession> find_session(mailbox number) {
    auto& table = sessions();
    const std::scoped_lock lock(table.mutex);
    const auto found = table.all.find(number);
    return found == table.all.end() ? nullptr : found->second;
}

int disconnect(mailbox number) {
    {
        auto& table = sessions();
        const std::scoped_lock lock(table.mutex);
        if (table.all.erase(number) == 0) {
            return ILLEGAL_SESSION;
        }
    }
    return disconnect_mailbox(number);
}

/// The end of the connection is the end of the session: nothing of its views holds any more.
int settle(mailbox number, int result) {
    if (result == CONNECTION_CLOSED || result == ILLEGAL_SESSION ||
        result == NET_ERROR_ON_SESSION) {
        static_cast<void>(disconnect(number));
    }
    return result;
}

template <typename Call>
int with_session(mailbox number, Call call) {
    return guarded([&] {
        const auto session = find_session(number);
        return session ? settle(number, call(*session)) : ILLEGAL_SESSION;
    });
}

bool is_legal_flush_service(service type) {
    constexpr std::uint32_t kForbidden =
        FLUSH_REQ_MESS | MEMBERSHIP_MESS | ENDIAN_RESERVED | RESERVED;
    return is_legal_service(type) && (static_cast<std::uint32_t>(type) & kForbidden) == 0;
}

int cast(mailbox mbox, FlushCast cast, service type, const char* group, int16 mess_type,
         const std::optional<Pieces>& body) {
    return with_session(mbox, [&](FlushSession& session) {
        if (!is_legal_flush_service(type)) {
            return static_cast<int>(ILLEGAL_SERVICE);
        }
        if (mess_type < FL_MIN_LEGAL_MESS_TYPE) {
            return static_cast<int>(ILLEGAL_MESSAGE_TYPE);
        }
        if (!body) {
            return static_cast<int>(ILLEGAL_MESSAGE);
        }
        if (group == nullptr) {
            return static_cast<int>(ILLEGAL_GROUP);
        }
        cast.type = static_cast<std::uint32_t>(type);
        cast.group = group_field(group).string();
        cast.mess_type = mess_type;
        cast.body = *body;
        return session.cast(cast);
    });
}

int cast_to_some(mailbox mbox, service type, const char* group, int count, const GroupName* names,
                 int16 mess_type, const std::optional<Pieces>& body) {
    if (count < 0 || (count > 0 && names == nullptr)) {
        return ILLEGAL_PARAM;
    }
    FlushCast subgroup{.type = 0, .group = {}, .receivers = {}, .is_subgroup = true, .body = {}};
    for (const GroupName& name : std::span(names, static_cast<std::size_t>(count))) {
        subgroup.receivers.push_back(group_field(name).string());
    }
    return cast(mbox, std::move(subgroup), type, group, mess_type, body);
}

int cast_to_one(mailbox mbox, service type, const char* group, const char* receiver,
                int16 mess_type, const std::optional<Pieces>& body) {
    if (receiver == nullptr) {
        return ILLEGAL_RECEIVERS;
    }
    FlushCast unicast{.type = 0,
                      .group = {},
                      .receivers = {group_field(receiver).string()},
                      .is_subgroup = true,
                      .body = {}};
    return cast(mbox, std::move(unicast), type, group, mess_type, body);
}

/// The layer appends a piece of its own.
std::optional<Pieces> flush_body(const scatter* body) {
    return body != nullptr && body->num_elements > FL_MAX_SCATTER_ELEMENTS ? std::nullopt
                                                                           : body_to_send(body);
}

int receive(mailbox mbox, const Outputs& out, int max_groups, GroupName* groups,
            const std::optional<Pieces>& body, int* more_messages) {
    return with_session(mbox, [&](FlushSession& session) {
        if (!out.are_there() || !body) {
            return static_cast<int>(ILLEGAL_MESSAGE);
        }
        Received received;
        int more = 0;
        const bool may_block = (*out.type & DONT_BLOCK) == 0;
        const int result = session.receive(
            may_block, make_room(*out.type, max_groups, groups, *body), received, more);
        if (result >= 0 || result == BUFFER_TOO_SHORT || result == GROUPS_TOO_SHORT) {
            out.set(received);
        }
        if (more_messages != nullptr) {
            *more_messages = more;
        }
        return result;
    });
}

/// Of the layer's own codes; null for others.
const char* flush_text_of(int code) {
    switch (code) {
        case ILLEGAL_PARAM: return "Illegal parameter";
        case WOULD_BLOCK: return "There is no message";
        case ILLEGAL_MESSAGE_TYPE: return "The message type is the flush layer's own";
        case ILLEGAL_STATE: return "Not in this state of the group or library";
        case ILLEGAL_RECEIVERS: return "A receiver is not in the group's view";
        default: return nullptr;
    }
}

}  // namespace

}  // namespace spread::c_api

using spread::c_api::body_room;
using spread::c_api::body_to_send;
using spread::c_api::FlushSession;
using spread::c_api::guarded;
using spread::c_api::with_session;

extern "C" {

int FL_lib_init(void) {
    static std::atomic<bool> is_initialised{false};
    return is_initialised.exchange(true) ? ILLEGAL_STATE : 0;
}

void FL_version(int* major_version, int* minor_version, int* patch_version) {
    if (major_version != nullptr && minor_version != nullptr && patch_version != nullptr) {
        *major_version = spread::c_api::kMajorVersion;
        *minor_version = 0;
        *patch_version = 0;
    }
}

int FL_connect(const char* spread_name, const char* private_name, int priority, mailbox* mbox,
               char* private_group) {
    return guarded([&] {
        const int connected = spread::c_api::connect_mailbox(spread_name, private_name, priority, 1,
                                                             mbox, private_group, sp_time{0, 0});
        if (connected == ACCEPT_SESSION) {
            auto session = std::make_shared<FlushSession>(*mbox, private_group);
            auto& table = spread::c_api::sessions();
            const std::scoped_lock lock(table.mutex);
            table.all[*mbox] = std::move(session);
        }
        return connected;
    });
}

int FL_disconnect(mailbox mbox) {
    return guarded([&] { return spread::c_api::disconnect(mbox); });
}

int FL_join(mailbox mbox, const char* group) {
    return with_session(mbox, [&](FlushSession& session) { return session.join(group); });
}

int FL_leave(mailbox mbox, const char* group) {
    return with_session(mbox, [&](FlushSession& session) { return session.leave(group); });
}

int FL_flush(mailbox mbox, const char* group) {
    return with_session(mbox, [&](FlushSession& session) { return session.flush(group); });
}

int FL_multicast(mailbox mbox, service service_type, const char* group, int16 mess_type,
                 int mess_len, const char* mess) {
    return spread::c_api::cast(mbox, {}, service_type, group, mess_type,
                               body_to_send(mess_len, mess));
}

int FL_scat_multicast(mailbox mbox, service service_type, const char* group, int16 mess_type,
                      const scatter* mess) {
    return spread::c_api::cast(mbox, {}, service_type, group, mess_type,
                               spread::c_api::flush_body(mess));
}

int FL_unicast(mailbox mbox, service service_type, const char* group, const char* recv_name,
               int16 mess_type, int mess_len, const char* mess) {
    return spread::c_api::cast_to_one(mbox, service_type, group, recv_name, mess_type,
                                      body_to_send(mess_len, mess));
}

int FL_scat_unicast(mailbox mbox, service service_type, const char* group, const char* recv_name,
                    int16 mess_type, const scatter* mess) {
    return spread::c_api::cast_to_one(mbox, service_type, group, recv_name, mess_type,
                                      spread::c_api::flush_body(mess));
}

int FL_subgroupcast(mailbox mbox, service service_type, const char* group, int num_receivers,
                    const char receivers[][MAX_GROUP_NAME], int16 mess_type, int mess_len,
                    const char* mess) {
    return guarded([&] {
        return spread::c_api::cast_to_some(mbox, service_type, group, num_receivers, receivers,
                                           mess_type, body_to_send(mess_len, mess));
    });
}

int FL_scat_subgroupcast(mailbox mbox, service service_type, const char* group, int num_receivers,
                         const char receivers[][MAX_GROUP_NAME], int16 mess_type,
                         const scatter* mess) {
    return guarded([&] {
        return spread::c_api::cast_to_some(mbox, service_type, group, num_receivers, receivers,
                                           mess_type, spread::c_api::flush_body(mess));
    });
}

int FL_receive(mailbox mbox, service* service_type, char sender[MAX_GROUP_NAME], int max_groups,
               int* num_groups, char groups[][MAX_GROUP_NAME], int16* mess_type,
               int* endian_mismatch, int max_mess_len, char* mess, int* more_messes) {
    return spread::c_api::receive(mbox,
                                  {service_type, sender, num_groups, mess_type, endian_mismatch},
                                  max_groups, groups, body_room(max_mess_len, mess), more_messes);
}

int FL_scat_receive(mailbox mbox, service* service_type, char sender[MAX_GROUP_NAME],
                    int max_groups, int* num_groups, char groups[][MAX_GROUP_NAME],
                    int16* mess_type, int* endian_mismatch, scatter* mess, int* more_messes) {
    return spread::c_api::receive(mbox,
                                  {service_type, sender, num_groups, mess_type, endian_mismatch},
                                  max_groups, groups, body_room(mess), more_messes);
}

int FL_more_msgs(mailbox mbox) {
    return with_session(mbox, [](FlushSession& session) { return session.more_messages(); });
}

int FL_poll(mailbox mbox) {
    return with_session(mbox, [](FlushSession& session) { return session.poll(); });
}

void FL_error(int error) {
    if (const char* text = spread::c_api::flush_text_of(error)) {
        static_cast<void>(std::printf("FL_error: (%d) %s\n", error, text));
    } else {
        SP_error(error);
    }
}

int FL_get_gid_offset_memb_mess(void) {
    return 0;
}

int FL_get_num_vs_offset_memb_mess(void) {
    return 12;
}

int FL_get_vs_set_offset_memb_mess(void) {
    return 16;
}

}  // extern "C"
