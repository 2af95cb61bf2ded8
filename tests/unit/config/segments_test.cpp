#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/configuration.hpp"
#include "config/identity.hpp"
#include "config_test_support.hpp"

namespace spread::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::string daemons(int count) {
    std::string text;
    for (int i = 1; i <= count; ++i) {
        text += "d" + std::to_string(i) + " 10.1." + std::to_string(i / 200) + "." +
                std::to_string(i % 200 + 1) + "\n";
    }
    return text;
}

TEST(Segments, KnowTheirPortAddressesAndDaemons) {
    const auto result = parse_text(
        "Spread_Segment 239.0.0.1:5000 239.0.0.2 { a 10.0.0.1 b 10.0.0.2 }\n"
        "Spread_Segment 239.0.0.3 { c 10.0.0.3 }\n");
    ASSERT_TRUE(result.configuration);
    const auto& segments = result.configuration->segments;
    ASSERT_EQ(segments.size(), 2U);
    EXPECT_EQ(segments[0].port, 5000);
    ASSERT_EQ(segments[0].addresses.size(), 2U);
    EXPECT_EQ(segments[0].addresses[1].to_string(), "239.0.0.2");
    EXPECT_THAT(segments[0].daemons, ElementsAre(0U, 1U));
    EXPECT_EQ(segments[1].port, 4803);
    EXPECT_THAT(segments[1].daemons, ElementsAre(2U));
    EXPECT_EQ(result.configuration->daemons[2].segment, 1U);
}

TEST(Segments, PortsLeaveRoomForTheTokenPort) {
    const auto with_port = [](const std::string& port) {
        return parse_text("Spread_Segment 239.0.0.1:" + port + " { a 10.0.0.1 }");
    };
    EXPECT_EQ(with_port("1").configuration->segments[0].port, 1);
    EXPECT_EQ(with_port("65534").configuration->segments[0].port, 65534);
    EXPECT_THAT(problems(with_port("65535")), ElementsAre(HasSubstr("token port")));
    EXPECT_THAT(problems(with_port("65536")), ElementsAre(HasSubstr("out of range")));
    EXPECT_EQ(with_port("0").configuration->segments[0].port, 4803);
    EXPECT_THAT(problems(with_port("0")), ElementsAre(HasSubstr("warning: port 0")));
}

TEST(Segments, HaveLimits) {
    EXPECT_TRUE(with_daemons(daemons(128)).configuration);
    EXPECT_THAT(problems(with_daemons(daemons(140))),
                ElementsAre("130:1: error: too many daemons: a configuration has at most 128"));

    std::string segments;
    for (int i = 1; i <= 25; ++i) {
        segments += "Spread_Segment 239.0.0.1 { d" + std::to_string(i) + " 10.0.0." +
                    std::to_string(i) + " }\n";
        const auto result = parse_text(segments);
        if (i <= 20) {
            EXPECT_TRUE(result.configuration) << i;
        } else {
            EXPECT_THAT(problems(result),
                        ElementsAre("21:1: error: too many segments: a configuration has at most "
                                    "20"));
        }
    }

    EXPECT_TRUE(parse_text("Spread_Segment 239.0.0.1 239.0.0.2 239.0.0.3 239.0.0.4 239.0.0.5 { a "
                           "10.0.0.1 }")
                    .configuration);
    EXPECT_THAT(problems_of("Spread_Segment 239.0.0.1 239.0.0.2 239.0.0.3 239.0.0.4 239.0.0.5 "
                            "239.0.0.6 239.0.0.7 { a 10.0.0.1 }"),
                ElementsAre("1:66: error: too many segment addresses: a segment has at most 5"));
}

TEST(Segments, WarnAboutAddressesThatCannotWork) {
    EXPECT_THAT(problems_of("Spread_Segment 239.0.0.1 239.0.0.1 { a 10.0.0.1 }"),
                ElementsAre(HasSubstr("warning: segment address '239.0.0.1' is listed twice")));
    EXPECT_THAT(problems_of("Spread_Segment 10.0.0.1 { a 10.0.0.1 }"), IsEmpty());
    EXPECT_THAT(problems_of("Spread_Segment 10.0.0.1 { a 10.0.0.1 b 10.0.0.2 }"),
                ElementsAre(HasSubstr("warning: the segment address is that of a single host")));
    EXPECT_THAT(problems_of("Spread_Segment 127.0.0.255 { a 127.0.0.1 b 127.0.0.2 }"), IsEmpty());
}

