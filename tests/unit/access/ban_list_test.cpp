#include "daemon/access/ban_list.hpp"

#include <chrono>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::access {
namespace {

using namespace std::chrono_literals;
using protocol::Instant;
using testing::HasSubstr;
using testing::IsNull;
using testing::NotNull;
using testing::SizeIs;

BanSubject subject_of(std::string_view text) {
    auto parsed = BanSubject::parse(text, "d1");
    EXPECT_TRUE(parsed) << text;
    return *parsed;
}

std::string error_of(std::string_view text) {
    const auto parsed = BanSubject::parse(text, "d1");
    return parsed ? std::string() : parsed.error();
}

Identity client(std::string user, std::string login = {}, std::string_view address = {}) {
    Identity who{std::move(user), std::move(login), PeerAddress::unix_socket()};
    if (!address.empty()) {
        who.peer = PeerAddress::of(*config::parse_ip(address));
    }
    return who;
}

TEST(BanSubject, IsAUserALoginOrAnAddress) {
    EXPECT_TRUE(subject_of("eve").is_about(client("eve")));
    EXPECT_FALSE(subject_of("eve").is_about(client("adam")));
    EXPECT_TRUE(subject_of("e*").is_about(client("eve")));
    EXPECT_TRUE(subject_of("login:eve").is_about(client("x", "eve")));
    EXPECT_FALSE(subject_of("login:*").is_about(client("eve"))) << "gave no password";
    EXPECT_TRUE(subject_of("10.1.0.0/16").is_about(client("x", "", "10.1.2.3")));
    EXPECT_FALSE(subject_of("10.1.0.0/16").is_about(client("x", "", "10.2.2.3")));
    EXPECT_TRUE(subject_of("unix").is_about(client("x")));
    EXPECT_FALSE(subject_of("user:unix").is_about(client("x")));
    EXPECT_TRUE(subject_of("user:unix").is_about(client("unix")));
}

TEST(BanSubject, APrivateNameIsExactlyThatUserOfThisDaemon) {
    EXPECT_EQ(subject_of("#eve#d1").text(), "user:eve");
    EXPECT_EQ(subject_of("#e*\\#d1").text(), "user:e\\*\\\\");
    EXPECT_FALSE(subject_of("#e*#d1").is_about(client("eve")));
    EXPECT_TRUE(subject_of("#e*#d1").is_about(client("e*")));
    EXPECT_TRUE(subject_of("#e \xff#d1").is_about(client("e \xff")));
    EXPECT_THAT(error_of("#eve#d2"), HasSubstr("a client of d2"));
    EXPECT_THAT(error_of("#eve"), HasSubstr("#USER#DAEMON"));
}

TEST(BanSubject, MistakesAreNamed) {
    for (const char* text : {"", "user:", "login:", "address:", "address:eve", "e ve", "e\xff"}) {
        EXPECT_NE(error_of(text), "") << text;
    }
}

TEST(BanList, RefusesUntilTheEndAndCounts) {
    BanList list;
    const Instant now{};
    ASSERT_TRUE(list.add(now, {subject_of("eve"), now + 10s, "too loud", "root"}));
    ASSERT_THAT(list.refuse(now + 1s, client("eve")), NotNull());
    EXPECT_THAT(list.refuse(now + 1s, client("adam")), IsNull());
    EXPECT_EQ(list.refuse(now + 9s, client("eve"))->refused, 2U);
    EXPECT_THAT(list.refuse(now + 10s, client("eve")), IsNull());
    EXPECT_TRUE(list.empty());
}

TEST(BanList, ANewBanOfASubjectReplacesTheOldOne) {
    BanList list;
    const Instant now{};
    ASSERT_TRUE(list.add(now, {subject_of("eve"), now + 10s}));
    ASSERT_TRUE(list.add(now, {subject_of("adam"), now + 20s}));
    ASSERT_TRUE(list.add(now, {subject_of("user:eve"), now + 30s}));
    ASSERT_THAT(list.bans(now), SizeIs(2));
    EXPECT_EQ(list.bans(now)[0].subject.text(), "user:adam") << "it ends first";
    EXPECT_EQ(list.bans(now)[1].until, now + 30s);
    EXPECT_THAT(list.bans(now + 20s), SizeIs(1));
}

TEST(BanList, CanBeLifted) {
    BanList list;
    const Instant now{};
    ASSERT_TRUE(list.add(now, {subject_of("eve"), now + 10s}));
    EXPECT_FALSE(list.lift(now, "user:adam"));
    EXPECT_TRUE(list.lift(now, "user:eve"));
    EXPECT_FALSE(list.lift(now, "user:eve"));
    EXPECT_THAT(list.refuse(now, client("eve")), IsNull());
}

TEST(BanList, HasAnEnd) {
    BanList list;
    const Instant now{};
    for (std::size_t i = 0; i < BanList::kBansMax; ++i) {
        ASSERT_TRUE(list.add(now, {subject_of("u" + std::to_string(i)), now + 10s}));
    }
    EXPECT_FALSE(list.add(now, {subject_of("eve"), now + 10s}));
    EXPECT_TRUE(list.add(now, {subject_of("u7"), now + 20s})) << "replaces";
    EXPECT_TRUE(list.add(now + 10s, {subject_of("eve"), now + 20s})) << "the others have ended";
}

}  // namespace
}  // namespace spread::access
