// Who gets in, under which name, and what is refused afterwards.

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/membership_frames.hpp"
#include "tests/unit/session/test_daemon.hpp"

namespace spread::session {
namespace {

using namespace std::chrono_literals;
using protocol::SessionId;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::shared_ptr<const access::AccessRules> rules_of(std::string_view text) {
    auto result = access::AccessRules::parse(text);
    EXPECT_TRUE(result.rules) << text;
    return std::make_shared<access::AccessRules>(std::move(*result.rules));
}

std::shared_ptr<const access::AddressRules> addresses_of(std::string_view text) {
    auto result = access::AddressRules::parse(text);
    EXPECT_TRUE(result.rules) << text;
    return std::make_shared<access::AddressRules>(std::move(*result.rules));
}

// ---- Bans ----

access::Ban ban_of(std::string_view subject, protocol::Instant until, std::string reason = {}) {
    return {*access::BanSubject::parse(subject, "d1"), until, std::move(reason)};
}

TEST(SessionCoreBans, EndWhoIsThereAndRefuseWhoComes) {
    TestDaemon daemon;
    const SessionId eve = daemon.open("eve");
    const SessionId adam = daemon.open("adam");
    EXPECT_EQ(daemon.ban(ban_of("e*", daemon.now + 10s, "too loud")), 1U);
    daemon.run_ring();
    EXPECT_EQ(daemon.close_of(eve)->reason, CloseReason::kKicked);
    EXPECT_THAT(daemon.close_of(eve)->detail, HasSubstr("banned by an operator: too loud"));
    EXPECT_FALSE(daemon.close_of(adam));

    const SessionId again = daemon.accept();
    daemon.send(again, connect_bytes("eve"));
    EXPECT_THAT(daemon.received(again), ElementsAre(ElementsAre(std::byte{0xf7}))) << "REJECT_AUTH";
    EXPECT_THAT(daemon.close_of(again)->detail,
                HasSubstr("rejected, banned as user:e* for 10 s more: too loud"));

    daemon.now += 10s;
    EXPECT_EQ(daemon.info(daemon.open("eve")).private_name, "#eve#d1");
}

TEST(SessionCoreBans, WhoWaitsForANameIsAskedAgain) {
    TestDaemon daemon;
    daemon.hang_up(daemon.open("alice"));
    const SessionId second = daemon.accept();
    daemon.send(second, concat({connect_bytes("alice"), auth_bytes()}));
    EXPECT_EQ(daemon.ban(ban_of("alice", daemon.now + 10s)), 0U);
    daemon.run_ring();
    EXPECT_EQ(daemon.close_of(second)->reason, CloseReason::kRejected);
}

// ---- TLS ----

TEST(SessionCoreTls, AHandshakeHasTheTimeOfTheSessions) {
    TestDaemon daemon;
    const SessionId alice = daemon.accept();
    daemon.now += 900ms;
    daemon.tell_tls(alice, {.kind = TlsNews::Kind::kBegun});
    daemon.now += 9s;
    daemon.fire_deadlines();
    EXPECT_FALSE(daemon.close_of(alice));
    daemon.now += 100ms;
    daemon.fire_deadlines();
    EXPECT_EQ(daemon.close_of(alice)->reason, CloseReason::kHandshakeTimeout);
    EXPECT_THAT(daemon.releases, ElementsAre(alice));
    daemon.tell_tls(alice, {.kind = TlsNews::Kind::kDone});
}

TEST(SessionCoreTls, TheNameInTheCertificateIsWhatRulesSee) {
    TestDaemon daemon;
    daemon.core().set_access_rules(rules_of("allow connect tls:alice\ndefault deny\n"));
    const SessionId alice = daemon.accept();
    daemon.tell_tls(alice, {.kind = TlsNews::Kind::kBegun});
    daemon.tell_tls(alice,
                    {.kind = TlsNews::Kind::kDone, .version = "TLSv1.3", .certificate = "alice"});
    daemon.send(alice, concat({connect_bytes("x"), auth_bytes()}));
    ASSERT_THAT(daemon.opened, SizeIs(1));
    EXPECT_EQ(daemon.opened[0].tls, "TLSv1.3");
    EXPECT_EQ(daemon.opened[0].certificate, "alice");
    EXPECT_EQ(daemon.info(alice).tls, "TLSv1.3");
    EXPECT_EQ(daemon.info(alice).certificate, "alice");

    const SessionId other = daemon.accept();
    daemon.send(other, concat({connect_bytes("alice"), auth_bytes()}));
    EXPECT_EQ(daemon.close_of(other)->reason, CloseReason::kRejected);
}

TEST(SessionCoreTls, FailuresEndTheSessionAndPlainTextIsRefused) {
    TestDaemon daemon;
    const SessionId alice = daemon.accept();
    daemon.tell_tls(alice, {.kind = TlsNews::Kind::kBegun});
    daemon.tell_tls(alice, {.kind = TlsNews::Kind::kFailed, .why = "bad record mac"});
    EXPECT_EQ(daemon.close_of(alice)->reason, CloseReason::kTlsFailed);
    EXPECT_THAT(daemon.close_of(alice)->detail, HasSubstr("127.0.0.1:5000: TLS: bad record mac"));
    EXPECT_THAT(daemon.shutdowns, ElementsAre(alice)) << "what still comes is read and dropped";
    daemon.hang_up(alice);
    EXPECT_THAT(daemon.releases, ElementsAre(alice));

    const SessionId bob = daemon.accept();
    daemon.tell_tls(bob, {.kind = TlsNews::Kind::kMissing});
    EXPECT_THAT(daemon.received(bob), ElementsAre(ElementsAre(std::byte{0xf7}))) << "REJECT_AUTH";
    EXPECT_EQ(daemon.close_of(bob)->reason, CloseReason::kRejected);
}

// ---- Limits ----

Bytes many_messages(std::size_t count) {
    Bytes bytes;
    for (std::size_t i = 0; i < count; ++i) {
        bytes = concat({bytes, multicast_bytes({"room"}, std::to_string(i), protocol::kAgreedMess,
                                               "#eve#d1")});
    }
    return bytes;
}

TEST(SessionCoreLimits, WhatIsTooMuchWaitsAndNothingIsLost) {
    TestDaemon daemon;
    daemon.now += 1h;
    daemon.core().set_access_rules(rules_of("limit send eve 100/s\n"));
    const SessionId eve = daemon.open("eve");
    daemon.send(eve, many_messages(50));
    EXPECT_THAT(daemon.ring, SizeIs(11)) << "a tenth of a second's worth, and one";
    EXPECT_EQ(daemon.core().reading(eve), Reading::kPaused);
    ASSERT_THAT(daemon.notes, SizeIs(1));
    EXPECT_STREQ(daemon.notes[0].event, "client_limited");
    EXPECT_EQ(daemon.notes[0].client, "#eve#d1");
    EXPECT_THAT(daemon.notes[0].text, HasSubstr("its limit of 100 messages/s"));

    int wakes = 0;
    for (; daemon.ring.size() < 50; ++wakes) {
        ASSERT_LT(wakes, 100);
        daemon.now = *daemon.core().next_deadline();
        daemon.fire_deadlines();
    }
    EXPECT_EQ(daemon.now - (protocol::Instant{} + 1h), 390ms);
    EXPECT_THAT(daemon.notes, SizeIs(1)) << "once a minute";
    EXPECT_EQ(daemon.info(eve).messages_in, 50U);
    std::vector<std::string> bodies;
    for (const auto& each : daemon.ring) {
        std::vector<std::byte> scratch;
        const auto frame = each.body.contiguous(scratch);
        bodies.emplace_back();
        for (const std::byte byte :
             frame.subspan(protocol::kSessionHeaderBytes + protocol::kNameFieldBytes)) {
            bodies.back() += static_cast<char>(byte);
        }
    }
    for (std::size_t i = 0; i < bodies.size(); ++i) {
        EXPECT_EQ(bodies[i], std::to_string(i));
    }
    daemon.now += 1s;
    daemon.fire_deadlines();
    EXPECT_EQ(daemon.core().reading(eve), Reading::kRequests);
}

TEST(SessionCoreLimits, WhoWaitsWaitsOnWhileAllWaitForAReader) {
    SessionConfig config;
    config.max_session_messages = 4;
    config.slow_reader_policy = SlowReaderPolicy::kBlock;
    TestDaemon daemon(config);
    daemon.now += 1h;
    daemon.core().set_access_rules(rules_of("limit send eve 100/s\n"));
    const SessionId reader = daemon.open("reader", false);
    daemon.send(reader, join_bytes("room", "#reader#d1"));
    const SessionId eve = daemon.open("eve");
    daemon.send(eve, many_messages(20));
    daemon.run_ring();
    ASSERT_TRUE(daemon.core().is_blocked());
    for (int i = 0; i < 3; ++i) {
        const auto due = *daemon.core().next_deadline();
        daemon.now = due;
        daemon.fire_deadlines();
        EXPECT_THAT(daemon.ring, IsEmpty());
        EXPECT_GT(*daemon.core().next_deadline(), due);
    }
    daemon.sent(reader);
    ASSERT_FALSE(daemon.core().is_blocked());
    daemon.now = *daemon.core().next_deadline();
    daemon.fire_deadlines();
    EXPECT_THAT(daemon.ring, testing::Not(IsEmpty()));
}

TEST(SessionCoreLimits, AreOfThoseWhomTheRuleNames) {
    TestDaemon daemon;
    daemon.now += 1h;
    daemon.core().set_access_rules(rules_of("limit send e* 100/s\nlimit send * 1kB/s\n"));
    const SessionId adam = daemon.open("adam");
    for (int i = 0; i < 20; ++i) {
        daemon.send(adam, multicast_bytes({"room"}, "x", protocol::kAgreedMess, "#adam#d1"));
    }
    EXPECT_THAT(daemon.ring, SizeIs(2)) << "100 bytes at once, and one message of 81";
    daemon.core().set_access_rules(rules_of("default allow\n"));
    while (daemon.core().reading(adam) == Reading::kPaused) {
        daemon.now = *daemon.core().next_deadline();
        daemon.fire_deadlines();
    }
    EXPECT_THAT(daemon.ring, SizeIs(20)) << "new rules count from then on";
}

TEST(SessionCoreLimits, AKickedClientIsGoneWhateverWaits) {
    TestDaemon daemon;
    daemon.now += 1h;
    daemon.core().set_access_rules(rules_of("limit send * 1/s\n"));
    const SessionId eve = daemon.open("eve");
    daemon.send(eve, many_messages(10));
    EXPECT_EQ(daemon.ban(ban_of("eve", daemon.now + 10s)), 1U);
    daemon.run_ring();
    EXPECT_TRUE(daemon.close_of(eve));
    EXPECT_FALSE(daemon.core().next_deadline()) << "nothing waits any more";
}

// ---- Why somebody is refused ----

TEST(SessionCoreRefusals, NameTheStepThatFailed) {
    SessionConfig config;
    config.auth.allowed = {"NULL", "IP", "PWORD"};
    TestDaemon daemon(config);
    daemon.core().set_address_rules(addresses_of("10.0.0.0/8\n"));
    daemon.core().set_access_rules(rules_of("allow connect *\n\ndeny connect eve\n"));
    const auto try_to = [&](std::string_view name, const Bytes& choice) {
        const SessionId id = daemon.accept("10.1.2.3:5000");
        daemon.send(id, concat({connect_bytes(name), choice}));
        return id;
    };
    const auto why = [&](SessionId id) {
        const auto close = daemon.close_of(id);
        return close ? close->detail : std::string("it is in");
    };
    EXPECT_THAT(why(try_to("bob", auth_bytes("IP"))),
                HasSubstr("refused: method IP, no line of the address file fits"));
    EXPECT_THAT(why(try_to("bob2", auth_bytes("KERBEROS"))),
                HasSubstr("refused: it chose method KERBEROS, which AllowedAuthMethods"));
    daemon.core().set_access_rules(rules_of("\n\ndeny connect eve\n"));
    EXPECT_THAT(why(try_to("eve", auth_bytes())),
                HasSubstr("refused: line 3 of the access rules denies connect"));
    daemon.core().set_access_rules(rules_of("default deny\n"));
    EXPECT_THAT(why(try_to("adam", auth_bytes())), HasSubstr("the default denies connect"));
}

// ---- Names ----

TEST(SessionCoreNames, WhoReconnectsWaitsForItsOwnDisconnect) {
    TestDaemon daemon;
    const SessionId first = daemon.open("alice");
    daemon.send(first, request_bytes(protocol::kKillMess, {"#alice#d1"}, "", "#alice#d1"));
    const SessionId second = daemon.accept();
    daemon.send(second, connect_bytes("alice"));
    EXPECT_THAT(daemon.received(second), IsEmpty());
    EXPECT_THAT(daemon.pauses, ElementsAre(second));
    EXPECT_THAT(daemon.resumes, IsEmpty());
    daemon.run_ring();
    EXPECT_THAT(daemon.resumes, ElementsAre(second));
    EXPECT_THAT(daemon.received(second), SizeIs(1)) << "D1";
    daemon.send(second, auth_bytes());
    EXPECT_EQ(daemon.info(second).private_name, "#alice#d1");
}

TEST(SessionCoreNames, TheWholeHandshakeMayHaveBeenSentMeanwhile) {
    TestDaemon daemon;
    daemon.hang_up(daemon.open("alice"));
    const SessionId second = daemon.accept();
    daemon.send(second, concat({connect_bytes("alice"), auth_bytes()}));
    daemon.send(second, join_bytes("room", "#alice#d1"));
    daemon.run_ring();
    EXPECT_EQ(daemon.info(second).private_name, "#alice#d1");
    EXPECT_THAT(daemon.core().groups().members("room"), ElementsAre("#alice#d1"));
}

TEST(SessionCoreNames, APeerThatHasHungUpUnnoticedIsOnItsWayOut) {
    TestDaemon daemon;
    const SessionId first = daemon.open("alice");
    daemon.core().set_hang_up_probe([&](SessionId id) { return id == first; });
    const SessionId second = daemon.accept();
    daemon.send(second, connect_bytes("alice"));
    EXPECT_THAT(daemon.received(second), IsEmpty());
    daemon.hang_up(first);
    daemon.run_ring();
    EXPECT_THAT(daemon.received(second), SizeIs(1));
}

TEST(SessionCoreNames, ALiveSessionKeepsItsName) {
    TestDaemon daemon;
    daemon.open("alice");
    daemon.core().set_hang_up_probe([](SessionId) { return false; });
    const SessionId second = daemon.accept();
    daemon.send(second, connect_bytes("alice"));
    EXPECT_THAT(daemon.received(second), ElementsAre(kRejectNotUnique));
}

TEST(SessionCoreNames, OnlyOneMayWait) {
    TestDaemon daemon;
    daemon.hang_up(daemon.open("alice"));
    const SessionId second = daemon.accept();
    daemon.send(second, connect_bytes("alice"));
    const SessionId third = daemon.accept();
    daemon.send(third, connect_bytes("alice"));
    EXPECT_THAT(daemon.received(third), ElementsAre(kRejectNotUnique));
    daemon.run_ring();
    EXPECT_THAT(daemon.received(second), SizeIs(1));
}

TEST(SessionCoreNames, WhoGivesUpWaitingMakesRoomForTheNext) {
    TestDaemon daemon;
    daemon.hang_up(daemon.open("alice"));
    const SessionId second = daemon.accept();
    daemon.send(second, connect_bytes("alice"));
    daemon.hang_up(second);
    const SessionId third = daemon.accept();
    daemon.send(third, connect_bytes("alice"));
    daemon.run_ring();
    EXPECT_THAT(daemon.received(third), SizeIs(1));
    daemon.hang_up(third);
    daemon.run_ring();
    daemon.open("alice");
}

TEST(SessionCoreNames, WaitingEndsWithTheTimeForTheHandshake) {
    TestDaemon daemon;
    daemon.hang_up(daemon.open("alice"));
    const SessionId second = daemon.accept();
    daemon.send(second, connect_bytes("alice"));
    daemon.now += 10s;
    daemon.fire_deadlines();
    EXPECT_THAT(daemon.received(second), ElementsAre(kRejectNotUnique));
    daemon.run_ring();
    daemon.open("alice");
}

TEST(SessionCoreNames, AnHeirThatGoesBeforeItIsToldPassesTheNameOn) {
    TestDaemon daemon;
    // Both are in their handshakes, and their time ends together: the holder's end makes the
    // other one its heir, which ends in the same breath.
    const SessionId first = daemon.accept();
    daemon.send(first, connect_bytes("alice"));
    daemon.core().set_hang_up_probe([&](SessionId id) { return id == first; });
    const SessionId second = daemon.accept();
    daemon.send(second, connect_bytes("alice"));
    daemon.now += 10s;
    daemon.fire_deadlines();
    EXPECT_EQ(daemon.core().session_count(), 0U);
    daemon.open("alice");
}

TEST(SessionCoreNames, AnHeirWhosePasswordIsCheckedIsNotReadMeanwhile) {
    SessionConfig config;
    config.auth.allowed = {"NULL", "PWORD"};
    TestDaemon daemon(config);
    daemon.hang_up(daemon.open("alice"));
    const SessionId second = daemon.accept();
    daemon.send(second, concat({connect_bytes("alice"), choice_bytes({"PWORD"}),
                                proof_bytes("user", "password")}));
    daemon.run_ring();
    EXPECT_THAT(daemon.password_checks, SizeIs(1));
    EXPECT_TRUE(daemon.core().reading(second) == Reading::kPaused);
    daemon.say_password(second, true);
    EXPECT_FALSE(daemon.core().reading(second) == Reading::kPaused);
}

TEST(SessionCoreNames, WhatIsSentAheadWhileWaitingIsLimited) {
    TestDaemon daemon;
    daemon.hang_up(daemon.open("alice"));
    const SessionId second = daemon.accept();
    daemon.send(second, connect_bytes("alice"));
    daemon.send(second, Bytes(60000));
    EXPECT_EQ(daemon.close_of(second), std::nullopt);
    daemon.send(second, Bytes(6000));
    ASSERT_TRUE(daemon.close_of(second));
    EXPECT_EQ(daemon.close_of(second)->reason, CloseReason::kIllegalRequest);
}

// ---- Methods ----

TEST(SessionCoreAuth, AddressesAreAdmittedByTheRules) {
    SessionConfig config;
    config.auth.allowed = {"IP"};
    TestDaemon daemon(config);
    const auto answer_to = [&](const access::PeerAddress& peer) {
        const SessionId id = daemon.accept("somewhere", peer);
        daemon.send(id, concat({connect_bytes(""), choice_bytes({"IP"})}));
        return daemon.received(id).back();
    };
    EXPECT_EQ(answer_to(address_of("10.0.0.7")), kRejectAuth) << "no rules, nobody";
    daemon.core().set_address_rules(addresses_of("10.0.0.0/24\nunix\nfd00::/8\n"));
    EXPECT_EQ(answer_to(address_of("10.0.0.7"))[0], std::byte{1});
    EXPECT_EQ(answer_to(access::PeerAddress::unix_socket())[0], std::byte{1});
    EXPECT_EQ(answer_to(address_of("fd00::1"))[0], std::byte{1});
    EXPECT_EQ(answer_to(address_of("10.0.1.7")), kRejectAuth);
}

TEST(SessionCoreAuth, APasswordIsCheckedElsewhereWhileTheSessionWaits) {
    SessionConfig config;
    config.auth.allowed = {"PWORD"};
    TestDaemon daemon(config);
    for (const bool is_right : {true, false}) {
        const SessionId id = daemon.accept();
        daemon.send(id, concat({connect_bytes("alice"), choice_bytes({"PWORD"}),
                                proof_bytes("wonder", "land")}));
        ASSERT_THAT(daemon.password_checks, SizeIs(1));
        EXPECT_EQ(daemon.password_checks[0].session, id);
        EXPECT_EQ(daemon.password_checks[0].user, "wonder");
        EXPECT_EQ(daemon.password_checks[0].password, "land");
        EXPECT_THAT(daemon.received(id), SizeIs(1)) << "D1";
        EXPECT_THAT(daemon.pauses, ElementsAre(id));
        daemon.say_password(id, is_right);
        const auto answers = daemon.received(id);
        ASSERT_THAT(answers, SizeIs(2));
        EXPECT_EQ(answers[0], Bytes{is_right ? std::byte{1} : std::byte{0}});
        EXPECT_EQ(answers[1] == kRejectAuth, !is_right);
        EXPECT_THAT(daemon.resumes, ElementsAre(id));
        daemon.hang_up(id);
        daemon.run_ring();
        daemon.password_checks.clear();
        daemon.pauses.clear();
        daemon.resumes.clear();
    }
}

TEST(SessionCoreAuth, AVerdictForSomebodyWhoHasGoneIsForgotten) {
    SessionConfig config;
    config.auth.allowed = {"PWORD"};
    TestDaemon daemon(config);
    const SessionId id = daemon.accept();
    daemon.send(id,
                concat({connect_bytes("alice"), choice_bytes({"PWORD"}), proof_bytes("a", "b")}));
    daemon.received(id);
    daemon.now += 10s;
    daemon.fire_deadlines();
    EXPECT_THAT(daemon.received(id), ElementsAre(kRejectAuth));
    daemon.say_password(id, true);
    EXPECT_THAT(daemon.received(id), IsEmpty());
}

TEST(SessionCoreAuth, PasswordsAreCheckedOneAtATimeInTurns) {
    SessionConfig config;
    config.auth.allowed = {"PWORD"};
    TestDaemon daemon(config);
    const auto ask = [&](const std::string& name, std::string_view user) {
        const SessionId id = daemon.accept();
        daemon.send(id,
                    concat({connect_bytes(name), choice_bytes({"PWORD"}), proof_bytes(user, "x")}));
        daemon.received(id);
        return id;
    };
    const auto asked = [&] {
        std::vector<SessionId> ids;
        for (const auto& check : std::exchange(daemon.password_checks, {})) {
            ids.push_back(check.session);
        }
        return ids;
    };
    const SessionId m1 = ask("m1", "mallory");
    const SessionId m2 = ask("m2", "mallory");
    const SessionId m3 = ask("m3", "mallory");
    const SessionId alice = ask("alice", "alice");
    EXPECT_THAT(asked(), ElementsAre(m1));
    daemon.say_password(m3, true);
    EXPECT_THAT(daemon.received(m3), IsEmpty()) << "nobody asked for it yet";
    daemon.hang_up(m1);  // its check goes on, and nobody else's begins before it ends
    daemon.hang_up(m2);
    EXPECT_THAT(asked(), IsEmpty());
    daemon.say_password(m1, false);
    EXPECT_THAT(asked(), ElementsAre(m3)) << "m2 has gone";
    daemon.say_password(m3, false);
    EXPECT_THAT(asked(), ElementsAre(alice));
    daemon.say_password(alice, true);
    EXPECT_THAT(daemon.received(alice), SizeIs(2));
    EXPECT_THAT(asked(), IsEmpty());
    const SessionId bob = ask("bob", "bob");
    EXPECT_THAT(asked(), ElementsAre(bob));
}

TEST(SessionCoreAuth, WhoseTimeIsUpIsNotCheckedAnyMore) {
    SessionConfig config;
    config.auth.allowed = {"PWORD"};
    TestDaemon daemon(config);
    std::vector<SessionId> ids;
    for (const char* const name : {"a", "b", "c"}) {
        ids.push_back(daemon.accept());
        daemon.send(ids.back(), concat({connect_bytes(name), choice_bytes({"PWORD"}),
                                        proof_bytes("user", "x")}));
    }
    daemon.now += 10s;
    daemon.fire_deadlines();
    EXPECT_THAT(daemon.closes, SizeIs(3));
    daemon.say_password(ids[0], true);
    EXPECT_THAT(daemon.password_checks, SizeIs(1));
}

TEST(SessionCoreAuth, WhoHasHungUpLetsOthersGoFirst) {
    SessionConfig config;
    config.auth.allowed = {"PWORD"};
    TestDaemon daemon(config);
    std::vector<SessionId> ids;
    for (const char* const name : {"a", "b", "c"}) {
        ids.push_back(daemon.accept());
        daemon.send(ids.back(), concat({connect_bytes(name), choice_bytes({"PWORD"}),
                                        proof_bytes("user", "x")}));
        daemon.received(ids.back());
    }
    daemon.core().set_hang_up_probe([&](SessionId id) { return id == ids[1]; });
    for (const std::size_t next : {2U, 1U}) {
        daemon.say_password(daemon.password_checks.back().session, true);
        EXPECT_EQ(daemon.password_checks.back().session, ids[next]);
    }
    daemon.say_password(ids[1], true);
    EXPECT_THAT(daemon.received(ids[1]), SizeIs(2)) << "it may have closed one direction only";
}

// ---- Rules ----

TEST(SessionCoreRules, RefuseConnectionsInPlaceOfD2) {
    SessionConfig config;
    config.auth.allowed = {"NULL", "PWORD"};
    TestDaemon daemon(config);
    daemon.core().set_access_rules(
        rules_of("allow connect login:boss\nallow connect a*\ndefault deny\n"));
    daemon.open("alice");
    const SessionId bob = daemon.accept();
    daemon.send(bob, concat({connect_bytes("bob"), auth_bytes()}));
    EXPECT_THAT(daemon.received(bob), ElementsAre(testing::_, kRejectAuth));
    const SessionId boss = daemon.accept();
    daemon.send(boss,
                concat({connect_bytes("bob"), choice_bytes({"PWORD"}), proof_bytes("boss", "x")}));
    daemon.say_password(boss, true);
    EXPECT_EQ(daemon.info(boss).private_name, "#bob#d1");
}

/// The reject message for `request` from #tst#d1 (CP 7.5).
Bytes reject_of(const Bytes& request) {
    return bytes_of(protocol::encode_reject(request));
}

TEST(SessionCoreRules, SendARefusedJoinBackToItsAuthor) {
    TestDaemon daemon;
    daemon.core().set_access_rules(rules_of("deny join tst secret*\n"));
    const SessionId id = daemon.open("tst");
    daemon.send(id, join_bytes("secrets"));
    EXPECT_THAT(daemon.ring, IsEmpty());
    EXPECT_THAT(daemon.received(id), ElementsAre(reject_of(join_bytes("secrets"))));
    daemon.send(id, join_bytes("open"));
    daemon.run_ring();
    EXPECT_THAT(daemon.core().groups().members("open"), ElementsAre("#tst#d1"));
}

TEST(SessionCoreRules, SendARefusedMulticastBackToItsAuthorAlone) {
    TestDaemon daemon;
    daemon.core().set_access_rules(rules_of("deny send tst #*\ndeny send tst quiet\n"));
    const SessionId id = daemon.open("tst");
    for (const auto& groups :
         {std::vector<std::string>{"quiet"}, std::vector<std::string>{"room", "quiet"},
          std::vector<std::string>{"#tst#d1"}}) {
        const Bytes request = multicast_bytes(groups, "body");
        daemon.send(id, request);
        EXPECT_THAT(daemon.ring, IsEmpty());
        EXPECT_THAT(daemon.received(id), ElementsAre(reject_of(request)));
    }
    daemon.send(id, multicast_bytes({"room"}, "body"));
    EXPECT_THAT(daemon.ring, SizeIs(1));
}

TEST(SessionCoreRules, ARefusedMessageNobodyWantsBackIsDropped) {
    TestDaemon daemon;
    daemon.core().set_access_rules(rules_of("default deny\nallow connect *\n"));
    const SessionId id = daemon.open("tst");
    daemon.send(id, multicast_bytes({"room"}, "x", protocol::kAgreedMess | protocol::kSelfDiscard));
    EXPECT_THAT(daemon.received(id), IsEmpty());
    EXPECT_THAT(daemon.ring, IsEmpty());
}

TEST(SessionCoreRules, LeavingIsAlwaysAllowed) {
    TestDaemon daemon;
    const SessionId id = daemon.open("tst");
    daemon.send(id, join_bytes("room"));
    daemon.run_ring();
    daemon.core().set_access_rules(rules_of("default deny\n"));
    daemon.send(id, request_bytes(protocol::kLeaveMess, {"room"}, ""));
    daemon.run_ring();
    EXPECT_THAT(daemon.core().groups().members("room"), IsEmpty());
}

TEST(SessionCoreRules, RejectsCountAgainstTheQueueOfTheirAuthor) {
    SessionConfig config;
    config.max_session_messages = 5;
    TestDaemon daemon(config);
    daemon.core().set_access_rules(rules_of("deny send * *\n"));
    const SessionId id = daemon.open("tst");
    for (int i = 0; i < 6; ++i) {
        daemon.send(id, multicast_bytes({"room"}, "x"));
    }
    EXPECT_THAT(daemon.stops, ElementsAre(id));
}

TEST(SessionCoreLimits, AnOldHalfHandshakeMakesRoomForANewcomer) {
    SessionConfig config;
    config.max_sessions = 3;
    TestDaemon daemon(config);
    daemon.open("alice");
    const SessionId half = daemon.accept();
    daemon.send(half, connect_bytes("half"));
    daemon.received(half);
    daemon.now += 1s;
    const SessionId later = daemon.accept();
    daemon.send(later, connect_bytes("later"));
    const SessionId refused = daemon.accept();
    EXPECT_THAT(daemon.received(refused), ElementsAre(Bytes{std::byte{0xfd}}));
    daemon.now += 2s + 1ms;
    EXPECT_THAT(daemon.received(half), IsEmpty());
    const SessionId bob = daemon.open("bob");
    EXPECT_THAT(daemon.received(half), ElementsAre(kRejectAuth));
    EXPECT_EQ(daemon.close_of(later), std::nullopt);
    EXPECT_EQ(daemon.info(bob).private_name, "#bob#d1");
}

TEST(SessionCoreLimits, AJoinBeyondTheLimitIsSentBack) {
    SessionConfig config;
    config.max_session_groups = 2;
    TestDaemon daemon(config);
    const SessionId id = daemon.open("tst", false);
    daemon.send(id, join_bytes("a"));
    daemon.run_ring();
    daemon.send(id, concat({join_bytes("b"), join_bytes("c")}));  // b is on its way
    EXPECT_THAT(daemon.received(id), ElementsAre(reject_of(join_bytes("c"))));
    daemon.run_ring();
    daemon.send(id, request_bytes(protocol::kLeaveMess, {"a"}, ""));
    daemon.run_ring();
    daemon.send(id, join_bytes("c"));
    EXPECT_THAT(daemon.received(id), IsEmpty());
    daemon.run_ring();
    EXPECT_THAT(daemon.core().groups().members("c"), SizeIs(1));
}

// ---- 3.x libraries ----

// CP 7.6 and 11
TEST(SessionCoreOldClients, AreToldOfMembersInTheirOwnLayout) {
    for (const bool own_layout : {true, false}) {
        SessionConfig config;
        config.old_client_layout = own_layout;
        TestDaemon daemon(config);
        protocol::ConnectRequest request;
        request.version = {3, 17, 3};
        request.flags = 1;
        request.private_name = "old";
        const SessionId old = daemon.accept();
        daemon.send(old, concat({protocol::encode_connect(request), auth_bytes()}));
        daemon.received(old);
        const SessionId fresh = daemon.open("fresh");
        daemon.send(old, join_bytes("room", "#old#d1"));
        daemon.run_ring();
        daemon.received(old);
        daemon.send(fresh, join_bytes("room", "#fresh#d1"));
        daemon.run_ring();
        const auto to_old = daemon.received(old);
        const auto to_fresh = daemon.received(fresh);
        ASSERT_THAT(to_old, SizeIs(1));
        ASSERT_THAT(to_fresh, SizeIs(1));
        constexpr std::size_t kBody = 48 + 2 * 32;
        if (!own_layout) {
            EXPECT_EQ(to_old, to_fresh);
            continue;
        }
        ASSERT_EQ(to_old[0].size(), kBody + 12 + 4 + 32);
        EXPECT_EQ(to_fresh[0].size(), kBody + 20 + 4 + 32);
        const auto body = std::span(to_old[0]).subspan(kBody);
        EXPECT_TRUE(std::ranges::equal(body.first(12), std::span(to_fresh[0]).subspan(kBody, 12)));
        EXPECT_EQ(to_hex({body.begin() + 12, body.begin() + 16}), "01000000");
        EXPECT_EQ(protocol::NameField(body.subspan(16).first<32>()).view(), "#fresh#d1");
        EXPECT_EQ(protocol::decode_session_header(std::span<const std::byte>(to_old[0]).first<48>())
                      .data_len,
                  48);
    }
}

}  // namespace
}  // namespace spread::session