TEST(Segments, AreOfOneFamily) {
    EXPECT_THAT(problems_of("Spread_Segment 239.0.0.1 { a 10.0.0.1 { 10.0.0.1 ::1 } }\n"
                            "Spread_Segment ff02::1 { b fd00::1 }"),
                ElementsAre(StartsWith("1:50: error: interface '::1' is IPv6"),
                            StartsWith("2:16: error: segment address 'ff02::1' is IPv6"),
                            StartsWith("2:28: error: address 'fd00::1' of daemon 'b' is IPv6")));
}

TEST(DaemonNames, AreOneToNineteenBytes) {
    const std::string longest(19, 'n');
    EXPECT_EQ(with_daemons(longest + " 10.0.0.1").configuration->daemons[0].name, longest);
    EXPECT_THAT(problems(with_daemons(longest + "n 10.0.0.1")), ElementsAre(HasSubstr("20 bytes")));
    EXPECT_THAT(problems(with_daemons("'' 10.0.0.1")), ElementsAre(HasSubstr("must not be empty")));
}

TEST(DaemonNames, HoldPrintableBytesExceptBlanksAndHashSigns) {
    for (const std::string name : {"a b", "a#b", "a\tb", "a\nb", "a\x7f"}) {
        EXPECT_THAT(problems(with_daemons("'" + name + "' 10.0.0.1")),
                    ElementsAre(HasSubstr("not allowed in names")));
    }
    for (const std::string name : {"d[1]", "{}", "m\xC3\xB6nch", "\xFC", "it\"s", "a=b"}) {
        EXPECT_EQ(with_daemons("'" + name + "' 10.0.0.1").configuration->daemons[0].name, name);
    }
}

TEST(DaemonNames, AnAddressAloneIsTheNameWithoutItsScope) {
    const auto v6 = parse_text("Spread_Segment ff02::1 { fe80::1%eth0 }");
    ASSERT_TRUE(v6.configuration);
    EXPECT_EQ(v6.configuration->daemons[0].name, "fe80::1");
    EXPECT_EQ(v6.configuration->daemons[0].address.scope, "eth0");
    EXPECT_THAT(problems_of("Spread_Segment ff02::1 { fd00:1111:2222:3333::1 }"),
                ElementsAre(HasSubstr("put a shorter name before it")));
}

TEST(DaemonNames, LookLikeAddressesOnlyBeforeAnAddress) {
    EXPECT_EQ(with_daemons("4.4 10.0.0.1").configuration->daemons[0].name, "4.4");
    EXPECT_THAT(problems(with_daemons("10.0.0.256 10.0.0.1")),
                ElementsAre(HasSubstr("a name like this needs quotes")));
    EXPECT_TRUE(with_daemons("'10.0.0.256' 10.0.0.1").configuration);
    EXPECT_THAT(problems(with_daemons("10.0.1")), ElementsAre(HasSubstr("3 numbers")));
}

TEST(Daemons, AreUniqueByNameIdentifierAndEndpoint) {
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1\na 10.0.0.2")),
                ElementsAre("3:1: error: daemon name 'a' is already used at 2:1; names must be "
                            "unique"));
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1\nb 10.0.0.1")),
                ElementsAre("3:3: error: address '10.0.0.1' with port 4803 is already used by "
                            "daemon 'a' at 2:1"));
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1 VirtualID = 5\nb 10.0.0.2 VirtualID = 5")),
                ElementsAre(StartsWith("3:24: error: VirtualID 5 of daemon 'b' is already used by "
                                       "daemon 'a' at 2:1")));
    // 1552775919 is what "d1" generates.
    EXPECT_THAT(problems(with_daemons("x 10.0.0.1 VirtualID = 1552775919\nd1 10.0.0.2")),
                ElementsAre(StartsWith("3:1: error: the generated VirtualID 1552775919")));
    EXPECT_TRUE(parse_text("Spread_Segment 239.0.0.1:4803 { a 10.0.0.1 }\n"
                           "Spread_Segment 239.0.0.1:4813 { b 10.0.0.1 }")
                    .configuration);
    EXPECT_FALSE(
        parse_text("Spread_Segment ff02::1 { a fe80::1%eth0 b fe80::1%eth1 }").configuration);
}

TEST(Daemons, HaveAnAddressOfOneHost) {
    for (const std::string address : {"0.0.0.0", "239.0.0.1", "255.255.255.255"}) {
        EXPECT_THAT(problems(with_daemons("a " + address)),
                    ElementsAre(HasSubstr("2:3: error: the address of daemon 'a'")));
    }
}

