#include "daemon/addresses/address_book.hpp"

#include <chrono>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/parse.hpp"
#include "daemon/host/host_facts.hpp"

namespace spread::daemon {
namespace {

using addresses::AddressBook;
using config::IpAddress;
using protocol::Instant;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

IpAddress ip(const std::string& text) {
    return *config::parse_ip(text);
}

config::Configuration ring() {
    SystemResolver resolver;
    return *config::parse(
                "Spread_Segment unicast:4803 { d0 Host = d0\n d1 Host = d1\n d2 Host = d2\n"
                " lit 10.0.0.9 }",
                "test", resolver)
                .configuration;
}

class AddressBookTest : public testing::Test {
  protected:
    static constexpr AddressBook::Peer kSelf = 0;
    static constexpr std::uint16_t kPort = 4803;

    /// Lets time pass as a host does: look-ups are answered by `names_`.
    void run(protocol::Duration time) {
        const Instant until = now_ + time;
        while (book_.next_deadline() <= until) {
            now_ = std::max(now_, book_.next_deadline());
            look_up();
            changed_ = book_.tick(now_) || changed_;
        }
        now_ = until;
    }

    void look_up() {
        for (const auto& wanted : book_.take_wanted(now_)) {
            ASSERT_NE(wanted.peer, kSelf);
            ++look_ups_[wanted.peer];
            book_.on_answer(now_, wanted.peer, names_[wanted.peer]);
        }
    }

    std::vector<std::string> ways(AddressBook::Peer peer) {
        run(milliseconds(0));
        std::vector<std::string> texts;
        for (const IpAddress& address : book_.ways(peer)) {
            texts.push_back(address.to_string());
        }
        return texts;
    }

    [[nodiscard]] bool plain(AddressBook::Peer peer, const std::string& source,
                             bool resent = false) {
        return book_.on_plain(now_, peer, resent, ip(source), kPort);
    }

