// The small parts of the session core, each alone: timers, names, password checks, permissions.

#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "config/ip_address.hpp"
#include "daemon/session/name_registry.hpp"
#include "daemon/session/password_checks.hpp"
#include "daemon/session/permissions.hpp"
#include "daemon/session/rejection.hpp"
#include "daemon/session/session_quota.hpp"
#include "daemon/session/session_timers.hpp"
#include "daemon/session/texts.hpp"
#include "protocol/session_wire.hpp"
#include "tests/unit/session/client_bytes.hpp"

namespace spread::session {
namespace {

using namespace std::chrono_literals;
using protocol::Instant;
using protocol::SessionId;

TEST(SessionTimers, TheEarliestIsDueFirstAndEachSessionHasOne) {
    SessionTimers timers;
    SessionIds ids;
    const SessionId one = ids.take();
    const SessionId two = ids.take();
    EXPECT_EQ(timers.first(), std::nullopt);
    timers.set(one, Instant(10s));
    timers.set(two, Instant(5s));
    EXPECT_EQ(timers.first(), Instant(5s));
    EXPECT_EQ(timers.due(Instant(4s)), std::nullopt);
    EXPECT_EQ(timers.due(Instant(5s)), two);
    timers.set(two, Instant(20s));
    EXPECT_EQ(timers.due(Instant(10s)), one);
    timers.clear(one);
    timers.clear(one);
    EXPECT_EQ(timers.first(), Instant(20s));
    timers.clear(two);
    EXPECT_TRUE(timers.in_order().empty());
}

access::PeerAddress peer(std::string_view text) {
    return access::PeerAddress::of(*config::parse_ip(text));
}

TEST(SessionQuota, NoAddressTakesMoreThanItsShare) {
    SessionQuota quota({.all_max = 10, .place_max = 2});
    const auto fits = [&](const access::PeerAddress& peer) {
        quota.add(peer);
        const bool is_full = quota.is_full_place(peer);
        if (is_full) {
            quota.remove(peer);
        }
        return !is_full;
    };
    EXPECT_TRUE(fits(peer("10.0.0.1")) && fits(peer("10.0.0.1")));
    EXPECT_FALSE(fits(peer("10.0.0.1")));
    EXPECT_TRUE(fits(peer("10.0.0.2")));
    EXPECT_TRUE(fits(peer("fd00::1")) && fits(peer("fd00::2")));
    EXPECT_FALSE(fits(peer("fd00::3"))) << "one network of 64 bits";
    EXPECT_TRUE(fits(peer("fd00:0:0:1::3")));
    EXPECT_TRUE(fits(peer("127.0.0.1")) && fits(peer("127.0.0.2")));
    EXPECT_FALSE(fits(peer("::1"))) << "this host";
    for (int i = 0; i < 5; ++i) {
        EXPECT_TRUE(fits(access::PeerAddress::unix_socket()));
    }
    quota.remove(peer("10.0.0.1"));
    EXPECT_TRUE(fits(peer("10.0.0.1")));
}

TEST(SessionQuota, AnAddressWithoutSessionsIsForgotten) {
    SessionQuota quota({.place_max = 2});
    quota.add(peer("10.0.0.1"));
    quota.add(peer("10.0.0.1"));
    quota.remove(peer("10.0.0.1"));
    EXPECT_FALSE(quota.is_full_place(peer("10.0.0.1")));
    quota.remove(peer("10.0.0.1"));
    EXPECT_THROW(static_cast<void>(quota.is_full_place(peer("10.0.0.1"))), std::out_of_range);
}

TEST(SessionQuota, SomeOfTheUnixSocketGetInWhoeverHasTakenAll) {
    SessionQuota quota({.all_max = 3, .unix_reserved = 2});
    const auto fits = [&](const access::PeerAddress& peer) {
        quota.add(peer);
        const bool is_full = quota.is_full(peer);
        if (is_full) {
            quota.remove(peer);
        }
        return !is_full;
    };
    const auto here = access::PeerAddress::unix_socket();
    EXPECT_TRUE(fits(peer("10.0.0.1")) && fits(peer("10.0.0.1")) && fits(peer("10.0.0.1")));
    EXPECT_FALSE(fits(peer("10.0.0.1")));
    EXPECT_TRUE(fits(here) && fits(here));
    EXPECT_FALSE(fits(here));
    quota.remove(here);
    EXPECT_FALSE(fits(peer("10.0.0.1"))) << "the reserve is not theirs";
    EXPECT_TRUE(fits(here));
}

TEST(NameRegistry, WhoWaitsInheritsTheName) {
    NameRegistry names;
    EXPECT_TRUE(names.take("alice", SessionId{1}));
    EXPECT_FALSE(names.take("alice", SessionId{2}));
    EXPECT_TRUE(names.wait("alice", SessionId{2}));
    EXPECT_FALSE(names.wait("alice", SessionId{3})) << "one newcomer may wait";
    EXPECT_FALSE(names.has_heirs());
    names.release("alice");
    EXPECT_EQ(names.take_heir(), SessionId{2});
    EXPECT_FALSE(names.has_heirs());
    EXPECT_EQ(names.holder("alice"), SessionId{2});
    names.release("alice");
    EXPECT_FALSE(names.is_taken("alice"));
}

TEST(PasswordChecks, OneIsUnderWayAtATimeAndThoseWhoHungUpComeLast) {
    PasswordChecks checks;
    const access::PeerAddress here = access::PeerAddress::unix_socket();
    const auto has_hung_up = [](SessionId id) { return id == SessionId{1}; };
    checks.ask(here, {SessionId{1}, "a", "p"});
    checks.ask(here, {SessionId{2}, "b", "p"});
    checks.ask(here, {SessionId{3}, "c", "p"});
    checks.remove(SessionId{3});
    const auto first = checks.begin_next(has_hung_up);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->session, SessionId{2});
    EXPECT_EQ(checks.begin_next(has_hung_up), std::nullopt) << "one is under way";
    EXPECT_FALSE(checks.finish(SessionId{1}));
    EXPECT_TRUE(checks.finish(SessionId{2}));
    const auto last = checks.begin_next(has_hung_up);
    ASSERT_TRUE(last);
    EXPECT_EQ(last->session, SessionId{1});
    EXPECT_TRUE(checks.finish(SessionId{1}));
    EXPECT_EQ(checks.begin_next(has_hung_up), std::nullopt);
}

TEST(Permissions, WithoutRulesNobodyIsAdmittedByAddressAndEverybodyMayDoEverything) {
    Permissions permissions;
    EXPECT_FALSE(permissions.admits(access::PeerAddress::unix_socket()));
    EXPECT_FALSE(permissions.look_at_messages());
    EXPECT_TRUE(permissions.may_connect({}));
    Requester somebody;
    EXPECT_TRUE(permissions.may_join(somebody, "room"));
    permissions.set_address_rules(
        std::make_shared<access::AddressRules>(*access::AddressRules::parse("unix\n").rules));
    EXPECT_TRUE(permissions.admits(access::PeerAddress::unix_socket()));
}

TEST(Permissions, EveryGroupOfAMessageMustBeAllowed) {
    Permissions permissions;
    permissions.set_access_rules(std::make_shared<access::AccessRules>(
        *access::AccessRules::parse("deny send * secret\nallow send * *\n").rules));
    Requester somebody;
    somebody.who.user = "alice";
    EXPECT_TRUE(permissions.look_at_messages());
    EXPECT_TRUE(permissions.may_send(somebody, multicast_bytes({"a", "b"}, "x")));
    EXPECT_FALSE(permissions.may_send(somebody, multicast_bytes({"a", "secret"}, "x")));
    // The rules about somebody are picked out again when there are others.
    permissions.set_access_rules(std::make_shared<access::AccessRules>(
        *access::AccessRules::parse("deny send alice a\n").rules));
    EXPECT_FALSE(permissions.may_send(somebody, multicast_bytes({"a"}, "x")));
    EXPECT_TRUE(permissions.may_send(somebody, multicast_bytes({"secret"}, "x")));
}

TEST(Rejection, IsTheRequestWithItsTypeInItUnlessItsAuthorDoesNotWantIt) {
    const Bytes request = multicast_bytes({"room"}, "body");
    const auto rejection = rejection_of(request);
    ASSERT_TRUE(rejection);
    std::vector<std::byte> scratch;
    const auto header = protocol::decode_session_header(
        rejection->contiguous(scratch).first<protocol::kSessionHeaderBytes>());
    EXPECT_NE(header.type & protocol::kRejectMess, 0U);
    EXPECT_EQ(rejection_of(multicast_bytes({"room"}, "body",
                                           protocol::kAgreedMess | protocol::kSelfDiscard)),
              std::nullopt);
}

TEST(Texts, DurationsReadAsInAConfigurationFile) {
    EXPECT_EQ(in_seconds(5s), "5 s");
    EXPECT_EQ(in_seconds(1500ms), "1500 ms");
}

}  // namespace
}  // namespace spread::session
