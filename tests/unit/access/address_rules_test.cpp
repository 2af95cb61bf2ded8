#include "daemon/access/address_rules.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "access_test_support.hpp"
#include "daemon/access/address_pattern.hpp"

namespace spread::access {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Le;
using testing::SizeIs;

AddressRules address_rules_of(std::string_view text) {
    auto result = AddressRules::parse(text);
    if (!result.rules) {
        throw std::runtime_error(lines_of(result.diagnostics).front());
    }
    return *std::move(result.rules);
}

std::vector<std::string> address_problems_of(std::string_view text) {
    auto result = AddressRules::parse(text);
    bool has_error = false;
    for (const auto& diagnostic : result.diagnostics) {
        has_error = has_error || diagnostic.severity == config::Severity::kError;
    }
    EXPECT_EQ(result.rules.has_value(), !has_error);
    return lines_of(result.diagnostics);
}

TEST(AddressRules, WithoutRulesAdmitNobody) {
    for (const auto& rules :
         {AddressRules(), address_rules_of(""), address_rules_of("# nobody\n\n \t\r\n")}) {
        EXPECT_TRUE(rules.is_empty());
        EXPECT_FALSE(rules.admits(peer("")));
        EXPECT_FALSE(rules.admits(peer("127.0.0.1")));
        EXPECT_FALSE(rules.admits(peer("::1")));
    }
}

TEST(AddressRules, UnixAdmitsClientsOfTheUnixSocketOnly) {
    const auto rules = address_rules_of("unix");
    EXPECT_FALSE(rules.is_empty());
    EXPECT_TRUE(rules.admits(peer("")));
    EXPECT_FALSE(rules.admits(peer("127.0.0.1")));
    EXPECT_FALSE(rules.admits(peer("0.0.0.0")));
    EXPECT_FALSE(rules.admits(peer("::")));
}

TEST(AddressRules, LocalIsTheLoopbackOfBothFamilies) {
    const auto rules = address_rules_of("local");
    EXPECT_TRUE(rules.admits(peer("127.0.0.1")));
    EXPECT_TRUE(rules.admits(peer("127.255.255.255")));
    EXPECT_TRUE(rules.admits(peer("::ffff:7f00:1")));
    EXPECT_TRUE(rules.admits(peer("::1")));
    EXPECT_FALSE(rules.admits(peer("126.255.255.255")));
    EXPECT_FALSE(rules.admits(peer("128.0.0.0")));
    EXPECT_FALSE(rules.admits(peer("::")));
    EXPECT_FALSE(rules.admits(peer("::2")));
    EXPECT_FALSE(rules.admits(peer("")));
}

TEST(AddressRules, AnAddressAdmitsItself) {
    const auto rules = address_rules_of("10.96.0.7\nfd00::7\n");
    EXPECT_TRUE(rules.admits(peer("10.96.0.7")));
    EXPECT_TRUE(rules.admits(peer("::ffff:a60:7")));
    EXPECT_TRUE(rules.admits(peer("fd00::7")));
    EXPECT_FALSE(rules.admits(peer("10.96.0.6")));
    EXPECT_FALSE(rules.admits(peer("10.96.0.8")));
    EXPECT_FALSE(rules.admits(peer("fd00::8")));
}

TEST(AddressRules, EveryPrefixLengthEndsWhereItShould) {
    // The address with all bits set, and the one that differs from it in bit `prefix` - 1.
    for (std::uint32_t prefix = 1; prefix <= 32; ++prefix) {
        const auto rules = address_rules_of("255.255.255.255/" + std::to_string(prefix));
        config::IpAddress address;
        address.bytes = {0xFF, 0xFF, 0xFF, 0xFF};
        EXPECT_TRUE(rules.admits(PeerAddress::of(address))) << prefix;
        address.bytes[(prefix - 1) / 8] ^= static_cast<std::uint8_t>(0x80U >> ((prefix - 1) % 8));
        EXPECT_FALSE(rules.admits(PeerAddress::of(address))) << prefix;
    }
    for (std::uint32_t prefix = 1; prefix <= 128; ++prefix) {
        const auto rules =
            address_rules_of("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/" + std::to_string(prefix));
        config::IpAddress address;
        address.family = config::IpAddress::Family::kV6;
        address.bytes.fill(0xFF);
        EXPECT_TRUE(rules.admits(PeerAddress::of(address))) << prefix;
        address.bytes[(prefix - 1) / 8] ^= static_cast<std::uint8_t>(0x80U >> ((prefix - 1) % 8));
        EXPECT_FALSE(rules.admits(PeerAddress::of(address))) << prefix;
    }
}

TEST(AddressRules, APrefixOfZeroIsTheWholeFamily) {
    const auto v4 = address_rules_of("0.0.0.0/0");
    EXPECT_TRUE(v4.admits(peer("0.0.0.0")));
    EXPECT_TRUE(v4.admits(peer("255.255.255.255")));
    EXPECT_TRUE(v4.admits(peer("::ffff:102:304")));
    EXPECT_FALSE(v4.admits(peer("::1")));
    EXPECT_FALSE(v4.admits(peer("")));
    const auto v6 = address_rules_of("::/0");
    EXPECT_TRUE(v6.admits(peer("::")));
    EXPECT_TRUE(v6.admits(peer("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
    EXPECT_FALSE(v6.admits(peer("10.0.0.1")));
    EXPECT_FALSE(v6.admits(peer("")));
}

TEST(AddressRules, BitsBehindThePrefixDoNotCountAndAreWarnedOf) {
    EXPECT_TRUE(address_rules_of("10.96.0.7/24").admits(peer("10.96.0.200")));
    EXPECT_TRUE(address_rules_of("fd00::7/16").admits(peer("fd00:1::")));
    EXPECT_THAT(address_problems_of("unix\n  10.96.0.7/24"),
                ElementsAre("2:3: warning: '10.96.0.7/24' has bits behind its prefix, which do not "
                            "count; write 10.96.0.0/24"));
    EXPECT_THAT(address_problems_of("10.96.0.0/24\n10.96.0.7\n10.96.0.7/32\nfd00::/8\n0.0.0.0/0"),
                IsEmpty());
}

TEST(AddressRules, AMappedNetworkIsTheIPv4Network) {
    const auto rules = address_rules_of("::ffff:a00:0/104");
    EXPECT_TRUE(rules.admits(peer("10.1.2.3")));
    EXPECT_FALSE(rules.admits(peer("11.0.0.0")));
    const auto wider = address_rules_of("::ffff:0:0/95");
    EXPECT_FALSE(wider.admits(peer("10.1.2.3")));
    EXPECT_TRUE(wider.admits(peer("::fffe:a00:1")));
}

TEST(AddressRules, BlankLinesAndCommentsEndNothing) {
    const auto rules = address_rules_of(
        "# who may connect\n"
        "\n"
        "10.1.0.0/16   # the office\n"
        "   \t \r\n"
        "\t#10.2.0.0/16\n"
        "10.3.0.0/16\t#lab\r\n"
        "\n"
        "10.4.0.0/16");
    EXPECT_TRUE(rules.admits(peer("10.1.0.1")));
    EXPECT_FALSE(rules.admits(peer("10.2.0.1")));
    EXPECT_TRUE(rules.admits(peer("10.3.0.1")));
    EXPECT_TRUE(rules.admits(peer("10.4.0.1")));
}

TEST(AddressRules, OverlappingNetworksAdmitTheirUnion) {
    const auto rules = address_rules_of(
        "10.0.0.0/8\n10.1.0.0/16\n10.255.255.255\n9.255.255.255\n11.0.0.0/31\n10.0.0.0/8\n"
        "fd00::/16\nfd00:1::/32\n");
    EXPECT_TRUE(rules.admits(peer("9.255.255.255")));
    EXPECT_TRUE(rules.admits(peer("10.0.0.0")));
    EXPECT_TRUE(rules.admits(peer("10.200.0.0")));
    EXPECT_TRUE(rules.admits(peer("11.0.0.1")));
    EXPECT_TRUE(rules.admits(peer("fd00:ffff::")));
    EXPECT_FALSE(rules.admits(peer("9.255.255.254")));
    EXPECT_FALSE(rules.admits(peer("11.0.0.2")));
    EXPECT_FALSE(rules.admits(peer("fd01::")));
    EXPECT_FALSE(rules.admits(peer("fcff::")));
}

TEST(AddressRules, ManyRulesAnswerAsEachOfThemDoes) {
    std::string text;
    std::vector<AddressPattern> patterns;
    std::uint32_t state = 1;
    const auto draw = [&state](std::uint32_t bound) {
        state = state * 1664525U + 1013904223U;
        return (state >> 8U) % bound;
    };
    // Few distinct bytes, so that networks overlap and addresses hit their ends.
    const auto address = [&] {
        std::string out;
        for (int i = 0; i < 4; ++i) {
            constexpr std::array<const char*, 4> kBytes = {"0", "127", "128", "255"};
            out += (i == 0 ? "" : ".") + std::string(kBytes[draw(4)]);
        }
        return out;
    };
    for (int i = 0; i < 40; ++i) {
        const std::string line = address() + "/" + std::to_string(6 + draw(27));
        text += line + "\n";
        patterns.push_back(*parse_address_pattern(line).pattern);
    }
    const auto rules = address_rules_of(text);
    std::size_t admitted = 0;
    for (int i = 0; i < 4000; ++i) {
        const PeerAddress who = peer(address());
        const bool expected = std::any_of(patterns.begin(), patterns.end(),
                                          [&](const auto& one) { return one.matches(who); });
        EXPECT_EQ(rules.admits(who), expected);
        admitted += expected ? 1 : 0;
    }
    EXPECT_GT(admitted, 100U);
    EXPECT_LT(admitted, 3900U);
}

TEST(AddressRules, OneBadLineRefusesTheFileWithItsPlace) {
    EXPECT_THAT(address_problems_of("local\n\n 10.0.0\n"),
                ElementsAre("3:2: error: '10.0.0' is no address; write unix, local, an address as "
                            "10.0.0.7 or fd00::7, or a network as 10.0.0.0/8 or fd00::/16"));
    EXPECT_THAT(address_problems_of("10.0.0.1 10.0.0.2"),
                ElementsAre("1:10: error: unexpected '10.0.0.2'; write one address per line"));
    EXPECT_THAT(address_problems_of("Unix\nlocl"),
                ElementsAre(HasSubstr("did you mean 'unix'?"), HasSubstr("did you mean 'local'?")));
    for (const char* const prefix : {"33", "-1", "+8", "", "8x", "0008", "4294967304", " 8"}) {
        EXPECT_THAT(address_problems_of("10.0.0.0/" + std::string(prefix)),
                    ElementsAre(HasSubstr(": error: ")))
            << prefix;
    }
    EXPECT_THAT(address_problems_of("fd00::/129"),
                ElementsAre(HasSubstr("a number from 0 to 128")));
    for (const char* const bad :
         {"unixx", "localhost", "10.0.0.256", "010.0.0.1", "10.0.0.*", "[::1]", "10.0.0.1:4803",
          "::ffff:10.0.0.1", "10.0.0.1#x", "/8", "*", "fd00::1::2", "host.example.org"}) {
        EXPECT_THAT(address_problems_of(bad), ElementsAre(HasSubstr("1:1: error: "))) << bad;
    }
    EXPECT_THAT(address_problems_of(std::string_view("local\0", 6)),
                ElementsAre(HasSubstr("'local\\x00'")));
    EXPECT_THAT(address_problems_of("fe80::1%eth0/64"), ElementsAre(HasSubstr(": error: ")));
    EXPECT_THAT(address_problems_of("fe80::1%eth0"),
                ElementsAre(HasSubstr("names an interface, and rules know none; write fe80::1")));
}

TEST(AddressRules, ComplaintsAreBounded) {
    std::string text;
    for (int i = 0; i < 10000; ++i) {
        text += "nonsense\n10.0.0.1/8\n";
    }
    EXPECT_THAT(address_problems_of(text),
                SizeIs(Le(config::kMaxErrors + config::kMaxWarnings + 2)));
}

}  // namespace
}  // namespace spread::access
