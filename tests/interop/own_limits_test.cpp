// Limits that stock does not have, as clients meet them: MaxSessions, MaxSessionGroups,
// MaxMemberships, MaxSessionBytes, SlowReaderPolicy. Stock refuses a file with these options.

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

using testing::HasSubstr;

class OwnLimits : public testing::Test {
  protected:
    void SetUp() override { SPREAD_DIFFERS_FROM_STOCK("stock does not know these options"); }

    static void expect_orderly_stop(Cluster& cluster) {
        EXPECT_EQ(cluster.daemon().stop(), 0) << cluster.logs();
    }
};

// CP 3.6: -3 at the limit
TEST_F(OwnLimits, MaxSessionsIsTheQuota) {
    Cluster own({"d1"}, false, "MaxSessions = 3\n");
    std::vector<Session> sessions;
    for (int i = 0; i < 3; ++i) {
        sessions.emplace_back(own.connect(), "s" + std::to_string(i));
    }
    support::RawConnection late = own.connect();
    EXPECT_EQ(read_method_list(late).code, -3);
    late.expect_end();
    sessions[0].enter("room");
    sessions[0].expect_nothing();
    expect_orderly_stop(own);
}

TEST_F(OwnLimits, MaxMembershipsSendsJoinsBack) {
    Cluster own({"d1"}, false, "MaxMemberships = 2\n");
    Session alice(own.connect(), "alice");
    Session bob(own.connect(), "bob");
    alice.enter("a");
    bob.enter("b");
    alice.join("b");
    const Frame rejected = alice.next();
    EXPECT_EQ(rejected.type, kReject);
    EXPECT_EQ(rejected.groups, (Names{"b", "#alice#d1"}));
    EXPECT_EQ(rejected.old_type, word(kEndian | kByJoin, Order::kLittle));
    bob.leave("b");
    bob.next_self_leave("b");
    alice.enter("b");
    expect_orderly_stop(own);
}

// CP 7.5: a join beyond the limit comes back
TEST_F(OwnLimits, MaxSessionGroupsSendsJoinsBack) {
    Cluster own({"d1"}, false, "MaxSessionGroups = 3\n");
    Session alice(own.connect(), "alice");
    Session bob(own.connect(), "bob");
    for (const std::string group : {"a", "b", "c"}) {
        alice.enter(group);
    }
    alice.join("d");
    const Frame rejected = alice.next();
    EXPECT_EQ(rejected.type, kReject);
    EXPECT_EQ(rejected.name(), "#alice#d1");
    EXPECT_EQ(rejected.groups, (Names{"d", "#alice#d1"}));
    // What was asked for, with CAUSED_BY_JOIN for JOIN.
    EXPECT_EQ(rejected.old_type, word(kEndian | kByJoin, Order::kLittle));
    // It is no member, others have limits of their own, and leaving makes room.
    bob.enter("d");
    bob.multicast({"d"}, "not for alice");
    bob.next_text("not for alice");
    alice.leave("b");
    alice.next_self_leave("b");
    EXPECT_EQ(alice.enter("d").members.size(), 2U);
    bob.next_view("d", kByJoin);
    alice.join("b");
    EXPECT_EQ(alice.next().type, kReject);
    // Joins that are on their way count as well.
    Session cid(own.connect(), "cid");
    Bytes burst;
    for (const std::string group : {"p", "q", "r", "s"}) {
        append(burst, encode(cid.request(kJoin, {group})));
    }
    cid.send(burst);
    int views = 0;
    int rejects = 0;
    for (int i = 0; i < 4; ++i) {
        const Frame frame = cid.next();
        views += frame.is_view() ? 1 : 0;
        rejects += frame.type == kReject ? 1 : 0;
    }
    EXPECT_EQ(views, 3);
    EXPECT_EQ(rejects, 1);
    expect_orderly_stop(own);
}

