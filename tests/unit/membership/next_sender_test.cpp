#include "membership/next_sender.hpp"

#include <chrono>
#include <initializer_list>

#include <gtest/gtest.h>

namespace spread::membership {
namespace {

using protocol::DaemonId;
using std::chrono::milliseconds;

constexpr auto kWithin = milliseconds(3);

class NextSenderTest : public testing::Test {
  protected:
    NextSender guesser_;
    protocol::Instant now_{};

    void note(std::initializer_list<std::uint32_t> senders,
              protocol::Duration apart = milliseconds(1)) {
        for (const std::uint32_t sender : senders) {
            now_ += apart;
            guesser_.note(DaemonId{sender}, now_, kWithin);
        }
    }
};

TEST_F(NextSenderTest, KnowsNothingAtFirst) {
    EXPECT_EQ(guesser_.guess(1), std::nullopt);
    note({1});
    EXPECT_EQ(guesser_.guess(1), std::nullopt);
}

TEST_F(NextSenderTest, FindsWhoFollowsWhom) {
    note({1, 2, 1, 2, 1, 2, 1});
    EXPECT_EQ(guesser_.guess(3), DaemonId{2});
    EXPECT_EQ(guesser_.guess(4), std::nullopt);
    note({2});
    EXPECT_EQ(guesser_.guess(3), DaemonId{1});
}

TEST_F(NextSenderTest, FindsTheOnlySender) {
    note({5, 5, 5, 5});
    EXPECT_EQ(guesser_.guess(3), DaemonId{5});
}

TEST_F(NextSenderTest, FindsTurns) {
    note({1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2});
    EXPECT_EQ(guesser_.guess(3), DaemonId{3});
}

TEST_F(NextSenderTest, OneSurpriseStartsTheCountAnew) {
    note({1, 2, 1, 2, 1, 2, 1, 3, 1});
    EXPECT_EQ(guesser_.guess(2), std::nullopt);
    EXPECT_EQ(guesser_.guess(1), DaemonId{3});
    note({2, 1, 2, 1});
    EXPECT_EQ(guesser_.guess(2), DaemonId{2});
}

TEST_F(NextSenderTest, WhatComesLateFollowsNobody) {
    note({1, 2, 1, 2, 1, 2, 1, 2}, kWithin + milliseconds(1));
    EXPECT_EQ(guesser_.guess(1), std::nullopt);
    note({1, 2, 1, 2, 1}, kWithin);
    EXPECT_EQ(guesser_.guess(2), DaemonId{2});
}

TEST_F(NextSenderTest, AnUnknownSenderInBetweenBreaksTheChain) {
    note({1, 2, 1, 2, 1});
    guesser_.forget();
    EXPECT_EQ(guesser_.guess(1), std::nullopt);
    note({3, 1});
    EXPECT_EQ(guesser_.guess(2), DaemonId{2}) << "what 1 is followed by is still known";
}

TEST_F(NextSenderTest, NeverGuessesWhereThatIsOff) {
    note({1, 2, 1, 2, 1});
    EXPECT_EQ(guesser_.guess(0), std::nullopt);
}

}  // namespace
}  // namespace spread::membership