    const config::Configuration configuration_ = ring();
    AddressBook book_{configuration_, kSelf, milliseconds(250)};
    Instant now_ = Instant(seconds(1000));
    std::vector<std::vector<IpAddress>> names_{4};
    std::vector<int> look_ups_ = std::vector<int>(4);
    bool changed_ = false;
};

TEST_F(AddressBookTest, ALiteralAddressIsProvenForEver) {
    EXPECT_THAT(ways(3), ElementsAre("10.0.0.9"));
    book_.on_authentic(now_, 3, ip("10.0.0.7"));
    EXPECT_TRUE(plain(3, "10.0.0.7"));
    run(seconds(100));
    EXPECT_THAT(ways(3), ElementsAre("10.0.0.9"));
    EXPECT_EQ(look_ups_[3], 0);
    EXPECT_EQ(look_ups_[kSelf], 0);
}

TEST_F(AddressBookTest, ANameThatIsNotKnownIsSentNothing) {
    run(seconds(1));
    EXPECT_THAT(ways(1), IsEmpty());
    EXPECT_EQ(book_.whereabouts(1), std::nullopt);
}

TEST_F(AddressBookTest, TheFirstFourAddressesOfTheFamilyTakeTurns) {
    names_[1] = {ip("fd00::1"),  ip("0.0.0.0"),  ip("10.0.0.1"), ip("10.0.0.2"),
                 ip("10.0.0.3"), ip("10.0.0.4"), ip("10.0.0.5")};
    std::vector<std::string> seen;
    for (int i = 0; i < 40; ++i) {
        const auto now = ways(1);
        ASSERT_EQ(now.size(), 1U);
        if (std::find(seen.begin(), seen.end(), now[0]) == seen.end()) {
            seen.push_back(now[0]);
        }
        run(milliseconds(250));
    }
    EXPECT_THAT(seen,
                testing::UnorderedElementsAre("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"));
}

TEST_F(AddressBookTest, OnASealedRingAFreshDatagramProvesWhereItComesFrom) {
    names_[1] = {ip("10.0.0.1")};
    run(seconds(1));
    book_.on_authentic(now_, 1, ip("10.0.0.77"));
    EXPECT_THAT(ways(1), ElementsAre("10.0.0.77"));
    EXPECT_TRUE(changed_);
    // It goes on speaking from there, whatever its name stands for.
    for (int i = 0; i < 100; ++i) {
        run(milliseconds(100));
        book_.on_authentic(now_, 1, ip("10.0.0.77"));
        ASSERT_THAT(ways(1), ElementsAre("10.0.0.77"));
    }
}

TEST_F(AddressBookTest, ASilentAddressThatTheNameDoesNotStandForIsNotTheOnlyOneTried) {
    book_.on_authentic(now_, 1, ip("10.0.0.77"));
    names_[1] = {ip("10.0.0.1"), ip("10.0.0.2")};
    run(seconds(3));
    EXPECT_THAT(ways(1), ElementsAre("10.0.0.77", testing::AnyOf("10.0.0.1", "10.0.0.2")));
    book_.on_authentic(now_, 1, ip("10.0.0.77"));
    run(AddressBook::kTurnEvery);
    book_.on_authentic(now_, 1, ip("10.0.0.77"));
    EXPECT_THAT(ways(1).front(), "10.0.0.77");
    book_.on_authentic(now_, 1, ip("10.0.0.2"));
    EXPECT_THAT(ways(1), ElementsAre("10.0.0.2"));
    run(seconds(10));
    EXPECT_THAT(ways(1), ElementsAre("10.0.0.2"));  // silent, but its name stands for it
}

TEST_F(AddressBookTest, NothingThatTheResolverSaysTakesAProvenAddressAway) {
    book_.on_authentic(now_, 1, ip("10.0.0.1"));
    run(seconds(30));  // the name is unknown
    EXPECT_THAT(ways(1), ElementsAre("10.0.0.1"));
    names_[1] = {ip("10.0.0.2")};
    run(seconds(30));
    EXPECT_THAT(ways(1), ElementsAre("10.0.0.1", "10.0.0.2"));
    names_[1].clear();
    run(seconds(300));
    EXPECT_THAT(ways(1), ElementsAre("10.0.0.1", "10.0.0.2"));
}

TEST_F(AddressBookTest, WhatMayBeOldIsAnsweredForAWhileAndProvesNothing) {
    book_.on_authentic(now_, 1, ip("10.0.0.1"));
    book_.on_claim(now_, 1, ip("10.0.0.2"));
    EXPECT_THAT(ways(1), ElementsAre("10.0.0.1"));
    EXPECT_TRUE(changed_);
    EXPECT_EQ(book_.claim(1), ip("10.0.0.2"));
    run(AddressBook::kClaimCounts);
    EXPECT_EQ(book_.claim(1), std::nullopt);
    book_.on_claim(now_, 1, ip("10.0.0.1"));  // known already
    EXPECT_EQ(book_.claim(1), std::nullopt);
}

TEST_F(AddressBookTest, OnAPlainRingTheNameMustStandForTheAddress) {
    names_[1] = {ip("10.0.0.1")};
    run(seconds(1));
    EXPECT_FALSE(plain(1, "10.0.0.77"));
    EXPECT_FALSE(book_.on_plain(now_, 1, false, ip("10.0.0.1"), kPort + 1));
    EXPECT_TRUE(plain(1, "10.0.0.1"));
    EXPECT_THAT(ways(1), ElementsAre("10.0.0.1"));
    EXPECT_TRUE(plain(1, "10.0.0.1"));
    EXPECT_FALSE(plain(2, "10.0.0.1"));
}

TEST_F(AddressBookTest, OnAPlainRingAnAnswerThatIsOldProvesNothing) {
    names_[1] = {ip("10.0.0.1")};
    run(seconds(1));
    names_[1].clear();  // failures leave the answer in place
    run(AddressBook::kAnswerCounts + seconds(1));
    EXPECT_THAT(ways(1), ElementsAre("10.0.0.1"));
    EXPECT_FALSE(plain(1, "10.0.0.1"));
}

TEST_F(AddressBookTest, ADatagramOfUnknownOriginIsDroppedAndLooksUpAtOnce) {
    names_[1] = {ip("10.0.0.1")};
    run(seconds(1));
    EXPECT_TRUE(plain(1, "10.0.0.1"));
    book_.set_present(now_, {0, 1, 2, 3});
    run(seconds(10));
    const int before = look_ups_[1];
    names_[1] = {ip("10.0.0.2")};
    EXPECT_FALSE(plain(1, "10.0.0.2"));
    run(milliseconds(0));
    EXPECT_EQ(look_ups_[1], before + 1);
    EXPECT_TRUE(plain(1, "10.0.0.2"));
    EXPECT_THAT(ways(1), ElementsAre("10.0.0.2"));
}

TEST_F(AddressBookTest, StrangersCauseFewLookUps) {
    run(seconds(1));
    const int before = look_ups_[1];
    for (int i = 0; i < 1000; ++i) {
        EXPECT_FALSE(plain(1, "10.6.6.6"));
        run(milliseconds(1));
    }
    EXPECT_LE(look_ups_[1] - before, 5);
}

TEST_F(AddressBookTest, WhatIsResentMayComeFromAnyDaemon) {
    names_[1] = {ip("10.0.0.1")};
    run(seconds(1));
    ASSERT_TRUE(plain(1, "10.0.0.1"));
    EXPECT_TRUE(plain(2, "10.0.0.1", true));
    EXPECT_TRUE(plain(2, "10.0.0.9", true));
    EXPECT_FALSE(plain(2, "10.0.0.8", true));
    names_[2] = {ip("10.0.0.2")};
    run(seconds(10));
    EXPECT_FALSE(plain(2, "10.0.0.2", true));  // it proves nothing, either
    EXPECT_TRUE(plain(2, "10.0.0.2"));
}

TEST_F(AddressBookTest, AnAddressThatAnotherDaemonProvesIsNoLongerTheOldOnes) {
    book_.on_authentic(now_, 1, ip("10.0.0.1"));
    book_.on_authentic(now_, 2, ip("10.0.0.1"));
    EXPECT_THAT(ways(1), IsEmpty());
    EXPECT_THAT(ways(2), ElementsAre("10.0.0.1"));
}

TEST_F(AddressBookTest, AbsentDaemonsAreLookedUpEveryTwoSecondsAndPresentOnesEveryMinute) {
    names_[1] = {ip("10.0.0.1")};
    names_[2] = {ip("10.0.0.2")};
    run(milliseconds(1));
    book_.set_present(now_, {0, 1});
    look_ups_.assign(4, 0);
    run(seconds(600));
    EXPECT_EQ(look_ups_[1], 10);
    EXPECT_EQ(look_ups_[2], 300);
    book_.set_present(now_, {0});
    run(seconds(2));
    EXPECT_GE(look_ups_[1], 11);
}

TEST_F(AddressBookTest, WhileNoNameIsKnownLookUpsBecomeRare) {
    run(seconds(60));
    look_ups_.assign(4, 0);
    run(seconds(100));
    EXPECT_EQ(look_ups_[1], 10);
    names_[1] = {ip("10.0.0.1")};
    run(seconds(20));
    look_ups_.assign(4, 0);
    run(seconds(100));
    EXPECT_EQ(look_ups_[2], 50);
}

TEST_F(AddressBookTest, IsForRingsWithNames) {
    EXPECT_TRUE(AddressBook::is_needed(configuration_, 0));
    SystemResolver resolver;
    const auto literal = config::parse(
        "Spread_Segment unicast:4803 { a 10.0.0.1 b 10.0.0.2 c Host = c }", "test", resolver);
    EXPECT_TRUE(AddressBook::is_needed(*literal.configuration, 0));
    EXPECT_FALSE(AddressBook::is_needed(*literal.configuration, 2));
}

}  // namespace
}  // namespace spread::daemon
