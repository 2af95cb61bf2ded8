#include "config/ip_address.hpp"

#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

namespace spread::config {
namespace {

TEST(IpAddress, ReadsWhatItWrites) {
    for (const std::string text :
         {"0.0.0.0", "127.0.0.1", "255.255.255.255", "10.96.0.1", "::", "::1", "1::", "ff02::96",
          "fd00:96::1", "1:2:3:4:5:6:7:8", "1:0:0:2::3", "2001:db8::1:0:0:1", "fe80::1%eth0",
          "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::", "::ffff:a60:1"}) {
        const auto address = parse_ip(text);
        ASSERT_TRUE(address) << text;
        const auto again = parse_ip(address->to_string());
        ASSERT_TRUE(again) << text << " written as " << address->to_string();
        EXPECT_EQ(*again, *address) << text;
        EXPECT_EQ(again->scope, address->scope) << text;
    }
}

TEST(IpAddress, WritesTheShortestForm) {
    const std::vector<std::pair<std::string, std::string>> table = {
        {"10.96.0.1", "10.96.0.1"},
        {"0:0:0:0:0:0:0:0", "::"},
        {"0:0:0:0:0:0:0:1", "::1"},
        {"FD00:0096:0:0:0:0:0:1", "fd00:96::1"},
        {"1:0:0:2:0:0:0:3", "1:0:0:2::3"},
        {"1:0:0:2:0:0:3:4", "1::2:0:0:3:4"},
        {"1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"},
        {"1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"},
        {"fe80::1%eth0", "fe80::1%eth0"},
    };
    for (const auto& [text, expected] : table) {
        const auto address = parse_ip(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->to_string(), expected);
    }
}

TEST(IpAddress, RefusesWhatIsNoLiteral) {
    for (const std::string text : {"",
                                   "1",
                                   "10.96.1",
                                   "10.96.0.1.2",
                                   "10.96.0.256",
                                   "10.96.0.",
                                   ".10.96.0",
                                   "010.96.0.1",
                                   "10.96.0.0001",
                                   "10.96.0.1 ",
                                   "10.96..1",
                                   "10.96.0.1/8",
                                   "10.96.0.1%eth0",
                                   "a.b.c.d",
                                   "10.96.0.-1",
                                   ":",
                                   ":::",
                                   "ff02:::96",
                                   "1:2:3:4:5:6:7",
                                   "1:2:3:4:5:6:7:8:9",
                                   "1:2:3:4::5:6:7:8",
                                   "12345::",
                                   "::1::",
                                   ":1",
                                   "1:",
                                   "::g",
                                   "::ffff:10.96.0.1",
                                   "fe80::1%",
                                   "1:2:3:4:5:6:7:",
                                   "[::1]",
                                   "::1 ",
                                   "10.96.0.1:4803",
                                   "1:2:3:4:5:6:7:8::",
                                   "99999999999.1.1.1"}) {
        EXPECT_FALSE(parse_ip(text)) << text;
    }
}

TEST(IpAddress, NoPrefixOfAnAddressReadsOutOfBounds) {
    for (const std::string text : {"255.255.255.255", "1:2:3:4:5:6:7:8", "fe80::1%eth0"}) {
        for (std::size_t length = 0; length <= text.size(); ++length) {
            // A heap copy of exactly this size lets the sanitizer see one byte too many.
            const std::vector<char> exact(text.begin(),
                                          text.begin() + static_cast<std::ptrdiff_t>(length));
            const auto address = parse_ip(std::string_view(exact.data(), exact.size()));
            if (address) {
                EXPECT_EQ(parse_ip(address->to_string()), address);
            }
        }
    }
}

TEST(IpAddress, KnowsItsKind) {
    EXPECT_TRUE(parse_ip("224.0.0.1")->is_multicast());
    EXPECT_TRUE(parse_ip("239.255.255.255")->is_multicast());
    EXPECT_FALSE(parse_ip("223.255.255.255")->is_multicast());
    EXPECT_FALSE(parse_ip("240.0.0.1")->is_multicast());
    EXPECT_TRUE(parse_ip("ff02::96")->is_multicast());
    EXPECT_FALSE(parse_ip("fd00::96")->is_multicast());
    EXPECT_TRUE(parse_ip("127.255.0.1")->is_loopback());
    EXPECT_FALSE(parse_ip("128.0.0.1")->is_loopback());
    EXPECT_TRUE(parse_ip("::1")->is_loopback());
    EXPECT_FALSE(parse_ip("1::1")->is_loopback());
    EXPECT_TRUE(parse_ip("0.0.0.0")->is_unspecified());
    EXPECT_TRUE(parse_ip("::")->is_unspecified());
    EXPECT_FALSE(parse_ip("0.0.0.1")->is_unspecified());
    EXPECT_FALSE(parse_ip("::1")->is_unspecified());
}

TEST(IpAddress, TheScopeIsNoPartOfTheIdentity) {
    EXPECT_EQ(*parse_ip("fe80::1%eth0"), *parse_ip("fe80::1%eth1"));
    EXPECT_NE(*parse_ip("fe80::1"), *parse_ip("fe80::2"));
}

}  // namespace
}  // namespace spread::config
