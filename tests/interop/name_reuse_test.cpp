// Connecting again under one's own name (CP 3.1): with us it always works once the
// other connection is closed. Stock refuses until the disconnect has travelled the ring.

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/ring_stage.hpp"

namespace spread::interop {
namespace {

using support::RawConnection;

enum class Way : std::uint8_t { kKill, kKillAndClose, kClose, kReset, kHalfClose, kIllegal };

void PrintTo(Way way, std::ostream* out) {
    constexpr const char* kNames[] = {"Kill",  "KillAndClose", "Close",
                                      "Reset", "HalfClose",    "Illegal"};
    *out << kNames[static_cast<std::size_t>(way)];
}

class NameReuse : public SharedRing, public testing::WithParamInterface<Way> {
  protected:
    void SetUp() override {
        SPREAD_DIFFERS_FROM_STOCK("stock refuses about half of such reconnects on a ring");
        SharedRing::SetUp();
    }
};

/// What stays of a connection that its client has given up in this way.
std::unique_ptr<Session> give_up(Session session, Way way) {
    switch (way) {
        case Way::kKill: session.kill(); break;
        case Way::kIllegal: session.send(session.request(0, {})); break;
        case Way::kHalfClose: session.connection().finish_sending(); break;
        case Way::kKillAndClose: session.kill(); return nullptr;
        case Way::kReset: session.connection().reset_on_close(); return nullptr;
        case Way::kClose: return nullptr;
    }
    return std::make_unique<Session>(std::move(session));
}

// CP 3.1: again and again, over each transport, on different daemons of a ring
TEST_P(NameReuse, WorksAtOnceHoweverTheFirstOneEnded) {
    Session watcher = session(kAlpha, fresh("w"));
    const std::string group = fresh("g");
    GroupId id = watcher.enter(group).id;
    for (const std::size_t daemon : {kZeta, kLast}) {
        const std::string name = fresh("re");
        for (int life = 0; life < 50; ++life) {
            const Transport transport = life % 2 == 0 ? Transport::kTcp : Transport::kUnix;
            if (transport == Transport::kUnix && GetParam() == Way::kReset) {
                continue;
            }
            std::unique_ptr<Session> remains;
            {
                Session first(ring().connect(daemon, transport), name);
                first.join(group);
                if (GetParam() == Way::kReset) {  // which might take the join along
                    first.next_view(group, kByJoin);
                }
                remains = give_up(std::move(first), GetParam());
            }
            Session second(ring().connect(daemon, transport), name);
            second.join(group);
            second.next_view(group, kByJoin);
            // The first life is over for everybody before the second begins.
            const auto expect_life = [&] {
                for (const std::uint32_t cause : {kByJoin, kByDisconnect}) {
                    id = id.next();
                    const View view = watcher.next_view(group, cause);
                    ASSERT_EQ(view.changed(), second.name());
                    ASSERT_EQ(view.id, id);
                }
            };
            expect_life();
            ASSERT_FALSE(HasFatalFailure());
            second.kill();
            expect_life();
            ASSERT_FALSE(HasFatalFailure());
        }
    }
    watcher.expect_nothing();
}

INSTANTIATE_TEST_SUITE_P(After, NameReuse,
                         testing::Values(Way::kKill, Way::kKillAndClose, Way::kClose, Way::kReset,
                                         Way::kHalfClose, Way::kIllegal),
                         [](const auto& each) { return testing::PrintToString(each.param); });

class NameReuseOnOneDaemon : public OneDaemon {};

// CP 3.6: a live session keeps its name
TEST_F(NameReuseOnOneDaemon, ALiveHolderIsNotDisturbed) {
    const std::string name = fresh("al");
    Member holder{session(name), fresh("g"), {}};
    holder.id = holder.session.enter(holder.group).id;
    for (int i = 0; i < 20; ++i) {
        RawConnection rival = connect(i % 2 == 0 ? Transport::kTcp : Transport::kUnix);
        EXPECT_EQ(shake_hands(rival, opening(name)).code, -6);
        rival.expect_end();
    }
    holder.session.expect_nothing();
}

// CP 3.1: a connection that has not got past the handshake gives its name up at once,
// too
TEST_F(NameReuseOnOneDaemon, AHalfHandshakeHoldsNoNameOnceItIsClosed) {
    SPREAD_DIFFERS_FROM_STOCK("stock may look at the newcomer first");
    const std::string name = fresh("al");
    for (int i = 0; i < 50; ++i) {
        {
            RawConnection first = connect();
            first.send(opening(name));
            EXPECT_EQ(read_method_list(first).list, "NULL ");
        }
        RawConnection second = connect();
        second.send(opening(name));
        EXPECT_EQ(read_method_list(second).list, "NULL ");
    }
}

// CP 3.1: of several who want the name of one who goes, one gets it
TEST_F(NameReuseOnOneDaemon, OnlyOneHeirGetsTheName) {
    SPREAD_DIFFERS_FROM_STOCK("with stock possibly nobody gets it");
    for (int round = 0; round < 20; ++round) {
        const std::string name = fresh("al");
        std::vector<RawConnection> rivals;
        for (int i = 0; i < 5; ++i) {
            rivals.push_back(connect());
        }
        {
            Session first = session(name);
            first.enter(fresh("g"));
        }
        for (RawConnection& rival : rivals) {
            rival.send(opening(name));
        }
        int winners = 0;
        for (RawConnection& rival : rivals) {
            const Answer answer = read_method_list(rival);
            winners += answer.code == 0 ? 1 : 0;
            if (answer.code != 0) {
                EXPECT_EQ(answer.code, -6);
            }
        }
        EXPECT_EQ(winners, 1);
    }
}

}  // namespace
}  // namespace spread::interop
