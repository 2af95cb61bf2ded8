#include "daemon/access/peer_address.hpp"

#include <gtest/gtest.h>

#include "access_test_support.hpp"

namespace spread::access {
namespace {

TEST(PeerAddress, HasTheKindOfItsAddress) {
    EXPECT_EQ(peer("").kind, PeerAddress::Kind::kUnix);
    EXPECT_EQ(peer("10.0.0.1").kind, PeerAddress::Kind::kV4);
    EXPECT_EQ(peer("fd00::1").kind, PeerAddress::Kind::kV6);
    EXPECT_NE(peer("10.0.0.1"), peer("10.0.0.2"));
}

TEST(PeerAddress, AnIPv4AddressMappedIntoIPv6IsTheIPv4Address) {
    EXPECT_EQ(peer("::ffff:a00:1"), peer("10.0.0.1"));
    EXPECT_NE(peer("::fffe:a00:1"), peer("10.0.0.1"));
    EXPECT_NE(peer("::a00:1"), peer("10.0.0.1"));
}

TEST(PeerAddress, TheInterfaceOfALinkLocalAddressPlaysNoPart) {
    EXPECT_EQ(peer("fe80::1%eth0"), peer("fe80::1%eth1"));
}

}  // namespace
}  // namespace spread::access
