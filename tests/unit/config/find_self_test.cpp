#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/host.hpp"
#include "config_test_support.hpp"

namespace spread::config {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Configuration three() {
    return *parse_text(
                "Spread_Segment 239.0.0.96:4803 { d1 10.96.0.1 d2 10.96.0.2 node3 10.96.0.3 }")
                .configuration;
}

std::vector<IpAddress> addresses(const std::vector<std::string>& texts) {
    std::vector<IpAddress> result;
    for (const std::string& text : texts) {
        result.push_back(*parse_ip(text));
    }
    return result;
}

TEST(FindSelf, ByNameWhenTheAddressIsLocal) {
    const auto self = find_self(three(), "d2", "host", addresses({"127.0.0.1", "10.96.0.2"}));
    EXPECT_EQ(self.daemon, 1U);
    EXPECT_THAT(self.error, IsEmpty());
}

TEST(FindSelf, ByNameAmongDaemonsOfOneAddress) {
    const auto configuration = *parse_text(
                                    "Spread_Segment 239.0.0.96:4803 { d1 10.96.0.1 }\n"
                                    "Spread_Segment 239.0.0.96:4813 { d2 10.96.0.1 }")
                                    .configuration;
    EXPECT_EQ(find_self(configuration, "d2", "", addresses({"10.96.0.1"})).daemon, 1U);
    EXPECT_EQ(find_self(configuration, "", "", addresses({"10.96.0.1"})).daemon, 0U);
}

TEST(FindSelf, AnUnknownNameListsTheConfiguredDaemons) {
    const auto self = find_self(three(), "d9", "host", addresses({"10.96.0.2"}));
    EXPECT_FALSE(self.daemon);
    EXPECT_EQ(self.error,
              "no daemon is called 'd9' in 'test.conf'; it has 'd1' (10.96.0.1), 'd2' (10.96.0.2), "
              "'node3' (10.96.0.3)");
}

TEST(FindSelf, NamesAreComparedExactly) {
    EXPECT_FALSE(find_self(three(), "D2", "host", addresses({"10.96.0.2"})).daemon);
    EXPECT_FALSE(find_self(three(), "d", "host", addresses({"10.96.0.2"})).daemon);
}

TEST(FindSelf, ANameWithAForeignAddressIsRefused) {
    const auto self = find_self(three(), "d1", "host", addresses({"127.0.0.1", "10.96.0.2"}));
    EXPECT_FALSE(self.daemon);
    EXPECT_EQ(self.error,
              "this host cannot be daemon 'd1': its address 10.96.0.1 is not an address of this "
              "host, which has 127.0.0.1, 10.96.0.2");
}

TEST(FindSelf, WithoutNameTheFirstLocalDaemonOfTheFile) {
    EXPECT_EQ(find_self(three(), "", "node3", addresses({"10.96.0.3", "10.96.0.2"})).daemon, 1U);
}

TEST(FindSelf, TheHostNameExplainsAForeignAddress) {
    for (const std::string host : {"node3", "NODE3", "node3.example.org"}) {
        const auto self = find_self(three(), "", host, addresses({"10.0.2.15"}));
        EXPECT_FALSE(self.daemon);
        EXPECT_EQ(self.error,
                  "daemon 'node3' has the name of this host, but its address 10.96.0.3 is not an "
                  "address of this host, which has 10.0.2.15");
    }
}

TEST(FindSelf, NoDaemonOfThisHostListsBothSides) {
    const auto self = find_self(three(), "", "host", addresses({"10.0.2.15"}));
    EXPECT_FALSE(self.daemon);
    EXPECT_THAT(self.error, AllOf(HasSubstr("'d1' (10.96.0.1)"), HasSubstr("10.0.2.15")));
}

TEST(FindSelf, AHostWithoutAddressesIsNobody) {
    EXPECT_THAT(find_self(three(), "", "host", {}).error, HasSubstr("no network address"));
    EXPECT_THAT(find_self(three(), "d1", "host", {}).error, HasSubstr("no network address"));
}

TEST(FindSelf, AllOfTheLoopbackNetworkIsLocal) {
    const auto configuration =
        *parse_text("Spread_Segment 127.0.0.255:4803 { a 127.0.0.1 b 127.0.0.2 }").configuration;
    EXPECT_EQ(find_self(configuration, "b", "", addresses({"127.0.0.1"})).daemon, 1U);
    EXPECT_FALSE(find_self(configuration, "b", "", addresses({"10.0.0.1"})).daemon);
    EXPECT_EQ(find_self(default_configuration(), "", "", addresses({"127.0.0.1"})).daemon, 0U);
    EXPECT_THAT(find_self(default_configuration(), "", "", addresses({"10.0.0.1"})).error,
                HasSubstr("the built-in configuration"));
}

TEST(FindSelf, LongListsAreCut) {
    std::string daemons;
    for (int i = 1; i <= 100; ++i) {
        daemons += "d" + std::to_string(i) + " 10.0.0." + std::to_string(i) + "\n";
    }
    const auto error =
        find_self(*with_daemons(daemons).configuration, "x", "", addresses({"10.1.1.1"})).error;
    EXPECT_THAT(error, HasSubstr("'d8' (10.0.0.8) and 92 more"));
    EXPECT_LT(error.size(), 400U);
}

std::vector<std::string> host_problems(const std::string& text, const HostFacts& host) {
    const auto result = parse_text(text);
    std::vector<std::string> lines;
    for (const Diagnostic& problem : check_host(*result.configuration, 0, host)) {
        lines.push_back(format(problem, "f"));
    }
    return lines;
}

TEST(CheckHost, OwnInterfacesMustBeLocal) {
    const std::string text =
        "Spread_Segment 239.0.0.96:4803 {\n"
        "  d1 10.96.0.1 { D 10.96.0.1 C 192.0.2.9 C 0.0.0.0 M 127.0.0.2 }\n"
        "  d2 10.96.0.2 { 10.96.0.2 C 192.0.2.8 }\n}\n";
    EXPECT_THAT(host_problems(text, {addresses({"10.96.0.1", "127.0.0.1"}), {"eth0"}}),
                ElementsAre("f:2:32: error: interface address 192.0.2.9 of daemon 'd1' is not an "
                            "address of this host"));
    EXPECT_THAT(host_problems(text, {addresses({"10.96.0.1", "192.0.2.9", "127.0.0.1"}), {}}),
                IsEmpty());
}

TEST(CheckHost, OwnScopesMustNameAnInterface) {
    const std::string text =
        "Spread_Segment [ff02::96%nosuch0]:4803 {\n"
        "  d1 fe80::1%eth0 { fe80::1%eth7 }\n  d2 fe80::2%other }\n"
        "Spread_Segment ff02::97%other { d3 fe80::3%other }";
    EXPECT_THAT(host_problems(text, {addresses({"fe80::1"}), {"lo", "eth0"}}),
                ElementsAre(HasSubstr("f:1:16: error: this host has no interface 'nosuch0'"),
                            HasSubstr("f:2:21: error: this host has no interface 'eth7'")));
}

Configuration hosts() {
    return *parse_text(
                "Spread_Segment unicast:4803 { lit 10.0.0.1 s-* Count = 3 Host = s-*.ring\n"
                " nat 192.0.2.1 { D 0.0.0.0 } }")
                .configuration;
}

std::vector<HostAddresses> known(const std::vector<std::vector<std::string>>& texts) {
    std::vector<HostAddresses> result;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        result.push_back({i + 1, addresses(texts[i])});
    }
    return result;
}

