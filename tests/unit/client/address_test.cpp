#include "client/address.hpp"

#include <string>

#include <gmock/gmock.h>

namespace spread::client {
namespace {

using ::testing::HasSubstr;

TEST(Address, APortAloneIsTheUnixSocketOfThatPort) {
    const auto address = parse_address("4805");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->unix_path, "/tmp/4805");
    EXPECT_TRUE(address->is_unix());
}

TEST(Address, EmptyIsTheUnixSocketOfTheDefaultPort) {
    EXPECT_EQ(parse_address("")->unix_path, "/tmp/4803");
}

TEST(Address, PortAtHostIsTcp) {
    const auto address = parse_address("65535@example.org");
    ASSERT_TRUE(address);
    EXPECT_FALSE(address->is_unix());
    EXPECT_EQ(address->host, "example.org");
    EXPECT_EQ(address->port, 65535);
}

TEST(Address, TakesIpv6WithAndWithoutBrackets) {
    EXPECT_EQ(parse_address("4803@::1")->host, "::1");
    EXPECT_EQ(parse_address("4803@[fe80::1%eth0]")->host, "fe80::1%eth0");
}

TEST(Address, ALeadingSlashIsAPath) {
    EXPECT_EQ(parse_address("/run/spread.sock")->unix_path, "/run/spread.sock");
}

TEST(Address, ANetworkNamespaceGoesInFront) {
    const auto address = parse_address("ns:node1:4803@10.0.0.1");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->network_namespace, "node1");
    EXPECT_EQ(address->host, "10.0.0.1");
    EXPECT_EQ(address->text, "ns:node1:4803@10.0.0.1");
    EXPECT_EQ(parse_address("ns:node1:4803")->unix_path, "/tmp/4803");
}

TEST(Address, AHostAloneIsRefusedWithTheLikelyCorrection) {
    const auto address = parse_address("localhost");
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error().code, ErrorCode::kIllegalAddress);
    EXPECT_THAT(address.error().text, HasSubstr("did you mean 4803@localhost?"));
}

TEST(Address, RefusesWhatIsNoAddress) {
    for (const char* text : {"0", "65536", "4803@", "4803x", "4803:localhost", "-1", "@host",
                             "host@4803", "127.0.0.1", "4803@a b", "4803@a@b", "ns:", "ns::4803",
                             "ns:x", "ns:../x:4803", "99999999999@h", " 4803"}) {
        const auto address = parse_address(text);
        ASSERT_FALSE(address) << text;
        EXPECT_EQ(address.error().code, ErrorCode::kIllegalAddress) << text;
        EXPECT_THAT(address.error().text, HasSubstr(text)) << text;
    }
    EXPECT_FALSE(parse_address("/" + std::string(200, 'x')));
    EXPECT_FALSE(parse_address("4803@" + std::string(300, 'x')));
    EXPECT_FALSE(parse_address(std::string("4803@a\0b", 8)));
}

}  // namespace
}  // namespace spread::client
