// Clients that go away in the middle of a word (CP 5.1, 5.5): after every byte of the
// handshake and of every kind of request, by an orderly close, a reset and a half-close. A witness
// must see the disconnect and nothing else.

#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

using support::RawConnection;

enum class Abruptly : std::uint8_t { kClose, kReset, kHalfClose };

struct Abruptness {
    Transport transport;
    Abruptly way;
};

std::string abruptness_name(const testing::TestParamInfo<Abruptness>& info) {
    constexpr const char* kWays[] = {"Close", "Reset", "HalfClose"};
    return std::string(info.param.transport == Transport::kTcp ? "Tcp" : "Unix") +
           kWays[static_cast<std::size_t>(info.param.way)];
}

class AbruptClose : public OneDaemon, public testing::WithParamInterface<Abruptness> {
  protected:
    static RawConnection connect_this_way() { return connect(GetParam().transport); }

    static void go_away(RawConnection& connection) {
        switch (GetParam().way) {
            case Abruptly::kReset: connection.reset_on_close(); break;
            case Abruptly::kHalfClose:
                connection.finish_sending();
                connection.drain();  // the daemon closes its side, too
                break;
            case Abruptly::kClose: break;
        }
        const RawConnection closed = std::move(connection);
    }
};

// CP 5.1: mid-message the message is discarded and the session dropped
TEST_P(AbruptClose, AfterEveryByteOfEveryRequest) {
    Member watcher = witness();
    const std::string other = fresh("other");
    watcher.session.enter(other);
    GroupId id = watcher.id;
    const auto request_of = [&](const Session& victim, int kind) {
        switch (kind) {
            case 0: return victim.request(kJoin, {other});
            case 1: return victim.request(kLeave, {watcher.group});
            case 2: return victim.request(kKill, {victim.name()});
            default: return victim.request(kAgreed, {other, watcher.group}, "last words");
        }
    };
    std::size_t sessions = 0;
    for (int kind = 0; kind < 4; ++kind) {
        for (std::size_t length = 0;; ++length) {
            Session victim(connect_this_way(), fresh("v"));
            id = id.next();
            ASSERT_EQ(victim.enter(watcher.group).id, id);
            ASSERT_EQ(watcher.session.next_view(watcher.group, kByJoin).id, id);
            const Bytes bytes = encode(request_of(victim, kind));
            victim.send(std::span(bytes).first(length));
            go_away(victim.connection());
            ++sessions;
            SCOPED_TRACE("request " + std::to_string(kind) + " after " + std::to_string(length) +
                         " bytes");
            Frame frame = watcher.session.next();
            const bool whole = length == bytes.size();
            // A whole request counts, unless the reset took it along on the way.
            if (whole && kind == 0 && frame.name() == other) {
                EXPECT_EQ(view_of(frame).cause, kByJoin);
                EXPECT_EQ(view_of(frame).changed(), victim.name());
                frame = watcher.session.next();
                // In the order of names: both groups are left.
                EXPECT_EQ(view_of(frame).group, other);
                EXPECT_EQ(view_of(frame).cause, kByDisconnect);
                frame = watcher.session.next();
            } else if (whole && kind == 3 && !frame.is_view()) {
                EXPECT_EQ(frame.text(), "last words");
                frame = watcher.session.next();
            } else if (whole && kind != 2) {
                EXPECT_TRUE(GetParam().way == Abruptly::kReset || kind == 1) << describe(frame);
            }
            const View view = view_of(frame);
            id = id.next();
            EXPECT_EQ(view.id, id);
            EXPECT_EQ(view.changed(), victim.name());
            if (whole && kind == 1 && view.cause == kByLeave) {
                EXPECT_EQ(view.members, Names{watcher.session.name()});
            } else {
                EXPECT_EQ(view.cause, kByDisconnect);
            }
            ASSERT_FALSE(HasFailure());
            if (whole) {
                break;
            }
        }
    }
    watcher.session.expect_nothing();
    EXPECT_EQ(sessions, 3U * 81 + 48 + 2 * 32 + 11);
}