TEST(Daemons, TolerateTheirSegmentsPortOnly) {
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1:4803")), ElementsAre(HasSubstr("warning")));
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1:4804")),
                ElementsAre(HasSubstr("error: a daemon has no port of its own and the segment at "
                                      "1:1 uses 4803")));
}

TEST(Daemons, WithoutAddressAreResolved) {
    TableResolver resolver({{"alfa", "10.0.0.1"}, {"six", "fd00::1"}});
    const auto good = parse("Spread_Segment 239.0.0.1 { alfa }", "", resolver);
    ASSERT_TRUE(good.configuration);
    EXPECT_EQ(good.configuration->daemons[0].address.to_string(), "10.0.0.1");
    EXPECT_EQ(resolver.asked_family, IpAddress::Family::kV4) << "the segment's address decides";

    EXPECT_THAT(problems(parse("Spread_Segment 239.0.0.1 {\n beta\n six }", "", resolver)),
                ElementsAre(HasSubstr("2:2: error: cannot find the address of host 'beta': no such "
                                      "host in the table"),
                            HasSubstr("3:2: error: host 'six' has the IPv6 address fd00::1")));
}

TEST(Daemons, AreNotLookedUpInABrokenFile) {
    TableResolver resolver;
    const auto result =
        parse("Bogus = 1 Spread_Segment 239.0.0.1 { // see wiki\n alfa }", "", resolver);
    EXPECT_FALSE(result.configuration);
    EXPECT_THAT(resolver.asked, IsEmpty());
}

TEST(Daemons, NamedByALoopbackAddressAreRefusedAmongOthers) {
    TableResolver resolver({{"alfa", "127.0.1.1"}, {"bravo", "10.77.0.2"}});
    EXPECT_THAT(
        problems(parse("Spread_Segment 239.0.0.1 {\n alfa\n bravo\n}", "", resolver)),
        ElementsAre("2:2: error: host 'alfa' stands for the loopback address 127.0.1.1, which the "
                    "other daemons, such as 'bravo' at 10.77.0.2, cannot reach; write its address "
                    "on their network after the name"));
    TableResolver all_local({{"alfa", "127.0.1.1"}, {"bravo", "127.0.0.2"}});
    EXPECT_THAT(problems(parse("Spread_Segment 127.0.0.255 {\n alfa\n bravo\n}", "", all_local)),
                IsEmpty());
}

TEST(Daemons, AtALoopbackAddressAmongOthersGetAWarning) {
    EXPECT_THAT(problems(with_daemons("localhost 127.0.0.1\n bravo 10.77.0.2")),
                ElementsAre(HasSubstr("2:11: warning: daemon 'localhost' has the loopback address "
                                      "127.0.0.1, which the other daemons, such as 'bravo'")));
    EXPECT_THAT(problems(with_daemons("127.0.0.1\n bravo 10.77.0.2")),
                ElementsAre(HasSubstr("2:1: warning: daemon '127.0.0.1' has the loopback")));
}

TEST(Daemons, ANameBehindANameIsNoAddress) {
    TableResolver resolver({{"node1", "10.0.0.1"}, {"alfa", "10.0.0.2"}});
    const auto warnings = [&](const std::string& daemons) {
        return problems(parse("Spread_Segment 239.0.0.1 {\n" + daemons + "\n}", "", resolver));
    };
    EXPECT_THAT(warnings("node1 alfa"),
                ElementsAre("2:7: warning: 'alfa' is read as another daemon, not as the address of "
                            "'node1': write a literal address after a name, or each daemon on a "
                            "line of its own"));
    EXPECT_THAT(warnings("node1 ; alfa"), IsEmpty());
    EXPECT_THAT(warnings("node1\nalfa"), IsEmpty());
    EXPECT_THAT(warnings("node1 alfa 10.0.0.2"), IsEmpty());
    EXPECT_THAT(warnings("node1 VirtualID = 7 alfa"), IsEmpty());
}

