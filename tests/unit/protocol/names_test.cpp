#include "protocol/names.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <unordered_set>

#include <gtest/gtest.h>

namespace spread::protocol {
namespace {

using namespace std::string_literals;

std::array<std::byte, kNameFieldBytes> raw_field(std::string_view text) {
    std::array<std::byte, kNameFieldBytes> field{};
    const auto bytes = std::as_bytes(std::span(text));
    std::copy_n(bytes.begin(), std::min(bytes.size(), field.size()), field.begin());
    return field;
}

NameField received(std::string_view text) {
    return NameField(raw_field(text));
}

TEST(Names, PrivateNamesHaveOneToTenBytes) {
    EXPECT_FALSE(is_private_name(""));
    EXPECT_TRUE(is_private_name("a"));
    EXPECT_TRUE(is_private_name("abcdefghij"));
    EXPECT_FALSE(is_private_name("abcdefghijk"));
}

TEST(Names, OnlyBytesFromDollarToTildeAreLegal) {
    for (int value = 0; value < 256; ++value) {
        const char c = static_cast<char>(value);
        EXPECT_EQ(is_private_name(std::string(1, c)), value >= 0x24 && value <= 0x7e) << value;
    }
    EXPECT_TRUE(is_private_name("$~/.-_+"));
    EXPECT_FALSE(is_private_name("al#ce"));
    EXPECT_FALSE(is_private_name("al ce"));
    EXPECT_FALSE(is_private_name("al\0ce"s));
}

TEST(Names, DaemonNamesHaveOneToNineteenBytes) {
    EXPECT_FALSE(is_daemon_name(""));
    EXPECT_TRUE(is_daemon_name(std::string(19, 'd')));
    EXPECT_FALSE(is_daemon_name(std::string(20, 'd')));
}

TEST(Names, LibrariesLetThroughGroupNamesOfOneToThirtyOneBytes) {
    EXPECT_FALSE(is_portable_group_name(""));
    EXPECT_TRUE(is_portable_group_name(std::string(31, 'g')));
    EXPECT_FALSE(is_portable_group_name(std::string(32, 'g')));
    EXPECT_FALSE(is_portable_group_name("#alice#d1"));
}

TEST(PrivateGroup, IsMadeAndParsedBack) {
    const std::string name = make_private_group("alice", "d1");
    EXPECT_EQ(name, "#alice#d1");
    const auto group = parse_private_group(name);
    ASSERT_TRUE(group);
    EXPECT_EQ(group->user, "alice");
    EXPECT_EQ(group->daemon, "d1");
}

TEST(PrivateGroup, LongestOneFillsAFieldAndItsNul) {
    const std::string name = make_private_group(std::string(10, 'u'), std::string(19, 'd'));
    EXPECT_EQ(name.size(), kGroupNameMax);
    EXPECT_TRUE(parse_private_group(name));
    EXPECT_TRUE(NameField(name).is_terminated());
}

TEST(PrivateGroup, MalformedNamesAreNone) {
    for (const std::string_view name :
         {"", "#", "##", "###", "alice", "alice#d1", "#alice", "#alice#", "##d1", "#alice##d1",
          "#alice#d1#", "#alice#d#1", "# #d1", "#al ce#d1", "#alice#d 1", "#abcdefghijk#d1",
          "#alice#12345678901234567890", "#alice#\xc3\xa9", "room"}) {
        EXPECT_FALSE(parse_private_group(name)) << name;
    }
}

TEST(NameField, NameEndsAtTheFirstNul) {
    const NameField field = received("room\0garbage"s);
    EXPECT_EQ(field.view(), "room");
    EXPECT_TRUE(field.is_terminated());
    EXPECT_FALSE(field.empty());
}

TEST(NameField, KeepsTheBytesBehindTheNul) {
    const auto raw = raw_field("room\0garbage"s);
    const NameField field(raw);
    EXPECT_TRUE(std::equal(raw.begin(), raw.end(), field.bytes().begin()));
}

TEST(NameField, WithoutNulTakesAll32Bytes) {
    const NameField field = received(std::string(32, 'x'));
    EXPECT_EQ(field.view().size(), 32U);
    EXPECT_FALSE(field.is_terminated());
    EXPECT_TRUE(received(std::string(31, 'x')).is_terminated());
}

TEST(NameField, ComparesUpToTheNulOnly) {
    EXPECT_EQ(received("room\0a"s), received("room\0b"s));
    EXPECT_EQ(received("room\0a"s), NameField("room"));
    EXPECT_NE(received("room"), received("rooms"));
    EXPECT_EQ(std::hash<NameField>{}(received("room\0a"s)),
              std::hash<NameField>{}(received("room")));
    EXPECT_EQ(received(""), NameField());
    EXPECT_TRUE(NameField().empty());
}

TEST(NameField, OrdersBytesAsUnsignedAndShorterNamesFirst) {
    EXPECT_LT(received("#Zoe#d1"), received("#adam#d1"));
    EXPECT_LT(received("#ab#d1"), received("#abc#d1"));
    EXPECT_LT(received("room"), received("roon"));
    EXPECT_LT(received("room~"), received("room\xc3"));
}

TEST(Escaped, ShowsUnprintableBytesInHexadecimal) {
    EXPECT_EQ(escaped("plain text"), "plain text");
    EXPECT_EQ(escaped("a\nb\x1b[31m\xc3\xa9\0"s), "a\\x0ab\\x1b[31m\\xc3\\xa9\\x00");
    EXPECT_EQ(escaped("back\\slash, \"quotes\""), "back\\x5cslash, \\x22quotes\\x22");
}

TEST(NameFieldDeathTest, OwnNamesThatDoNotFitAreABug) {
    EXPECT_DEATH(NameField(std::string_view("12345678901234567890123456789012")), "invariant");
}

}  // namespace
}  // namespace spread::protocol