TEST(FindSelf, WithANameADaemonWithAHostIsWhereItIsStarted) {
    EXPECT_EQ(find_self(hosts(), "s-1", "x", addresses({"10.9.9.9"})).daemon, 2U);
    EXPECT_EQ(find_self(hosts(), "s-1", "x", {}).daemon, 2U);
}

TEST(FindSelf, BehindANatWithANameAndEveryAddress) {
    EXPECT_EQ(find_self(hosts(), "nat", "x", addresses({"10.9.9.9"})).daemon, 4U);
    EXPECT_FALSE(find_self(hosts(), "", "nat", addresses({"10.9.9.9"})).daemon);
    EXPECT_FALSE(find_self(hosts(), "lit", "x", addresses({"10.9.9.9"})).daemon);
}

TEST(FindSelf, ALocalAddressThenTheNameOfTheHostThenWhatHostsStandFor) {
    const auto at_ring = known({{"10.0.0.5"}, {"10.0.0.6", "10.0.0.7"}, {}});
    EXPECT_EQ(find_self(hosts(), "", "s-0", addresses({"10.0.0.1", "10.0.0.7"}), at_ring).daemon,
              0U);
    EXPECT_EQ(find_self(hosts(), "", "s-0.ring", addresses({"10.0.0.7"}), at_ring).daemon, 1U);
    EXPECT_EQ(find_self(hosts(), "", "x", addresses({"10.0.0.7"}), at_ring).daemon, 2U);
    const auto not_asked = find_self(hosts(), "", "x", addresses({"10.0.0.7"}));
    EXPECT_FALSE(not_asked.daemon);
    EXPECT_TRUE(not_asked.wants_look_up);
    EXPECT_FALSE(not_asked.is_final);
}

TEST(FindSelf, SaysWhatWasTriedAndWhatHostsStandFor) {
    const auto self = find_self(hosts(), "", "x.example", addresses({"10.0.0.7"}),
                                known({{"10.0.0.5"}, {"10.0.0.6"}, {}}));
    EXPECT_FALSE(self.daemon);
    EXPECT_EQ(
        self.error,
        "none of the daemons of 'test.conf' is this host: none has an address of it or a Host "
        "that stands for one, or has a Host and is called 'x.example' like it; they are 'lit' "
        "(10.0.0.1), 's-0' (s-0.ring is 10.0.0.5), 's-1' (s-1.ring is 10.0.0.6), 's-2' "
        "(s-2.ring is not known), 'nat' (192.0.2.1), this host has 10.0.0.7; say which one "
        "this is with -n");
}

TEST(FindSelf, SeveralHostsOfThisAddressNeedAName) {
    const auto self = find_self(hosts(), "", "x", addresses({"10.0.0.5"}),
                                known({{"10.0.0.5"}, {"10.0.0.5"}, {}}));
    EXPECT_FALSE(self.daemon);
    EXPECT_TRUE(self.is_final);
    EXPECT_THAT(self.error, HasSubstr("such as 's-0' and 's-1'; say which one this is with -n"));
}

}  // namespace
}  // namespace spread::config