TEST(UnicastSegments, HaveNoAddressAndSayNothing) {
    const auto result = parse_text("Spread_Segment unicast:4900 {\n a 10.0.0.1\n b 10.0.0.2\n}");
    ASSERT_TRUE(result.configuration);
    EXPECT_THAT(problems(result), IsEmpty());
    EXPECT_THAT(result.configuration->segments[0].addresses, IsEmpty());
    EXPECT_EQ(result.configuration->segments[0].port, 4900);
    EXPECT_EQ(parse_text("Spread_Segment unicast { a 10.0.0.1 }").configuration->segments[0].port,
              4803);
    EXPECT_TRUE(parse_text("Spread_Segment unicast:4803 { a fd00::1 }").configuration);
    EXPECT_EQ(hash_text(*result.configuration).substr(0, 22), "Segment: port = 4900;\n");
}

TEST(UnicastSegments, TakeAPortAndNoAddress) {
    const auto problem = [](const std::string& head) {
        return problems_of("Spread_Segment " + head + " {\n a 10.0.0.1\n}");
    };
    EXPECT_THAT(problem("unicast:65535"),
                ElementsAre(HasSubstr("1:16: error: port 65535 leaves no room")));
    EXPECT_THAT(problem("unicast:"), ElementsAre(HasSubstr("a number from 1 to 65534")));
    EXPECT_THAT(problem("unicast:port"), ElementsAre(HasSubstr("a number from 1 to 65534")));
    EXPECT_THAT(problem("unicast:4803 239.0.0.1"),
                ElementsAre(HasSubstr("a unicast segment has no addresses")));
    EXPECT_THAT(problem("239.0.0.1:4803 unicast"),
                ElementsAre(HasSubstr("a unicast segment has no addresses")));
    EXPECT_THAT(problem("unicasts"), ElementsAre(HasSubstr("is no address")));
}

ParseResult unicast_with(std::string_view daemons) {
    return parse_text("Spread_Segment unicast:4803 {\n" + std::string(daemons) + "\n}\n");
}

TEST(Hosts, StandInPlaceOfAddressesAndAreNotLookedUp) {
    TableResolver resolver;
    const auto result = parse(
        "Spread_Segment unicast:4803 {\n a 10.0.0.1\n b Host = \"b.example.com\"\n"
        " c VirtualID = 7 Host=c { D 0.0.0.0 }\n}",
        "test.conf", resolver);
    ASSERT_TRUE(result.configuration);
    EXPECT_THAT(problems(result), IsEmpty());
    EXPECT_THAT(resolver.asked, IsEmpty());
    const auto& daemons = result.configuration->daemons;
    EXPECT_EQ(daemons[0].host, "");
    EXPECT_EQ(daemons[1].host, "b.example.com");
    EXPECT_TRUE(daemons[1].address.is_unspecified());
    EXPECT_EQ(daemons[1].place(), "b.example.com");
    EXPECT_EQ(daemons[2].host, "c");
    EXPECT_EQ(daemons[2].id, 7U);
    EXPECT_EQ(hash_text(*result.configuration),
              "Segment: port = 4803;\n\t'a' [10.0.0.1] [" + std::to_string(daemon_id_of_name("a")) +
                  "]\n\t'b' [host b.example.com] [" + std::to_string(daemon_id_of_name("b")) +
                  "]\n\t'c' [host c] [7]\n\nVersion: 5\nProtocol: Original Ring\n");
}

TEST(Hosts, AreOfTheFamilyOfTheFile) {
    const auto family = [](const std::string& text) {
        return parse_text(text).configuration->daemons[0].address.family;
    };
    const std::string host = "Spread_Segment unicast { a Host = a }";
    EXPECT_EQ(family(host), IpAddress::Family::kV4);
    EXPECT_EQ(family("ActiveIPVersion = IPv6 " + host), IpAddress::Family::kV6);
    EXPECT_EQ(family("Spread_Segment unicast { a Host = a b fd00::1 }"), IpAddress::Family::kV6);
    EXPECT_THAT(problems_of("Spread_Segment unicast { a Host = a { D :: } }"),
                ElementsAre(HasSubstr("is IPv6, but the file is IPv4 because of the Host at 1:35 "
                                      "without ActiveIPVersion = IPv6")));
}

