// A daemon that sends anything: SP_receive() with all sizes of room, and the membership helpers on
// what it lets through, must stay within the caller's memory and end.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "client/c/membership_body.hpp"
#include "client/c/registry.hpp"
#include "protocol/assert.hpp"

namespace {

using namespace spread;

/// Walks a membership as programs do.
void take_apart(const char* body, service type) {
    membership_info info{};
    if (SP_get_memb_info(body, type, &info) != 1 || !Is_reg_memb_mess(type)) {
        return;
    }
    std::array<vs_set_info, 8> sets{};
    unsigned own = 0;
    const int count = SP_get_vs_sets_info(body, sets.data(), 8, &own);
    std::array<c_api::GroupName, 8> names{};
    for (int i = 0; i < count; ++i) {
        static_cast<void>(
            SP_get_vs_set_members(body, &sets[static_cast<std::size_t>(i)], names.data(), 8));
    }
}

/// Exactly as large as said, so that a sanitizer sees every byte too many.
void receive_all(int number, std::size_t body_room, int groups_room, bool drop) {
    const auto body = std::make_unique<char[]>(body_room);
    const auto groups = std::make_unique<c_api::GroupName[]>(static_cast<std::size_t>(groups_room));
    std::array<char, MAX_GROUP_NAME> sender{};
    for (int i = 0; i < 100; ++i) {
        service type = drop ? DROP_RECV : 0;
        int num_groups = 0;
        int16 mess_type = 0;
        int mismatch = 0;
        const int result =
            SP_receive(number, &type, sender.data(), groups_room, &num_groups, groups.get(),
                       &mess_type, &mismatch, static_cast<int>(body_room), body.get());
        if (result == CONNECTION_CLOSED || result == NET_ERROR_ON_SESSION ||
            (!drop && (result == BUFFER_TOO_SHORT || result == GROUPS_TOO_SHORT))) {
            return;
        }
        if (result >= 0 && num_groups >= 0 && Is_membership_mess(type)) {
            take_apart(body.get(), type);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2) {
        return 0;
    }
    std::array<int, 2> ends{};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) != 0) {
        return 0;
    }
    static const protocol::NameField kSelf{std::string_view("#a#d")};
    c_api::add_mailbox(ends[0], kSelf);
    const auto sent = write(ends[1], data + 2, size - 2);
    SPREAD_ASSERT(sent == static_cast<ssize_t>(size - 2));
    close(ends[1]);
    receive_all(ends[0], std::size_t{data[0]} * 16, data[1] % 16, data[1] >= 128);
    SP_kill(ends[0]);
    return 0;
}