/// Sends to `slow`, which does not read, until the witness hears that it is gone; the messages
/// sent.
std::size_t send_until_dropped(Session& witness, Session& slow, std::size_t body) {
    const std::string group = "slow";
    slow.enter(group);
    witness.enter(group);
    for (std::size_t sent = 1; sent < 100000; ++sent) {
        witness.multicast({group}, std::string(body, 'x'));
        const Frame frame = witness.next();
        if (frame.is_view()) {
            EXPECT_EQ(view_of(frame).cause, kByDisconnect);
            EXPECT_EQ(view_of(frame).changed(), slow.name());
            witness.next_text(std::string(body, 'x'));
            return sent;
        }
    }
    ADD_FAILURE() << "never dropped";
    return 0;
}

// CP 8: bytes count, too; the log says at half of the limit who is slow
TEST_F(OwnLimits, MaxSessionBytesDropsBeforeTheMessagesDo) {
    Cluster own({"d1"}, false, "MaxSessionBytes = 3000000\n");
    Session witness(own.connect(), "witness");
    Session slow(own.connect(0, Transport::kUnix), "slow");
    const std::size_t sent = send_until_dropped(witness, slow, 100000);
    // Some are in the kernel's buffers, and fewer than a thousand in the queue.
    EXPECT_GT(sent, 25U);
    EXPECT_LT(sent, 900U);
    expect_orderly_stop(own);  // a thread writes the log
    const std::string log = own.daemon().log();
    EXPECT_THAT(log, HasSubstr("#slow#d1"));
    EXPECT_THAT(log, HasSubstr("reads too slowly"));
    EXPECT_LT(log.find("warning session: client #slow#d1"), log.rfind("#slow#d1")) << log;
}

// CP 8: whoever sends waits for the reader, and nothing is lost
TEST_F(OwnLimits, BlockingMakesSendersWaitForTheReader) {
    Cluster own({"d1"}, false,
                "SlowReaderPolicy = block\nSlowReaderTimeout = 60000\nMaxSessionMessages = 50\n");
    Session slow(own.connect(0, Transport::kUnix), "slow");
    Session sender(own.connect(0, Transport::kUnix), "sender");
    Session bystander(own.connect(), "bystander");
    slow.enter("room");
    bystander.enter("elsewhere");
    constexpr int kMessages = 6000;
    const std::string filler(8000, 'x');
    std::atomic<int> sent{0};
    std::thread sending([&] {
        for (int i = 0; i < kMessages; ++i) {
            sender.multicast({"room"}, std::to_string(i) + " " + filler);
            ++sent;
        }
    });
    // It stops taking them: what fits into buffers on the way is far less than all.
    int before = -1;
    support::wait_until("the sender to be held up", [&] {
        const int now = sent;
        const bool stands = now == before && now > 50;
        before = now;
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        return stands;
    });
    EXPECT_LT(sent, kMessages);
    // Handshakes go on.
    Session newcomer(own.connect(), "newcomer");
    for (int i = 0; i < kMessages; ++i) {
        const Frame frame = slow.next();
        ASSERT_TRUE(frame.text().starts_with(std::to_string(i) + " ")) << describe(frame);
    }
    sending.join();
    EXPECT_EQ(sent, kMessages);
    bystander.expect_nothing();
    slow.expect_nothing();
    expect_orderly_stop(own);
}

// CP 8: the wait has an end
TEST_F(OwnLimits, BlockingEndsAfterTheTimeout) {
    Cluster own({"d1"}, false,
                "SlowReaderPolicy = block\nSlowReaderTimeout = 300\nMaxSessionMessages = 50\n");
    Session witness(own.connect(), "witness");
    Session slow(own.connect(0, Transport::kUnix), "slow");
    send_until_dropped(witness, slow, 4000);
    witness.multicast({"slow"}, "on it goes");
    witness.next_text("on it goes");
    expect_orderly_stop(own);
    EXPECT_THAT(own.daemon().log(), HasSubstr("#slow#d1"));
}

}  // namespace
}  // namespace spread::interop
