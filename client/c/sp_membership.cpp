// The helpers of sp.h for membership messages. They are told neither how long the body is nor its
// byte order: what is read from a daemon is checked and turned into our order before a program gets
// it (normalise_membership), what a program cuts off it must not ask for.

#include <sp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "client/c/calls.hpp"
#include "client/c/guard.hpp"
#include "client/c/membership_body.hpp"
#include "client/codec/message_view.hpp"

namespace spread::c_api {

namespace {

using protocol::kNameFieldBytes;

/// Takes the place of the length of a body that is not known.
Pieces unbounded(const char* body) {
    Pieces pieces;
    if (body != nullptr) {
        pieces.add(body, client::kFrameBytesMax);
    }
    return pieces;
}

bool copy_name(const Pieces& body, std::size_t offset, GroupName& name) {
    if (!body.copy_out(offset, std::as_writable_bytes(std::span(name)))) {
        return false;
    }
    name[MAX_GROUP_NAME - 1] = '\0';
    return true;
}

int memb_info(const Pieces& body, service type, membership_info* info) {
    if (info == nullptr || !Is_membership_mess(type)) {
        return ILLEGAL_MESSAGE;
    }
    membership_info found{};
    if (!Is_self_leave(type)) {  // its body is empty
        if (!body.copy_out(0, std::as_writable_bytes(std::span(found.gid.id)))) {
            return ILLEGAL_MESSAGE;
        }
    }
    if (!Is_reg_memb_mess(type)) {
        std::copy(std::begin(info->changed_member), std::end(info->changed_member),
                  std::begin(found.changed_member));
        *info = found;
        return 1;
    }
    const auto sets = read_u32(body, kSetCountOffset);
    const auto own = read_u32(body, kOwnSetOffset);
    if (!sets || !own) {
        return ILLEGAL_MESSAGE;
    }
    const auto members = read_u32(body, kSetsOffset + *own);
    if (!members) {
        return ILLEGAL_MESSAGE;
    }
    found.num_vs_sets = *sets;
    found.my_vs_set = {*members, static_cast<unsigned>(kSetsOffset + *own + kCountBytes)};
    if (!Is_caused_network_mess(type) &&
        !copy_name(body, kSetsOffset + kCountBytes, found.changed_member)) {
        return ILLEGAL_MESSAGE;
    }
    *info = found;
    return 1;
}

int vs_sets_info(const Pieces& body, vs_set_info* sets, int room, unsigned* own_index) {
    const auto count = read_u32(body, kSetCountOffset);
    const auto own = read_u32(body, kOwnSetOffset);
    if (!count || !own) {
        return ILLEGAL_MESSAGE;
    }
    if (room < 0 || *count > static_cast<unsigned>(room) || (*count > 0 && sets == nullptr)) {
        return BUFFER_TOO_SHORT;
    }
    std::size_t offset = kSetsOffset;
    for (unsigned i = 0; i < *count; ++i) {
        const auto members = read_u32(body, offset);
        if (!members) {
            return ILLEGAL_MESSAGE;
        }
        if (offset - kSetsOffset == *own && own_index != nullptr) {
            *own_index = i;
        }
        offset += kCountBytes;
        sets[i] = {*members, static_cast<unsigned>(offset)};
        offset += *members * kNameFieldBytes;
    }
    return static_cast<int>(*count);
}

int vs_set_members(const Pieces& body, const vs_set_info* set, GroupName* names, int room) {
    if (set == nullptr) {
        return ILLEGAL_MESSAGE;
    }
    if (room < 0 || set->num_members > static_cast<unsigned>(room) ||
        (set->num_members > 0 && names == nullptr)) {
        return BUFFER_TOO_SHORT;
    }
    for (std::size_t i = 0; i < set->num_members; ++i) {
        if (!copy_name(body, set->members_offset + i * kNameFieldBytes, names[i])) {
            return ILLEGAL_MESSAGE;
        }
    }
    return static_cast<int>(set->num_members);
}

}  // namespace

}  // namespace spread::c_api

using spread::c_api::body_room;
using spread::c_api::guarded;
using spread::c_api::unbounded;

extern "C" {

int SP_get_memb_info(const char* memb_mess, const service service_type,
                     membership_info* memb_info) {
    return guarded(
        [&] { return spread::c_api::memb_info(unbounded(memb_mess), service_type, memb_info); });
}

int SP_get_vs_sets_info(const char* memb_mess, vs_set_info* vs_sets, int num_vs_sets,
                        unsigned int* my_vs_set_index) {
    return guarded([&] {
        return spread::c_api::vs_sets_info(unbounded(memb_mess), vs_sets, num_vs_sets,
                                           my_vs_set_index);
    });
}

int SP_get_vs_set_members(const char* memb_mess, const vs_set_info* vs_set,
                          char member_names[][MAX_GROUP_NAME], int member_names_count) {
    return guarded([&] {
        return spread::c_api::vs_set_members(unbounded(memb_mess), vs_set, member_names,
                                             member_names_count);
    });
}

int SP_scat_get_memb_info(const scatter* memb_mess, const service service_type,
                          membership_info* memb_info) {
    return guarded([&] {
        const auto body = body_room(memb_mess);
        return body ? spread::c_api::memb_info(*body, service_type, memb_info) : ILLEGAL_MESSAGE;
    });
}

int SP_scat_get_vs_sets_info(const scatter* memb_mess, vs_set_info* vs_sets, int num_vs_sets,
                             unsigned int* my_vs_set_index) {
    return guarded([&] {
        const auto body = body_room(memb_mess);
        return body ? spread::c_api::vs_sets_info(*body, vs_sets, num_vs_sets, my_vs_set_index)
                    : ILLEGAL_MESSAGE;
    });
}

int SP_scat_get_vs_set_members(const scatter* memb_mess, const vs_set_info* vs_set,
                               char member_names[][MAX_GROUP_NAME], int member_names_count) {
    return guarded([&] {
        const auto body = body_room(memb_mess);
        return body ? spread::c_api::vs_set_members(*body, vs_set, member_names, member_names_count)
                    : ILLEGAL_MESSAGE;
    });
}

int SP_equal_group_ids(group_id g1, group_id g2) {
    return std::equal(std::begin(g1.id), std::end(g1.id), std::begin(g2.id)) ? 1 : 0;
}

}  // extern "C"
