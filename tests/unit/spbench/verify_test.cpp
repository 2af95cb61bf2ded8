#include "tools/spbench/verify.hpp"

#include <gmock/gmock.h>

namespace spread::spbench {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

/// Two senders of 3 messages each, and two receivers that have them all in one order.
class Verify : public ::testing::Test {
  protected:
    Verify() {
        for (const auto& [sender, number] : kSequence) {
            first_.add(sender, number);
            second_.add(sender, number);
        }
        senders_ = {{"sender 0", 0, false, 3}, {"sender 1", 0, false, 3}};
        receivers_ = {{"receiver 0", 0, false, &first_, {3, 3}, 0, 0, 0},
                      {"receiver 1", 0, false, &second_, {3, 3}, 0, 0, 0}};
    }

    static constexpr std::array<std::pair<std::uint32_t, std::uint64_t>, 6> kSequence{
        {{0, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}, {1, 2}}};

    OrderDigest first_;
    OrderDigest second_;
    std::vector<SenderRecord> senders_;
    std::vector<ReceiverRecord> receivers_;
};

TEST_F(Verify, ACompleteOrderedRunIsClean) {
    const auto verdict = verify(senders_, receivers_);
    EXPECT_TRUE(verdict.is_clean());
    EXPECT_EQ(verdict.receivers_compared, 2U);
    EXPECT_TRUE(verdict.problems.empty());
}

TEST_F(Verify, DifferentOrdersAreFound) {
    OrderDigest other;
    for (auto it = kSequence.rbegin(); it != kSequence.rend(); ++it) {
        other.add(it->first, it->second);
    }
    receivers_[1].order = &other;
    const auto verdict = verify(senders_, receivers_);
    EXPECT_FALSE(verdict.is_same_order);
    EXPECT_TRUE(verdict.is_complete);
    EXPECT_THAT(verdict.problems, ElementsAre(HasSubstr("different sequences")));
}

TEST_F(Verify, ReceiversOfDifferentGroupsAreNotCompared) {
    OrderDigest other;
    other.add(1, 0);
    receivers_[1].order = &other;
    receivers_[1].group = 1;
    receivers_[1].next_from = {0, 0};
    EXPECT_TRUE(verify(senders_, receivers_).is_clean());
}

TEST_F(Verify, AMissingTailIsLost) {
    receivers_[0].next_from = {3, 1};
    receivers_[1].next_from = {3, 1};
    const auto verdict = verify(senders_, receivers_);
    EXPECT_FALSE(verdict.is_complete);
    EXPECT_EQ(verdict.lost, 4U);
}

TEST_F(Verify, AGapIsLost) {
    receivers_[0].missing = 2;
    const auto verdict = verify(senders_, receivers_);
    EXPECT_FALSE(verdict.is_complete);
    EXPECT_EQ(verdict.lost, 2U);
    EXPECT_THAT(verdict.problems, ElementsAre("receiver 0 never got 2 messages"));
}

TEST_F(Verify, RepeatedAndDamagedMessagesAreFound) {
    receivers_[0].unexpected = 1;
    receivers_[1].damaged = 1;
    const auto verdict = verify(senders_, receivers_);
    EXPECT_FALSE(verdict.is_complete);
    EXPECT_FALSE(verdict.is_intact);
    EXPECT_EQ(verdict.duplicates, 1U);
}

TEST_F(Verify, ABrokenSenderOwesNothingButAgreement) {
    senders_[1].is_broken = true;
    senders_[1].sent = 100;
    EXPECT_TRUE(verify(senders_, receivers_).is_clean());

    second_.add(1, 3);
    receivers_[1].next_from = {3, 4};
    EXPECT_FALSE(verify(senders_, receivers_).is_same_order);
}

TEST_F(Verify, ABrokenReceiverIsLeftOut) {
    const OrderDigest nothing;
    receivers_[0].is_broken = true;
    receivers_[0].order = &nothing;
    receivers_[0].next_from = {0, 0};
    EXPECT_TRUE(verify(senders_, receivers_).is_clean());
    receivers_[1].is_broken = true;
    EXPECT_FALSE(verify(senders_, receivers_).is_clean());
}

}  // namespace
}  // namespace spread::spbench