TEST(Hosts, NeedAUnicastSegmentAndAName) {
    EXPECT_THAT(
        problems(with_daemons("a Host = a")),
        ElementsAre(HasSubstr("2:10: error: a daemon with Host needs a segment that is sent "
                              "to daemon by daemon; write unicast:PORT")));
    const auto problem = [](const std::string& rest) {
        return problems(unicast_with("a " + rest));
    };
    EXPECT_THAT(problem("Host = \"10.0.0.1\""),
                ElementsAre(HasSubstr(
                    "2:10: error: Host is for names; write the address '10.0.0.1' itself")));
    EXPECT_THAT(problem("Host = fd00::1"),
                ElementsAre(HasSubstr("write the address 'fd00::1' itself")));
    EXPECT_THAT(problem("Host"), ElementsAre(HasSubstr("Host needs '='")));
    EXPECT_THAT(problem("Host ="), ElementsAre(HasSubstr("Host needs the name")));
    EXPECT_THAT(problem("Host = 'b c'"), ElementsAre(HasSubstr("contains ' '")));
    EXPECT_THAT(problem("Host = ''"), ElementsAre(HasSubstr("has 1 to 253 bytes")));
    EXPECT_THAT(problem("Host = 'b-*'"), ElementsAre(HasSubstr("'*' only with Count")));
    EXPECT_THAT(problem("Host = b Host = c"), ElementsAre(HasSubstr("a Host already, at 2:10")));
    EXPECT_THAT(problem("10.0.0.1 Host = b"),
                ElementsAre(HasSubstr("has the address '10.0.0.1' at 2:3")));
    EXPECT_THAT(problem("Host = b { C 10.0.0.1 }"),
                ElementsAre(HasSubstr("carries the daemon's traffic")));
    EXPECT_THAT(problems(unicast_with("Host = b")),
                ElementsAre(HasSubstr("Host comes after the name")));
    EXPECT_THAT(problems(unicast_with("Host 10.0.0.1")), ElementsAre(HasSubstr("is a keyword")));
    EXPECT_THAT(problems(unicast_with("'Host' 10.0.0.1 'Count' 10.0.0.2")), IsEmpty());
}

TEST(Hosts, MayShareAName) {
    EXPECT_THAT(problems(unicast_with("a Host = h\nb Host = h")), IsEmpty());
}

TEST(Counts, NumberNamesAndHosts) {
    const auto result = unicast_with("s-* Count = 3 Host = \"s-*.ring-*\"\nlast 10.0.0.9");
    ASSERT_TRUE(result.configuration);
    EXPECT_THAT(problems(result), IsEmpty());
    const auto& daemons = result.configuration->daemons;
    ASSERT_EQ(daemons.size(), 4U);
    EXPECT_EQ(daemons[0].name, "s-0");
    EXPECT_EQ(daemons[2].name, "s-2");
    EXPECT_EQ(daemons[2].host, "s-2.ring-2");
    EXPECT_EQ(daemons[2].id, daemon_id_of_name("s-2"));
    EXPECT_THAT(result.configuration->segments[0].daemons, ElementsAre(0U, 1U, 2U, 3U));
    EXPECT_EQ(configuration_hash(*result.configuration),
              configuration_hash(*unicast_with("s-0 Host = s-0.ring-0 s-1 Host = s-1.ring-1\n"
                                               "s-2 Host = s-2.ring-2 last 10.0.0.9")
                                      .configuration));
}

TEST(Counts, HaveLimits) {
    EXPECT_EQ(unicast_with("s-* Count = 128 Host = s-*").configuration->daemons.size(), 128U);
    const auto problem = [](const std::string& text) { return problems(unicast_with(text)); };
    for (const std::string value : {"0", "129", "999999999", "x", "'3'", "1.5"}) {
        EXPECT_THAT(problem("s-* Host = s-* Count = " + value),
                    ElementsAre(HasSubstr("error: Count must be a whole number from 1 to 128")))
            << value;
    }
    EXPECT_THAT(problem("s-* Count Host = s-*"), ElementsAre(HasSubstr("Count must be")));
    EXPECT_THAT(problem("s-* Count = 100 Host = s-*\nt-* Count = 29 Host = t-*\nu Host = u"),
                ElementsAre(HasSubstr("3:1: error: too many daemons")));
    EXPECT_THAT(problem("s-* Count = 3"), ElementsAre(HasSubstr("2:5: error: Count needs Host")));
    EXPECT_THAT(problem("s Count = 3 Host = s-*"), ElementsAre(HasSubstr("'*' in the name 's'")));
    EXPECT_THAT(problem("s-* Count = 3 Host = s"), ElementsAre(HasSubstr("'*' in the Host 's'")));
    EXPECT_THAT(problem("s-* Count = 3 Host = s-* VirtualID = 4"),
                ElementsAre(HasSubstr("cannot all have this VirtualID")));
    EXPECT_THAT(problem("s-2 Host = x\ns-* Count = 5 Host = s-*"),
                ElementsAre("3:1: error: daemon name 's-2' is already used at 2:1; names must be "
                            "unique"));
    EXPECT_THAT(problem("123456789012345678* Count = 11 Host = s-*"),
                ElementsAre(HasSubstr("is too long: 20 bytes")));
    EXPECT_THAT(problem("s-* Count = 2 Host = -*?"), ElementsAre(HasSubstr("contains '?'")));
}