// CP 3.1, 3.3: a handshake that ends half-way leaves nothing behind
TEST_P(AbruptClose, AfterEveryByteOfTheHandshake) {
    Member watcher = witness();
    const std::string name = fresh("h");
    const Bytes first = opening(name);
    Bytes whole = first;
    append(whole, choice({"NULL"}));
    for (std::size_t length = 0; length <= whole.size(); ++length) {
        RawConnection connection = connect_this_way();
        connection.send(std::span(whole).first(std::min(length, first.size())));
        if (length >= first.size()) {
            // With us the name is free whenever its last bearer has gone, with stock when the
            // daemon has noticed.
            support::wait_until("the name to be free", [&] {
                const Answer answer = read_method_list(connection);
                if (answer.code == 0 || !stock()) {
                    EXPECT_EQ(answer.code, 0) << length;
                    return true;
                }
                connection = connect_this_way();
                connection.send(first);
                return false;
            });
            connection.send(std::span(whole).first(length).subspan(first.size()));
        }
        go_away(connection);
    }
    watcher.session.expect_nothing();
}

// CP 5.5: with its own messages unread, closing turns into a reset by the kernel
TEST_P(AbruptClose, WithUnreadMessages) {
    Member watcher = witness();
    for (int i = 0; i < 20; ++i) {
        Session victim(connect_this_way(), fresh("v"));
        victim.enter(watcher.group);
        watcher.session.next_view(watcher.group, kByJoin);
        for (int j = 0; j < 50; ++j) {
            victim.multicast({watcher.group}, std::to_string(j));
        }
        for (int j = 0; j < 50; ++j) {
            watcher.session.next_text(std::to_string(j));
        }
        go_away(victim.connection());
        EXPECT_EQ(watcher.session.next_view(watcher.group, kByDisconnect).changed(), victim.name());
    }
    watcher.session.expect_nothing();
}

// CP 5.5: what was sent whole before the close counts, in order
TEST_P(AbruptClose, AfterABurstOfRequests) {
    Member watcher = witness();
    for (int i = 0; i < 10; ++i) {
        Session victim(connect_this_way(), fresh("v"));
        Bytes burst = encode(victim.request(kJoin, {watcher.group}));
        for (int j = 0; j < 100; ++j) {
            append(burst, encode(victim.request(kAgreed, {watcher.group}, std::to_string(j))));
        }
        victim.send(burst);
        if (GetParam().way == Abruptly::kReset) {
            victim.next_view(watcher.group, kByJoin);
        }
        go_away(victim.connection());
        EXPECT_EQ(watcher.session.next_view(watcher.group, kByJoin).changed(), victim.name());
        int got = 0;
        Frame frame = watcher.session.next();
        for (; !frame.is_view(); ++got) {
            ASSERT_EQ(frame.text(), std::to_string(got));
            frame = watcher.session.next();
        }
        EXPECT_EQ(view_of(frame).cause, kByDisconnect);
        EXPECT_EQ(view_of(frame).changed(), victim.name());
        if (GetParam().way != Abruptly::kReset) {
            EXPECT_EQ(got, 100);
        }
    }
    watcher.session.expect_nothing();
}

INSTANTIATE_TEST_SUITE_P(Over, AbruptClose,
                         testing::Values(Abruptness{Transport::kTcp, Abruptly::kClose},
                                         Abruptness{Transport::kTcp, Abruptly::kReset},
                                         Abruptness{Transport::kTcp, Abruptly::kHalfClose},
                                         Abruptness{Transport::kUnix, Abruptly::kClose},
                                         Abruptness{Transport::kUnix, Abruptly::kHalfClose}),
                         abruptness_name);

}  // namespace
}  // namespace spread::interop
