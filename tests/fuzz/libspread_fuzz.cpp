// A daemon that sends anything: SP_receive() with all sizes of room, the membership helpers on what
// it lets through, and the flush layer over it must stay within the caller's memory and end.

#include <fl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "client/c/flush/flush_session.hpp"
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

/// A member that flushes, or does not, whenever it is asked.
void receive_flushed(int number, bool flushes) {
    c_api::FlushSession session(number, "#a#d");
    static_cast<void>(session.join("g"));
    std::array<char, 300> body{};
    std::array<c_api::GroupName, 8> groups{};
    for (int i = 0; i < 100; ++i) {
        c_api::Room room;
        room.drop = true;
        room.groups = groups.data();
        room.groups_max = groups.size();
        room.body.add(body.data(), body.size());
        c_api::Received received;
        int more = 0;
        const int result = session.receive(true, room, received, more);
        if (result < 0 && result != BUFFER_TOO_SHORT && result != ILLEGAL_MESSAGE) {
            return;
        }
        if (result >= 0 && Is_flush_req_mess(received.type) && flushes) {
            static_cast<void>(session.flush(received.sender.data()));
        }
    }
}

/// A mailbox whose daemon has said so much and says nothing more, but hears what is sent.
class SpokenTo {
  public:
    explicit SpokenTo(std::span<const std::uint8_t> bytes) {
        SPREAD_ASSERT(socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()) == 0);
        static const protocol::NameField kSelf{std::string_view("#a#d")};
        c_api::add_mailbox(ends_[0], kSelf);
        SPREAD_ASSERT(write(ends_[1], bytes.data(), bytes.size()) ==
                      static_cast<ssize_t>(bytes.size()));
        SPREAD_ASSERT(shutdown(ends_[1], SHUT_WR) == 0);
    }
    ~SpokenTo() {
        SP_kill(ends_[0]);
        close(ends_[1]);
    }
    SpokenTo(const SpokenTo&) = delete;
    SpokenTo& operator=(const SpokenTo&) = delete;

    [[nodiscard]] int number() const { return ends_[0]; }

  private:
    std::array<int, 2> ends_{};
};

/// What fits the kernel's buffer, also in answers.
constexpr std::size_t kInputMax = 32 * 1024;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 2 || size > kInputMax) {
        return 0;
    }
    const auto stream = std::span(data, size).subspan(2);
    receive_all(SpokenTo(stream).number(), std::size_t{data[0]} * 16, data[1] % 16, data[1] >= 128);
    receive_flushed(SpokenTo(stream).number(), data[0] % 2 == 0);
    return 0;
}