TEST(VirtualIds, RunFromOneToTheLastGeneratedValue) {
    EXPECT_EQ(with_daemons("a 10.0.0.1 VirtualID = 1").configuration->daemons[0].id, 1U);
    EXPECT_EQ(with_daemons("a 10.0.0.1 VirtualID = 4294967294").configuration->daemons[0].id,
              4294967294U);
    for (const std::string value : {"0", "4294967295", "99999999999", "-3", "x", "'5'", "1.5"}) {
        EXPECT_THAT(problems(with_daemons("a 10.0.0.1 VirtualID = " + value)),
                    ElementsAre(HasSubstr("2:24: error: VirtualID must be")))
            << value;
    }
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1 VirtualID =")),
                ElementsAre(HasSubstr("VirtualID needs a number")));
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1 VirtualID 5")),
                ElementsAre(HasSubstr("VirtualID needs '='")));
}

TEST(Interfaces, WithoutLettersServeEverything) {
    const auto result = with_daemons("a 10.0.0.1 { 10.0.0.1 C 10.0.0.2 M 10.0.0.3 }");
    ASSERT_TRUE(result.configuration);
    const auto& interfaces = result.configuration->daemons[0].interfaces;
    ASSERT_EQ(interfaces.size(), 3U);
    EXPECT_TRUE(interfaces[0].daemon && interfaces[0].client && interfaces[0].monitor);
    EXPECT_TRUE(!interfaces[1].daemon && interfaces[1].client && !interfaces[1].monitor);
    EXPECT_TRUE(!interfaces[2].daemon && !interfaces[2].client && interfaces[2].monitor);
}

TEST(Interfaces, MustCarryTheDaemonsTraffic) {
    EXPECT_TRUE(with_daemons("a 10.0.0.1 { D 0.0.0.0 }").configuration);
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1 { D 10.0.0.2 C 10.0.0.1 }")),
                ElementsAre(HasSubstr("2:12: error: none of these interfaces carries")));
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1 { M 10.0.0.1 }")),
                ElementsAre(HasSubstr("equal its address 10.0.0.1")));
}

TEST(Interfaces, AreOneToTenAddressesOfAHost) {
    std::string ten;
    for (int i = 1; i <= 10; ++i) {
        ten += " 10.0.0." + std::to_string(i);
    }
    EXPECT_TRUE(with_daemons("a 10.0.0.1 {" + ten + " }").configuration);
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1 {" + ten + " 10.0.0.11 10.0.0.12 }")),
                ElementsAre(HasSubstr("too many interfaces")));
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1 { }")), ElementsAre(HasSubstr("is empty")));
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1 { 10.0.0.1 D }")),
                ElementsAre(HasSubstr("expected an address after 'D'")));
    EXPECT_THAT(problems(with_daemons("a 10.0.0.1 { 10.0.0.1 C 239.0.0.1 }")),
                ElementsAre(HasSubstr("multicast or broadcast")));
}

TEST(DefaultConfiguration, IsOneLocalDaemon) {
    const Configuration configuration = default_configuration();
    EXPECT_TRUE(configuration.file_name.empty());
    ASSERT_EQ(configuration.daemons.size(), 1U);
    EXPECT_EQ(configuration.daemons[0].name, "localhost");
    EXPECT_EQ(configuration.daemons[0].address.to_string(), "127.0.0.1");
    // Clients of this host only: nobody asked for more.
    ASSERT_EQ(configuration.daemons[0].interfaces.size(), 1U);
    EXPECT_TRUE(configuration.daemons[0].interfaces[0].address.is_loopback());
    ASSERT_EQ(configuration.segments.size(), 1U);
    EXPECT_EQ(configuration.segments[0].port, 4803);
    const auto same =
        parse_text("Spread_Segment 127.0.0.255:4803 { localhost 127.0.0.1 }").configuration;
    ASSERT_TRUE(same);
    EXPECT_EQ(configuration_hash(configuration), configuration_hash(*same));
}

}  // namespace
}  // namespace spread::config
