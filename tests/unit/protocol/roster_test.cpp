#include "protocol/roster.hpp"

#include <array>
#include <span>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::protocol {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<DaemonIndex> walked(const DaemonSet& set) {
    return {set.begin(), set.end()};
}

std::vector<int> bitmap_of(const DaemonSet& set) {
    std::vector<std::byte> buffer(set.bitmap_bytes());
    ByteWriter writer(buffer);
    set.write_bitmap(writer);
    EXPECT_EQ(writer.remaining(), 0U);
    std::vector<int> values;
    for (const std::byte b : buffer) {
        values.push_back(std::to_integer<int>(b));
    }
    return values;
}

Roster three() {
    return Roster({{DaemonId{7}, "north"}, {DaemonId{0xffffffff}, "east"}, {DaemonId{1}, "south"}});
}

TEST(DaemonSet, IsWalkedInAscendingOrderAcrossWords) {
    EXPECT_THAT(walked({kDaemonsMax - 1, 64, 0, 63}), ElementsAre(0, 63, 64, kDaemonsMax - 1));
    EXPECT_THAT(walked({}), IsEmpty());
}

TEST(DaemonSet, KnowsItsSizeAndWhoSpeaksForIt) {
    DaemonSet set{70, 3, 5};
    EXPECT_EQ(set.size(), 3U);
    EXPECT_EQ(set.front(), 3U);
    set.erase(3);
    set.erase(5);
    EXPECT_EQ(set.front(), 70U);
    EXPECT_FALSE(set.contains(3));
    set.clear();
    EXPECT_TRUE(set.empty());
    EXPECT_EQ(set.size(), 0U);
}

TEST(DaemonSet, HasTheAlgebraOfSets) {
    const DaemonSet a{1, 2, 100};
    const DaemonSet b{2, 3, 100};
    EXPECT_EQ(a | b, (DaemonSet{1, 2, 3, 100}));
    EXPECT_EQ(a & b, (DaemonSet{2, 100}));
    EXPECT_EQ(a - b, (DaemonSet{1}));
    EXPECT_TRUE(a.intersects(b));
    EXPECT_FALSE(a.intersects({3, 4}));
    EXPECT_TRUE(a.includes({1, 100}));
    EXPECT_TRUE(a.includes({}));
    EXPECT_FALSE(a.includes(b));
}

TEST(DaemonSet, FirstAreThePlacesBelowACount) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{63},
                                    std::size_t{64}, std::size_t{65}, kDaemonsMax}) {
        const DaemonSet set = DaemonSet::first(count);
        EXPECT_EQ(set.size(), count);
        EXPECT_TRUE(count == 0 || set.contains(count - 1));
    }
}

TEST(DaemonSet, IsABitmapOnTheWire) {
    EXPECT_THAT(bitmap_of({0, 3, 8, 15}), ElementsAre(0x09, 0x81));
    EXPECT_THAT(bitmap_of({7}), ElementsAre(0x80)) << "ends with the last member";
    EXPECT_THAT(bitmap_of({8}), ElementsAre(0x00, 0x01));
    EXPECT_THAT(bitmap_of({}), IsEmpty());
    EXPECT_EQ((DaemonSet{63, 0}).bitmap_bytes(), 8U);
    EXPECT_EQ((DaemonSet{64}).bitmap_bytes(), 9U);
    EXPECT_EQ((DaemonSet{kDaemonsMax - 1}).bitmap_bytes(), DaemonSet::kBitmapBytesMax);
}

TEST(DaemonSet, ReadsWhatItWrites) {
    for (std::size_t daemon = 0; daemon < kDaemonsMax; ++daemon) {
        std::array<std::byte, DaemonSet::kBitmapBytesMax> buffer{};
        ByteWriter writer(buffer);
        const DaemonSet set{daemon, 40};
        set.write_bitmap(writer);
        ByteReader exact(std::span<const std::byte>(buffer).first(set.bitmap_bytes()));
        EXPECT_EQ(DaemonSet::read_bitmap(exact, set.bitmap_bytes()), set);
        EXPECT_EQ(exact.remaining(), 0U);
        ByteReader padded(buffer);
        EXPECT_EQ(DaemonSet::read_bitmap(padded, buffer.size()), set);
    }
}

TEST(DaemonSet, RefusesABitmapThatIsCutShortOrHasNoPlaceForItsBits) {
    const std::array<std::byte, 2 * DaemonSet::kBitmapBytesMax> bytes{};
    ByteReader cut(std::span<const std::byte>(bytes).first(3));
    EXPECT_EQ(DaemonSet::read_bitmap(cut, 4), std::nullopt);
    EXPECT_FALSE(cut.ok());
    ByteReader large(bytes);
    EXPECT_EQ(DaemonSet::read_bitmap(large, DaemonSet::kBitmapBytesMax + 1), std::nullopt);
}

TEST(Roster, FindsDaemonsByTheirIds) {
    const Roster roster = three();
    EXPECT_EQ(roster.size(), 3U);
    EXPECT_EQ(roster.find(DaemonId{7}), 0U);
    EXPECT_EQ(roster.find(DaemonId{0xffffffff}), 1U);
    EXPECT_EQ(roster.find(DaemonId{1}), 2U);
    EXPECT_EQ(roster.find(DaemonId{0}), std::nullopt);
    EXPECT_EQ(roster.find(DaemonId{8}), std::nullopt);
    EXPECT_EQ(roster.name(2), "south");
    EXPECT_EQ(roster.id(1), DaemonId{0xffffffff});
}

TEST(Roster, FindsAllOfALargeConfigurationWhateverTheirIds) {
    for (const std::uint32_t step : {1U, 512U, 0x01000001U, 0x9e3779b1U}) {
        std::vector<RosterEntry> daemons;
        for (std::uint32_t i = 1; i <= kDaemonsMax; ++i) {
            daemons.push_back({DaemonId{i * step}, "d" + std::to_string(i)});
        }
        const Roster roster(daemons);
        for (std::size_t i = 0; i < daemons.size(); ++i) {
            EXPECT_EQ(roster.find(daemons[i].id), i);
        }
        EXPECT_FALSE(roster.contains(DaemonId{0x12345679}));
    }
}

TEST(Roster, TranslatesListsAndSets) {
    const Roster roster = three();
    const MemberList members{DaemonId{1}, DaemonId{99}, DaemonId{7}};
    EXPECT_EQ(roster.set_of(members), (DaemonSet{0, 2}));
    EXPECT_THAT(roster.ids_of({0, 2}), ElementsAre(DaemonId{7}, DaemonId{1}));
}

TEST(Roster, DescribesDaemonsToPeople) {
    const Roster roster = three();
    EXPECT_EQ(roster.describe(DaemonId{7}), "north");
    EXPECT_EQ(roster.describe(DaemonId{42}), "42");
    EXPECT_EQ(roster.describe(MemberList{DaemonId{1}, DaemonId{7}}), "south north");
    EXPECT_EQ(roster.describe(MemberList{}), "");
}

}  // namespace
}  // namespace spread::protocol
