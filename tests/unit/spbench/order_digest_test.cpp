#include "tools/spbench/order_digest.hpp"

#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace spread::spbench {
namespace {

using Sequence = std::vector<std::pair<std::uint32_t, std::uint64_t>>;

OrderDigest digest_of(const Sequence& sequence) {
    OrderDigest digest;
    for (const auto& [sender, number] : sequence) {
        digest.add(sender, number);
    }
    return digest;
}

Sequence long_sequence(std::uint64_t length) {
    Sequence sequence;
    for (std::uint64_t i = 0; i < length; ++i) {
        sequence.emplace_back(static_cast<std::uint32_t>(i % 3), i / 3);
    }
    return sequence;
}

TEST(OrderDigest, EqualSequencesAgree) {
    const auto sequence = long_sequence(5000);
    EXPECT_FALSE(digest_of(sequence).differs_before(digest_of(sequence)));
    EXPECT_FALSE(OrderDigest().differs_before(OrderDigest()));
}

TEST(OrderDigest, TwoSwappedMessagesShow) {
    const auto sequence = long_sequence(5000);
    for (std::size_t i = 0; i + 1 < sequence.size(); i += 97) {
        auto swapped = sequence;
        std::swap(swapped[i], swapped[i + 1]);
        const auto position = digest_of(sequence).differs_before(digest_of(swapped));
        ASSERT_TRUE(position) << i;
        EXPECT_GT(*position, i);
        EXPECT_LE(*position, i + 1 + OrderDigest::kCheckpointEvery + 1);
    }
}

TEST(OrderDigest, SenderAndNumberAreNotInterchangeable) {
    EXPECT_TRUE(digest_of({{1, 2}}).differs_before(digest_of({{2, 1}})));
    EXPECT_TRUE(digest_of({{0, 1}}).differs_before(digest_of({{1, 0}})));
}

TEST(OrderDigest, AMissingTailShows) {
    auto sequence = long_sequence(2 * OrderDigest::kCheckpointEvery);
    const auto whole = digest_of(sequence);
    sequence.pop_back();
    const auto shorter = digest_of(sequence);
    EXPECT_EQ(whole.differs_before(shorter), 2 * OrderDigest::kCheckpointEvery);
    EXPECT_EQ(shorter.differs_before(whole), 2 * OrderDigest::kCheckpointEvery);
}

TEST(OrderDigest, ARepeatedMessageShows) {
    auto sequence = long_sequence(10);
    const auto once = digest_of(sequence);
    sequence.push_back(sequence.back());
    EXPECT_TRUE(once.differs_before(digest_of(sequence)));
}

}  // namespace
}  // namespace spread::spbench
