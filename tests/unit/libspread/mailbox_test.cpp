// Mailboxes against a scripted daemon at the other end of a socket pair: what a hostile one sends,
// and what threads and forked processes do to each other. Also run with sanitizers.

#include "client/c/mailbox.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "client/c/registry.hpp"

namespace spread::c_api {
namespace {

const protocol::NameField kSelf{std::string_view("#alice#d1")};

/// A mailbox and its daemon's side.
struct Pair {
    Pair() {
        std::array<int, 2> ends{};
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
        number = ends[0];
        daemon = ends[1];
        add_mailbox(number, kSelf);
    }
    ~Pair() {
        SP_kill(number);
        close(daemon);
    }
    Pair(const Pair&) = delete;
    Pair& operator=(const Pair&) = delete;
    Pair(Pair&&) = delete;
    Pair& operator=(Pair&&) = delete;

    void say(const std::vector<std::byte>& bytes) const {
        EXPECT_EQ(write(daemon, bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    }

    int number = -1;
    int daemon = -1;
};

std::vector<std::byte> frame(std::uint32_t type, std::int32_t groups, std::int32_t body,
                             const std::vector<std::byte>& rest = {}) {
    protocol::SessionHeader header;
    header.type = type;
    header.private_group_name = protocol::NameField(std::string_view("#bob#d1"));
    header.num_groups = groups;
    header.hint = protocol::make_hint(7);
    header.data_len = body;
    std::vector<std::byte> bytes(protocol::kSessionHeaderBytes);
    protocol::encode_session_header(header,
                                    std::span(bytes).first<protocol::kSessionHeaderBytes>());
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    return bytes;
}

std::vector<std::byte> words(std::initializer_list<std::uint32_t> values, std::size_t zeros = 0) {
    std::vector<std::byte> bytes;
    for (const std::uint32_t value : values) {
        const auto raw = std::as_bytes(std::span(&value, 1));
        bytes.insert(bytes.end(), raw.begin(), raw.end());
    }
    bytes.resize(bytes.size() + zeros);
    return bytes;
}

struct Got {
    int result = 0;
    service type = 0;
    std::array<char, 32> sender{};
    int num_groups = 0;
    std::array<GroupName, 4> groups{};
    int16 mess_type = 0;
    int mismatch = 0;
    std::array<char, 1000> body{};
};

Got receive(int number, service type = 0) {
    Got got;
    got.type = type;
    got.result =
        SP_receive(number, &got.type, got.sender.data(), 4, &got.num_groups, got.groups.data(),
                   &got.mess_type, &got.mismatch, 1000, got.body.data());
    return got;
}

TEST(Mailbox, UnterminatedNamesEndInTheirFields) {
    const Pair pair;
    pair.say(frame(AGREED_MESS, 1, 0, std::vector<std::byte>(32, std::byte{'x'})));
    const Got got = receive(pair.number);
    EXPECT_EQ(got.result, 0);
    EXPECT_EQ(std::strlen(static_cast<const char*>(got.groups[0])), 31U);
}

TEST(Mailbox, MembershipsThatDoNotKeepToTheLayoutAreRefusedAndTheSessionGoesOn) {
    const Pair pair;
    const std::uint32_t join = REG_MEMB_MESS | CAUSED_BY_JOIN;
    // Too short for the fixed part; the own set beyond the body; more sets, more names than there
    // are; no changed member; a signal without its identifier.
    pair.say(frame(join, 0, 4, words({1})));
    pair.say(frame(join, 0, 56, words({1, 2, 3, 1, 0x7fffff00, 1}, 32)));
    pair.say(frame(join, 0, 56, words({1, 2, 3, 0xffffffff, 0, 1}, 32)));
    pair.say(frame(join, 0, 56, words({1, 2, 3, 1, 0, 0x10000000}, 32)));
    pair.say(frame(join, 0, 24, words({1, 2, 3, 1, 0, 0})));
    pair.say(frame(TRANSITION_MESS, 0, 8, words({1, 2})));
    pair.say(frame(AGREED_MESS, 0, 4, words({1})));
    for (int i = 0; i < 6; ++i) {
        EXPECT_EQ(receive(pair.number).result, ILLEGAL_MESSAGE) << i;
    }
    EXPECT_EQ(receive(pair.number).result, 4);
}

TEST(Mailbox, CountsBeyondAllMeasureEndTheSession) {
    const Pair pair;
    pair.say(frame(AGREED_MESS, 0x7fffffff, 0x7fffffff));
    EXPECT_EQ(receive(pair.number).result, ILLEGAL_MESSAGE);
    EXPECT_EQ(receive(pair.number).result, NET_ERROR_ON_SESSION);
}

TEST(Mailbox, CutGroupsAndBodiesAreSkippedWhole) {
    const Pair pair;
    std::vector<std::byte> rest(20 * 32, std::byte{'g'});
    rest.resize(rest.size() + 9000, std::byte{'b'});
    pair.say(frame(AGREED_MESS, 20, 9000, rest));
    pair.say(frame(AGREED_MESS, 0, 4, words({1})));
    const Got got = receive(pair.number, DROP_RECV);
    EXPECT_EQ(got.result, BUFFER_TOO_SHORT);
    EXPECT_EQ(got.num_groups, -20);
    EXPECT_EQ(got.body[999], 'b');
    EXPECT_EQ(receive(pair.number).result, 4);
}

TEST(Mailbox, AMessageInTheMiddleOfWhichTheDaemonGoesIsTheEnd) {
    Pair pair;
    pair.say(frame(AGREED_MESS, 0, 4));
    shutdown(pair.daemon, SHUT_RDWR);
    EXPECT_EQ(receive(pair.number).result, CONNECTION_CLOSED);
    EXPECT_EQ(SP_join(pair.number, "g"), NET_ERROR_ON_SESSION);
    EXPECT_EQ(SP_disconnect(pair.number), 0);
    EXPECT_EQ(SP_disconnect(pair.number), ILLEGAL_SESSION);
}

TEST(Mailbox, DisconnectAndKillWakeReceiversAndSenders) {
    for (const bool is_kill : {false, true}) {
        const Pair pair;
        std::thread receiver([&] { EXPECT_EQ(receive(pair.number).result, CONNECTION_CLOSED); });
        std::thread sender([&] {
            const std::vector<char> body(100000);
            int sent = 0;
            while (sent >= 0) {  // nobody reads
                sent = SP_multicast(pair.number, FIFO_MESS, "g", 0, static_cast<int>(body.size()),
                                    body.data());
            }
            EXPECT_TRUE(sent == CONNECTION_CLOSED || sent == ILLEGAL_SESSION) << sent;
        });
        poll(nullptr, 0, 50);
        if (is_kill) {
            SP_kill(pair.number);
        } else {
            EXPECT_EQ(SP_disconnect(pair.number), 0);
        }
        receiver.join();
        sender.join();
        EXPECT_EQ(SP_poll(pair.number), ILLEGAL_SESSION);
    }
}

TEST(Mailbox, ManyThreadsSendWholeMessages) {
    const Pair pair;
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            const std::array<char, 300> body{};
            for (int k = 0; k < 50; ++k) {
                EXPECT_EQ(SP_multicast(pair.number, FIFO_MESS, "g", 0, 300, body.data()), 300);
            }
        });
    }
    std::vector<std::byte> bytes(200 * (48 + 32 + 300));
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count = read(pair.daemon, bytes.data() + done, bytes.size() - done);
        ASSERT_GT(count, 0);
        done += static_cast<std::size_t>(count);
    }
    for (auto& thread : threads) {
        thread.join();
    }
    for (std::size_t i = 0; i < 200; ++i) {
        const auto header = protocol::decode_session_header(
            std::span(bytes).subspan(i * 380).first<protocol::kSessionHeaderBytes>());
        ASSERT_EQ(header.type, static_cast<std::uint32_t>(FIFO_MESS));
        ASSERT_EQ(header.data_len, 300);
    }
}

