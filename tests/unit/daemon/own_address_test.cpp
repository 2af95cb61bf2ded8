#include "daemon/ring/own_address.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::daemon {
namespace {

using ::testing::HasSubstr;

LocalAddress at(const char* address, const char* interface, unsigned index) {
    LocalAddress local;
    local.address = *config::parse_ip(address);
    local.interface = interface;
    local.interface_index = index;
    return local;
}

TEST(OwnAddress, NothingIsSaidWhileItStays) {
    OwnAddress own(at("10.0.0.3", "eth0", 2));
    EXPECT_EQ(own.look({at("10.0.0.3", "eth0", 2), at("10.0.0.9", "eth1", 3)}), std::nullopt);
    EXPECT_TRUE(own.is_present());
}

TEST(OwnAddress, AnotherAddressInItsPlaceIsNamed) {
    OwnAddress own(at("10.0.0.3", "eth0", 2));
    const auto change = own.look({at("10.0.0.33", "eth0", 2)});
    ASSERT_TRUE(change);
    EXPECT_EQ(change->event, OwnAddress::Event::kLost);
    EXPECT_THAT(change->text, HasSubstr("own address 10.0.0.3 is gone from this host (it has "
                                        "10.0.0.33 on eth0)"));
    EXPECT_FALSE(own.is_present());
}

TEST(OwnAddress, ALossIsToldOnceAndSoIsItsReturn) {
    OwnAddress own(at("10.0.0.3", "eth0", 2));
    const auto lost = own.look({});
    ASSERT_TRUE(lost);
    EXPECT_THAT(lost->text, HasSubstr("eth0 is gone or down"));
    EXPECT_EQ(own.look({}), std::nullopt);
    const auto back = own.look({at("10.0.0.3", "eth0", 5)});
    ASSERT_TRUE(back);
    EXPECT_EQ(back->event, OwnAddress::Event::kReturned);
    EXPECT_EQ(back->text, "own address 10.0.0.3 is back on eth0");
    EXPECT_EQ(own.at().interface_index, 5U);
    EXPECT_EQ(own.look({at("10.0.0.3", "eth0", 5)}), std::nullopt);
}

TEST(OwnAddress, ALostLinkIsToldOnceAndSoIsItsReturn) {
    OwnAddress own(at("10.0.0.3", "eth0", 2));
    LocalAddress unplugged = at("10.0.0.3", "eth0", 2);
    unplugged.link = false;
    const auto lost = own.look({unplugged});
    ASSERT_TRUE(lost);
    EXPECT_EQ(lost->event, OwnAddress::Event::kLinkLost);
    EXPECT_THAT(lost->text, HasSubstr("interface eth0 of own address 10.0.0.3 has no link"));
    EXPECT_TRUE(own.is_present());
    EXPECT_FALSE(own.is_linked());
    EXPECT_EQ(own.look({unplugged}), std::nullopt);
    const auto back = own.look({at("10.0.0.3", "eth0", 2)});
    ASSERT_TRUE(back);
    EXPECT_EQ(back->event, OwnAddress::Event::kLinkBack);
    EXPECT_TRUE(own.is_linked());
}

TEST(OwnAddress, AnInterfaceMadeAnewInOneStepIsAMove) {
    OwnAddress own(at("10.0.0.3", "eth0", 2));
    const auto change = own.look({at("10.0.0.3", "eth0", 7)});
    ASSERT_TRUE(change);
    EXPECT_EQ(change->event, OwnAddress::Event::kMoved);
    EXPECT_EQ(own.at().interface_index, 7U);
}

}  // namespace
}  // namespace spread::daemon
