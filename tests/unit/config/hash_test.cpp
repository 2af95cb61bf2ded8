#include <string>

#include <gtest/gtest.h>

#include "config/identity.hpp"
#include "config_test_support.hpp"

namespace spread::config {
namespace {

std::uint32_t hash_of(const std::string& text) {
    const auto result = parse_text(text);
    EXPECT_TRUE(result.configuration) << text;
    return result.configuration ? configuration_hash(*result.configuration) : 0;
}

const std::string kThree =
    "Spread_Segment 239.0.0.96:4803 { d1 10.96.0.1 d2 10.96.0.2 d3 10.96.0.3 }\n";

// The numbers are those stock daemons print for these files.
TEST(ConfigurationHash, EqualsWhatStockComputes) {
    EXPECT_EQ(hash_of(kThree), 949479469U);
    EXPECT_EQ(hash_of(kThree + "AcceleratedRing = no"), 949479469U);
    EXPECT_EQ(hash_of(kThree + "AcceleratedRing = yes"), 2429734242U);
    EXPECT_EQ(hash_of("Spread_Segment 10.96.0.255:4803 { d1 10.96.0.1 d2 10.96.0.2 }"),
              3434250190U);
    EXPECT_EQ(hash_of("Spread_Segment [ff02::96]:4803 { d1 fd00:96::1 }"), 781973115U);
    EXPECT_EQ(hash_of("Spread_Segment 239.0.0.96:4803 { d1 10.96.0.1 VirtualID = 1\n"
                      "d2 10.96.0.2 VirtualID = 2 d3 10.96.0.3 VirtualID = 3 }"),
              4265565319U);
    EXPECT_EQ(hash_of("Spread_Segment 239.0.0.96:4803 { d1 10.96.0.1 VirtualID = 1\n"
                      "d3 10.96.0.3 VirtualID = 3 }"),
              2106126670U);
}

TEST(ConfigurationHash, DaemonIdentifiersEqualThoseOfStock) {
    EXPECT_EQ(daemon_id_of_name("d1"), 1552775919U);
    EXPECT_EQ(daemon_id_of_name("d2"), 348480928U);
    EXPECT_EQ(daemon_id_of_name("d3"), 4014350958U);
    EXPECT_EQ(daemon_id_of_name("10.96.0.1"), 3202772679U);
}

TEST(ConfigurationHash, TextListsSegmentsDaemonsVersionAndRing) {
    const auto configuration =
        parse_text(
            "Spread_Segment 239.0.0.96:5000 239.0.0.97 { d1 10.96.0.1 VirtualID = 7 }\n"
            "Spread_Segment 239.0.0.98 { d2 10.96.0.2 VirtualID = 8 { 10.96.0.2 } }\n")
            .configuration;
    ASSERT_TRUE(configuration);
    EXPECT_EQ(hash_text(*configuration),
              "Segment: port = 5000; [239.0.0.96] [239.0.0.97]\n\t'd1' [10.96.0.1] [7]\n\n"
              "Segment: port = 4803; [239.0.0.98]\n\t'd2' [10.96.0.2] [8]\n\n"
              "Version: 5\nProtocol: Original Ring\n");
}

TEST(ConfigurationHash, Ipv6AddressesAreWrittenInFullAndWithoutScope) {
    const auto configuration =
        parse_text(
            "AcceleratedRing = yes\n"
            "Spread_Segment [ff02::96%eth0]:4803 { d1 fe80::A1%eth1 VirtualID = 1 }")
            .configuration;
    ASSERT_TRUE(configuration);
    EXPECT_EQ(hash_text(*configuration),
              "Segment: port = 4803; [ff02:0000:0000:0000:0000:0000:0000:0096]\n"
              "\t'd1' [fe80:0000:0000:0000:0000:0000:0000:00a1] [1]\n\n"
              "Version: 5\nProtocol: Accelerated Ring\n");
}

TEST(ConfigurationHash, SegmentAddressesCanBeLeftOut) {
    const std::string exclude = "ExcludeSegAddrsFromHash = yes\n";
    const auto configuration = parse_text(exclude + kThree).configuration;
    ASSERT_TRUE(configuration);
    EXPECT_EQ(hash_text(*configuration).substr(0, 22), "Segment: port = 4803;\n");
    EXPECT_EQ(hash_of(exclude + kThree),
              hash_of(exclude + "Spread_Segment 239.7.7.7:4803 { d1 10.96.0.1 d2 10.96.0.2 d3 "
                                "10.96.0.3 }"));
}

TEST(ConfigurationHash, IsNotChangedByWhatDaemonsNeedNotAgreeOn) {
    EXPECT_EQ(hash_of(kThree), hash_of("Window = 100 MaxSessionMessages = 5 DangerousMonitor = yes "
                                       "WideAreaNetwork = yes AcceleratedWindow = 3\n" +
                                       kThree));
}

TEST(ConfigurationHash, BytesOfANameCountAsSigned) {
    EXPECT_EQ(daemon_id_of_name("m\xC3\xB6nch"), 2154535087U);  // unsigned: 2914313490
}

}  // namespace
}  // namespace spread::config