TEST(Mailbox, AForkedChildGoesOnAndTheParentsKillDoesNotWakeIt) {
    const Pair pair;
    std::thread waiting([&] { EXPECT_EQ(receive(pair.number).result, CONNECTION_CLOSED); });
    poll(nullptr, 0, 50);
    const pid_t child = fork();
    if (child == 0) {
        // The lock of the thread that is not here must not be in the way.
        const Got got = receive(pair.number);
        _exit(got.result == 4 && SP_disconnect(pair.number) == 0 ? 0 : 1);
    }
    ASSERT_GT(child, 0);
    SP_kill(pair.number);
    waiting.join();
    poll(nullptr, 0, 50);
    pair.say(frame(AGREED_MESS, 0, 4, words({1})));
    int status = -1;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST(Mailbox, ANumberTheProgramClosedItselfIsTakenOver) {
    Pair pair;
    close(pair.number);
    std::array<int, 2> ends{};
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    ASSERT_EQ(ends[0], pair.number);
    add_mailbox(ends[0], kSelf);
    const auto message = frame(AGREED_MESS, 0, 4, words({1}));
    EXPECT_EQ(write(ends[1], message.data(), message.size()), static_cast<ssize_t>(message.size()));
    EXPECT_EQ(receive(pair.number).result, 4);
    close(ends[1]);
}

}  // namespace
}  // namespace spread::c_api
