#include "daemon/session/session_core.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/ip_address.hpp"
#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"
#include "tests/unit/session/client_bytes.hpp"
#include "tests/unit/session/test_daemon.hpp"

namespace spread::session {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;
using protocol::Instant;
using protocol::SessionId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

const Bytes kRejectQuota = {std::byte{0xfd}};
const Bytes kRejectName = {std::byte{0xfb}};

// ---- Handshake ----

TEST(SessionCoreHandshake, AnswersEachStepWithOneWrite) {
    TestDaemon daemon;
    const SessionId id = daemon.accept();
    EXPECT_THAT(daemon.received(id), IsEmpty());
    daemon.send(id, connect_bytes("alice"));
    EXPECT_THAT(daemon.received(id), ElementsAre(from_hex("054e554c4c20")));
    daemon.send(id, auth_bytes());
    EXPECT_THAT(daemon.received(id), ElementsAre(from_hex("010500010923616c696365236431")));
    EXPECT_EQ(daemon.info(id).private_name, "#alice#d1");
    EXPECT_TRUE(daemon.info(id).wants_membership);
    EXPECT_THAT(daemon.closes, IsEmpty());
}

TEST(SessionCoreHandshake, RejectsAreFlushedAndCloseAtOnce) {
    TestDaemon daemon;
    const SessionId id = daemon.accept("10.0.0.1:99");
    daemon.send(id, connect_bytes("al ce"));
    EXPECT_THAT(daemon.received(id), ElementsAre(kRejectName));
    ASSERT_TRUE(daemon.close_of(id));
    EXPECT_EQ(daemon.close_of(id)->reason, CloseReason::kRejected);
    EXPECT_THAT(daemon.shutdowns, testing::Contains(id));
    EXPECT_THAT(daemon.close_of(id)->detail, HasSubstr("10.0.0.1:99"));
    EXPECT_EQ(daemon.core().session_count(), 0U);
    EXPECT_THAT(daemon.ring, IsEmpty());
}

TEST(SessionCoreHandshake, NamesAreUniqueFromTheOpeningBytesOn) {
    TestDaemon daemon;
    const SessionId first = daemon.accept();
    daemon.send(first, connect_bytes("dupe"));
    const SessionId second = daemon.accept();
    daemon.send(second, connect_bytes("dupe"));
    EXPECT_THAT(daemon.received(second), ElementsAre(kRejectNotUnique));
    EXPECT_THAT(daemon.close_of(second)->detail, HasSubstr("\"dupe\" is in use"));
    // The loser does not take the name along.
    const SessionId third = daemon.accept();
    daemon.send(third, connect_bytes("dupe"));
    EXPECT_THAT(daemon.received(third), ElementsAre(kRejectNotUnique));
}

TEST(SessionCoreHandshake, AFailedHandshakeFreesItsName) {
    TestDaemon daemon;
    const SessionId first = daemon.accept();
    daemon.send(first, connect_bytes("dupe"));
    daemon.send(first, Bytes(90));
    EXPECT_THAT(daemon.received(first), ElementsAre(testing::_, kRejectAuth));
    daemon.open("dupe");
}

TEST(SessionCoreHandshake, InventsUniqueLegalNamesForTheNameless) {
    TestDaemon daemon;
    std::set<std::string> names;
    for (int i = 0; i < 300; ++i) {
        const SessionId id = daemon.accept();
        daemon.send(id, concat({connect_bytes(""), auth_bytes()}));
        const std::string name = daemon.info(id).private_name;
        EXPECT_TRUE(protocol::parse_private_group(name)) << name;
        EXPECT_THAT(name, StartsWith("#r"));
        names.insert(name);
    }
    EXPECT_THAT(names, SizeIs(300));
}

TEST(SessionCoreHandshake, QuotaCountsUnfinishedHandshakesAndIsToldAtAccept) {
    SessionConfig config;
    config.max_sessions = 2;
    TestDaemon daemon(config);
    const SessionId silent = daemon.accept();
    daemon.open("one");
    const SessionId late = daemon.accept();
    EXPECT_THAT(daemon.received(late), ElementsAre(kRejectQuota));
    ASSERT_TRUE(daemon.close_of(late));
    EXPECT_THAT(daemon.shutdowns, testing::Contains(late));
    EXPECT_EQ(daemon.core().session_count(), 2U);
    daemon.send(late, connect_bytes("late"));  // crossed with the reject
    EXPECT_THAT(daemon.received(late), IsEmpty());
    daemon.hang_up(silent);
    daemon.open("two");
}

TEST(SessionCoreHandshake, OneAddressCannotLockOutTheOthers) {
    SessionConfig config;
    config.max_sessions = 4;
    config.place_sessions_max = 3;
    config.unix_sessions_reserved = 1;
    TestDaemon daemon(config);
    const auto accept = [&](std::string_view address) {
        return daemon.accept(std::string(address),
                             access::PeerAddress::of(*config::parse_ip(address)));
    };
    const SessionId first = accept("10.0.0.1");
    accept("10.0.0.1");
    accept("10.0.0.1");
    const SessionId late = accept("10.0.0.1");
    EXPECT_THAT(daemon.received(late), ElementsAre(kRejectQuota));
    ASSERT_TRUE(daemon.close_of(late));
    EXPECT_THAT(daemon.close_of(late)->detail, HasSubstr("see MaxSessionsPerAddress"));
    EXPECT_THAT(daemon.received(accept("10.0.0.2")), IsEmpty());
    EXPECT_THAT(daemon.received(accept("10.0.0.3")), ElementsAre(kRejectQuota));
    EXPECT_THAT(daemon.received(daemon.accept()), IsEmpty()) << "the reserve of the Unix socket";
    EXPECT_THAT(daemon.received(daemon.accept()), ElementsAre(kRejectQuota));
    daemon.hang_up(first);
    EXPECT_THAT(daemon.received(accept("10.0.0.1")), ElementsAre(kRejectQuota)) << "4 are there";
}

TEST(SessionCoreHandshake, StockServes997Sessions) {
    TestDaemon daemon;
    for (int i = 0; i < 997; ++i) {
        daemon.accept();
    }
    EXPECT_THAT(daemon.closes, IsEmpty());
    EXPECT_THAT(daemon.received(daemon.accept()), ElementsAre(kRejectQuota));
}

TEST(SessionCoreHandshake, ASilentPeerIsClosedAfterASecondWithoutAByte) {
    TestDaemon daemon;
    const SessionId id = daemon.accept();
    daemon.send(id, {});
    EXPECT_EQ(daemon.core().next_deadline(), daemon.now + 1s);
    daemon.now += 1s - 1ns;
    daemon.fire_deadlines();
    EXPECT_THAT(daemon.closes, IsEmpty());
    daemon.now += 1ns;
    daemon.fire_deadlines();
    ASSERT_TRUE(daemon.close_of(id));
    EXPECT_EQ(daemon.close_of(id)->reason, CloseReason::kHandshakeTimeout);
    EXPECT_THAT(daemon.close_of(id)->detail, HasSubstr("within 1 s"));
    EXPECT_THAT(daemon.received(id), IsEmpty());
    EXPECT_EQ(daemon.core().session_count(), 0U);
    EXPECT_EQ(daemon.core().next_deadline(), std::nullopt);
}

TEST(SessionCoreHandshake, AStartedHandshakeHasTenSecondsFromAccept) {
    TestDaemon daemon;
    const SessionId id = daemon.accept();
    const Instant accepted = daemon.now;
    daemon.now += 900ms;
    daemon.send(id, from_hex("05"));
    EXPECT_EQ(daemon.core().next_deadline(), accepted + 10s);
    daemon.now = accepted + 9s;
    daemon.send(id, from_hex("00"));  // dribbling does not prolong it
    daemon.fire_deadlines();
    EXPECT_THAT(daemon.closes, IsEmpty());
    daemon.now = accepted + 10s;
    daemon.fire_deadlines();
    EXPECT_EQ(daemon.close_of(id)->reason, CloseReason::kHandshakeTimeout);
    EXPECT_THAT(daemon.received(id), IsEmpty());
}

TEST(SessionCoreHandshake, AShortMethodChoiceIsRejectedWhenTimeIsUpAndFreesTheName) {
    TestDaemon daemon;
    const SessionId id = daemon.accept();
    daemon.send(id, connect_bytes("slow"));
    daemon.send(id, Bytes(30, std::byte{'N'}));
    daemon.now += 10s;
    daemon.fire_deadlines();
    EXPECT_THAT(daemon.received(id), ElementsAre(testing::_, kRejectAuth));
    EXPECT_EQ(daemon.close_of(id)->reason, CloseReason::kHandshakeTimeout);
    EXPECT_THAT(daemon.shutdowns, testing::Contains(id));
    daemon.open("slow");
}

TEST(SessionCoreHandshake, AHalfClosedMethodChoiceIsRejected) {
    TestDaemon daemon;
    const SessionId id = daemon.accept();
    daemon.send(id, connect_bytes("x"));
    daemon.send(id, Bytes(89));
    daemon.hang_up(id);
    EXPECT_THAT(daemon.received(id), ElementsAre(testing::_, kRejectAuth));
    EXPECT_THAT(daemon.releases, testing::Contains(id));
}

TEST(SessionCoreHandshake, ClosingDuringTheOpeningBytesIsNotAnswered) {
    TestDaemon daemon;
    const SessionId id = daemon.accept();
    daemon.send(id, from_hex("0500"));
    daemon.hang_up(id);
    EXPECT_THAT(daemon.received(id), IsEmpty());
    EXPECT_EQ(daemon.close_of(id)->reason, CloseReason::kPeerClosed);
    EXPECT_THAT(daemon.ring, IsEmpty());
}

TEST(SessionCoreHandshake, ClosingInsideTheNameIsAnsweredAsAnIllegalName) {
    for (const std::string_view opening :
         {"0500010105", "0500010105616c6963", "030d0105", "030d0105616c6963", "030f000105"}) {
        TestDaemon daemon;
        const SessionId id = daemon.accept();
        daemon.send(id, from_hex(opening));
        daemon.hang_up(id);
        EXPECT_THAT(daemon.received(id), ElementsAre(kRejectName)) << opening;
        EXPECT_EQ(daemon.close_of(id)->reason, CloseReason::kPeerClosed);
        EXPECT_THAT(daemon.releases, testing::Contains(id));
    }
    for (const std::string_view opening : {"05000101", "030d01", "030f0001"}) {
        TestDaemon daemon;
        const SessionId id = daemon.accept();
        daemon.send(id, from_hex(opening));
        daemon.hang_up(id);
        EXPECT_THAT(daemon.received(id), IsEmpty()) << opening;
    }
}

TEST(SessionCoreHandshake, ItsEndIsToldOnceWithTheName) {
    TestDaemon daemon;
    const SessionId id = daemon.accept();
    daemon.send(id, connect_bytes("x", 1));
    EXPECT_THAT(daemon.opened, IsEmpty());
    daemon.send(id, auth_bytes());
    daemon.send(id, join_bytes("room", "#x#d1"));
    ASSERT_THAT(daemon.opened, SizeIs(1));
    EXPECT_EQ(daemon.opened.front().session, id);
    EXPECT_EQ(daemon.opened.front().private_name, "#x#d1");
    EXPECT_TRUE(daemon.opened.front().wants_membership);
}

TEST(SessionCoreHandshake, AnOpenSessionHasNoDeadline) {
    TestDaemon daemon;
    daemon.open("alice");
    EXPECT_EQ(daemon.core().next_deadline(), std::nullopt);
}

TEST(SessionCoreHandshake, DeadlinesFireInTheirOrder) {
    TestDaemon daemon;
    const SessionId talks = daemon.accept();
    daemon.send(talks, from_hex("05"));
    daemon.now += 100ms;
    const SessionId silent = daemon.accept();
    daemon.now += 60s;
    daemon.fire_deadlines();
    ASSERT_THAT(daemon.closes, SizeIs(2));
    EXPECT_EQ(daemon.closes[0].session, silent);
    EXPECT_EQ(daemon.closes[1].session, talks);
}

// ---- Requests ----

TEST(SessionCoreRequests, JoinSendLeaveSendComesBackAsTheSpecificationSays) {
    TestDaemon daemon;
    const SessionId id = daemon.open("tst");
    daemon.send(id, concat({join_bytes("g"), multicast_bytes({"g"}, "1"), leave_bytes("g"),
                            multicast_bytes({"g"}, "2")}));
    EXPECT_THAT(daemon.received(id), IsEmpty()) << "nothing before the ring has ordered it";
    daemon.run_ring();
    EXPECT_THAT(daemon.received_types(id),
                ElementsAre(protocol::kRegMembMess | protocol::kCausedByJoin, protocol::kAgreedMess,
                            protocol::kCausedByLeave));
}

TEST(SessionCoreRequests, SubmissionsKeepTheOrderOfTheRequests) {
    TestDaemon daemon;
    const SessionId id = daemon.open("tst");
    daemon.send(id, concat({multicast_bytes({"g"}, "1"), join_bytes("g"),
                            multicast_bytes({"g"}, "2", protocol::kSafeMess), leave_bytes("g"),
                            kill_bytes()}));
    using protocol::MessageKind;
    using protocol::Service;
    std::vector<std::pair<MessageKind, Service>> seen;
    for (const auto& submission : daemon.ring) {
        EXPECT_FALSE(submission.control);
        seen.emplace_back(submission.kind, submission.service);
    }
    EXPECT_THAT(seen, ElementsAre(std::pair(MessageKind::kClientFrame, Service::kAgreed),
                                  std::pair(MessageKind::kGroupJoin, Service::kAgreed),
                                  std::pair(MessageKind::kClientFrame, Service::kSafe),
                                  std::pair(MessageKind::kGroupLeave, Service::kAgreed),
                                  std::pair(MessageKind::kDisconnect, Service::kAgreed)));
}

TEST(SessionCoreRequests, AMessageForManyIsQueuedOnce) {
    TestDaemon daemon;
    std::vector<SessionId> ids;
    for (const auto* name : {"a", "b", "c"}) {
        ids.push_back(daemon.open(name, false));
        daemon.send(ids.back(), join_bytes("room", "#"s + name + "#d1"));
    }
    daemon.run_ring();
    const Bytes sent = multicast_bytes({"room"}, "hello", protocol::kAgreedMess, "#a#d1");
    daemon.send(ids[0], sent);
    daemon.run_ring();
    for (const SessionId id : ids) {
        EXPECT_EQ(daemon.info(id).bytes_queued, sent.size());
        EXPECT_THAT(daemon.received(id), testing::Contains(sent));
    }
    EXPECT_EQ(daemon.core().queued().bytes, sent.size()) << "the queues share it";
}

TEST(SessionCoreRequests, OneHundredGroupsAndTheLargestBodyAreDelivered) {
    TestDaemon daemon;
    const SessionId id = daemon.open("tst", false);
    std::vector<std::string> groups;
    for (int i = 0; i < 100; ++i) {
        groups.push_back("group" + std::to_string(i));
    }
    daemon.send(id, join_bytes(groups.back()));
    const Bytes sent = multicast_bytes(groups, std::string(140800, 'x'));
    daemon.send(id, sent);
    daemon.run_ring();
    EXPECT_THAT(daemon.received(id), ElementsAre(sent));
}

// ---- Ends ----

TEST(SessionCoreEnds, AKillClosesWhenItsDisconnectIsDeliveredAndFreesTheNameThen) {
    TestDaemon daemon;
    const SessionId id = daemon.open("tst");
    daemon.send(id, join_bytes("room"));
    daemon.run_ring();
    daemon.received(id);
    daemon.send(id, multicast_bytes({"room"}, "last words"));
    daemon.send(id, kill_bytes());
    EXPECT_THAT(daemon.stops, ElementsAre(id));
    EXPECT_FALSE(daemon.close_of(id));
    EXPECT_EQ(daemon.ring.back().service, protocol::Service::kAgreed);

    const SessionId early = daemon.accept();
    daemon.send(early, connect_bytes("tst"));
    EXPECT_THAT(daemon.received(early), IsEmpty());

    daemon.run_ring();
    ASSERT_TRUE(daemon.close_of(id));
    EXPECT_EQ(daemon.close_of(id)->reason, CloseReason::kKill);
    EXPECT_THAT(daemon.shutdowns, testing::Not(testing::Contains(id)));
    EXPECT_THAT(daemon.received(id), IsEmpty()) << "its own last words are not for it any more";
    EXPECT_THAT(daemon.received(early), SizeIs(1));
}

TEST(SessionCoreEnds, AnAbruptEndIsOrderedSafe) {
    TestDaemon daemon;
    const SessionId id = daemon.open("tst");
    daemon.hang_up(id);
    ASSERT_THAT(daemon.ring, SizeIs(1));
    EXPECT_EQ(daemon.ring.front().kind, protocol::MessageKind::kDisconnect);
    EXPECT_EQ(daemon.ring.front().service, protocol::Service::kSafe);
    daemon.hang_up(id);
    EXPECT_THAT(daemon.ring, SizeIs(1)) << "told once";
    daemon.run_ring();
    EXPECT_EQ(daemon.close_of(id)->reason, CloseReason::kPeerClosed);
    EXPECT_THAT(daemon.close_of(id)->detail, HasSubstr("#tst#d1"));
}

TEST(SessionCoreEnds, AnIllegalRequestDropsTheSessionAndItsGroupsLearnIt) {
    TestDaemon daemon;
    const SessionId watch = daemon.open("watch");
    daemon.send(watch, join_bytes("room", "#watch#d1"));
    const SessionId id = daemon.open("tst");
    daemon.send(id, join_bytes("room"));
    daemon.run_ring();
    daemon.received(watch);
    daemon.received(id);
    daemon.send(id, concat({multicast_bytes({"room"}, "forged", protocol::kAgreedMess | 0x1100),
                            multicast_bytes({"room"}, "behind it")}));
    daemon.run_ring();
    EXPECT_THAT(daemon.received_types(watch),
                ElementsAre(protocol::kRegMembMess | protocol::kCausedByDisconnect));
    EXPECT_THAT(daemon.received(id), IsEmpty());
    ASSERT_TRUE(daemon.close_of(id));
    EXPECT_EQ(daemon.close_of(id)->reason, CloseReason::kIllegalRequest);
    EXPECT_THAT(daemon.close_of(id)->detail, HasSubstr("no client may set"));
}

TEST(SessionCoreEnds, AMessageCutOffByTheEndOfTheConnectionIsDiscarded) {
    TestDaemon daemon;
    const SessionId id = daemon.open("tst");
    Bytes cut = multicast_bytes({"room"}, "hello");
    cut.pop_back();
    daemon.send(id, cut);
    daemon.hang_up(id);
    ASSERT_THAT(daemon.ring, SizeIs(1));
    EXPECT_EQ(daemon.ring.front().kind, protocol::MessageKind::kDisconnect);
}

TEST(SessionCoreEnds, NothingIsReadFromASessionThatIsEnding) {
    TestDaemon daemon;
    const SessionId id = daemon.open("tst");
    daemon.send(id, kill_bytes());
    daemon.send(id, multicast_bytes({"room"}, "x"));
    daemon.send(id, kill_bytes());
    daemon.hang_up(id);
    EXPECT_THAT(daemon.ring, SizeIs(1));
    EXPECT_THAT(daemon.stops, SizeIs(1));
}

TEST(SessionCoreEnds, SessionsThatNeverWereAreIgnored) {
    TestDaemon daemon;
    daemon.send(SessionId{77}, connect_bytes("x"));
    daemon.hang_up(SessionId{77});
    daemon.sent(SessionId{77}, 1);
    EXPECT_EQ(daemon.core().next_write(), std::nullopt);
    EXPECT_THAT(daemon.closes, IsEmpty());
}

TEST(SessionCoreEnds, ShutdownClosesEverySession) {
    TestDaemon daemon;
    const SessionId open = daemon.open("tst");
    const SessionId ending = daemon.open("end");
    daemon.hang_up(ending);
    const SessionId young = daemon.accept();
    daemon.shutdown();
    for (const SessionId id : {open, ending, young}) {
        ASSERT_TRUE(daemon.close_of(id));
        EXPECT_EQ(daemon.close_of(id)->reason, CloseReason::kShutdown);
    }
    EXPECT_EQ(daemon.core().session_count(), 0U);
    EXPECT_EQ(daemon.core().next_deadline(), std::nullopt);
}

// ---- Ring ----

TEST(SessionCoreRing, PassesOnWhenClientMessagesMayFlow) {
    TestDaemon daemon;
    ASSERT_TRUE(daemon.resume);
    EXPECT_EQ(*daemon.resume, (protocol::RingId{kSelf, 1, 1000}));
}

TEST(CloseReasonText, IsThereForEachReason) {
    for (int reason = 0; reason <= static_cast<int>(CloseReason::kKicked); ++reason) {
        EXPECT_NE(to_string(static_cast<CloseReason>(reason)), "unknown");
    }
}

}  // namespace
}  // namespace spread::session
