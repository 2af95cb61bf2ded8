#include "config/options.hpp"

#include <chrono>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/identity.hpp"
#include "config/option_value.hpp"
#include "config_test_support.hpp"

namespace spread::config {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

std::vector<std::string> problems_with(std::string_view options) {
    return problems_of(std::string(options) + "\n" + std::string(kGoodSegment));
}

TEST(Options, WhatIsNotSetHasTheDocumentedDefault) {
    const auto configuration = with_options("");
    ASSERT_TRUE(configuration);
    EXPECT_EQ(configuration->debug_flags, 0x111U);
    EXPECT_EQ(configuration->event_priority, LogPriority::kInfo);
    EXPECT_FALSE(configuration->event_log_file);
    EXPECT_FALSE(configuration->event_time_stamp);
    EXPECT_FALSE(configuration->event_precise_time_stamp);
    EXPECT_FALSE(configuration->dangerous_monitor);
    EXPECT_EQ(configuration->socket_port_reuse, TriState::kAuto);
    EXPECT_FALSE(configuration->runtime_dir);
    EXPECT_FALSE(configuration->daemon_user);
    EXPECT_FALSE(configuration->daemon_group);
    EXPECT_THAT(configuration->required_auth_methods, IsEmpty());
    EXPECT_THAT(configuration->allowed_auth_methods, ElementsAre("NULL"));
    EXPECT_EQ(configuration->access_control_policy, "PERMIT");
    EXPECT_FALSE(configuration->access_ip_file);
    EXPECT_FALSE(configuration->access_password_file);
    EXPECT_FALSE(configuration->access_rules_file);
    EXPECT_EQ(configuration->max_sessions, 997U);
    EXPECT_EQ(configuration->max_session_messages, 1000U);
    EXPECT_EQ(configuration->max_session_bytes, 160U * 1024 * 1024);
    EXPECT_EQ(configuration->max_session_groups, 65536U);
    EXPECT_EQ(configuration->slow_reader_policy, SlowReaderPolicy::kDisconnect);
    EXPECT_EQ(configuration->slow_reader_timeout, milliseconds(5000));
    EXPECT_EQ(configuration->handshake_timeout, milliseconds(10000));
    EXPECT_TRUE(configuration->old_client_layout);
    EXPECT_FALSE(configuration->window);
    EXPECT_FALSE(configuration->personal_window);
    EXPECT_FALSE(configuration->accelerated_ring);
    EXPECT_FALSE(configuration->accelerated_window);
    EXPECT_FALSE(configuration->wide_area_network);
    EXPECT_EQ(configuration->timeouts, StockTimeouts{});
    EXPECT_FALSE(configuration->active_ip_version);
    EXPECT_FALSE(configuration->exclude_seg_addrs_from_hash);
    EXPECT_FALSE(configuration->ignore_multicast_join_errors);
    EXPECT_FALSE(configuration->is_wide_area());
    EXPECT_THAT(configuration->given, IsEmpty());
}

TEST(Options, BooleansAreYesAndNoInAnyCase) {
    struct Case {
        const char* name;
        bool (*read)(const Configuration&);
    };
    const Case cases[] = {
        {"DangerousMonitor", [](const Configuration& c) { return c.dangerous_monitor; }},
        {"OldClientLayout", [](const Configuration& c) { return c.old_client_layout; }},
        {"AcceleratedRing", [](const Configuration& c) { return c.accelerated_ring.value(); }},
        {"WideAreaNetwork", [](const Configuration& c) { return c.wide_area_network.value(); }},
        {"ExcludeSegAddrsFromHash",
         [](const Configuration& c) { return c.exclude_seg_addrs_from_hash; }},
        {"IgnoreMulticastJoinErrors",
         [](const Configuration& c) { return c.ignore_multicast_join_errors; }},
    };
    for (const Case& one : cases) {
        for (const std::string word : {"true", "yes", "TRUE", "Yes", "tRuE"}) {
            const auto configuration = with_options(one.name + (" = " + word));
            ASSERT_TRUE(configuration) << one.name << word;
            EXPECT_TRUE(one.read(*configuration)) << one.name << word;
        }
        for (const std::string word : {"false", "no", "FALSE", "No"}) {
            const auto configuration = with_options(one.name + (" = " + word));
            ASSERT_TRUE(configuration) << one.name << word;
            EXPECT_FALSE(one.read(*configuration)) << one.name << word;
        }
        for (const std::string word : {"on", "off", "1", "0", "\"yes\"", "maybe"}) {
            EXPECT_THAT(problems_with(one.name + (" = " + word)),
                        ElementsAre(HasSubstr(" must be true, false, yes or no")))
                << one.name << word;
        }
    }
}

TEST(Options, PortReuseIsOnOffOrAutoInAnyCase) {
    EXPECT_EQ(with_options("SocketPortReuse = ON")->socket_port_reuse, TriState::kOn);
    EXPECT_EQ(with_options("SocketPortReuse = off")->socket_port_reuse, TriState::kOff);
    EXPECT_EQ(with_options("SocketPortReuse = Auto")->socket_port_reuse, TriState::kAuto);
    EXPECT_THAT(problems_with("SocketPortReuse = yes"),
                ElementsAre(HasSubstr("must be on, off or auto, found 'yes'")));
}

TEST(Options, AdminListenAndControlSocketAreChecked) {
    EXPECT_EQ(with_options("AdminListen = \"[::1]:4805\"")->admin_listen, "[::1]:4805");
    EXPECT_EQ(with_options("ControlSocket = \"off\"")->control_socket, "off");
    EXPECT_EQ(with_options("ControlSocket = \"/run/x.ctl\"")->control_socket, "/run/x.ctl");
    EXPECT_THAT(problems_with("AdminListen = \"localhost:4805\""),
                ElementsAre(HasSubstr("AdminListen must be an address and a port")));
    for (const char* path : {"x.ctl", "/run/spread/"}) {
        EXPECT_THAT(problems_with("ControlSocket = \"" + std::string(path) + "\""),
                    ElementsAre(HasSubstr("ControlSocket must be off or the full path of a file")))
            << path;
    }
}

TEST(Options, AdminWriteNeedsAPortAndAToken) {
    EXPECT_THAT(problems_with("AdminWrite = yes"), ElementsAre(HasSubstr("needs AdminListen")));
    EXPECT_THAT(problems_with("AdminWrite = yes\nAdminListen = \"127.0.0.1:4805\""),
                ElementsAre(HasSubstr("needs AdminTokenFile")));
    const auto all = with_options(
        "AdminWrite = yes\nAdminListen = \"127.0.0.1:4805\"\nAdminTokenFile = \"/etc/t\"");
    EXPECT_TRUE(all->admin_write);
    EXPECT_EQ(all->admin_token_file, "/etc/t");
}

TEST(Options, NumbersKeepTheirRange) {
    struct Case {
        const char* name;
        std::uint32_t min;
        std::uint32_t max;
    };
    for (const Case& one :
         {Case{"MaxSessions", 1, 1000000}, Case{"MaxSessionMessages", 1, 999999999},
          Case{"MaxSessionBytes", 262144, 999999999}, Case{"MaxSessionGroups", 1, 1000000},
          Case{"TokenTimeoutMax", 1, 999999999}, Case{"MaxMemberships", 1, 999999999},
          Case{"MaxSessionsPerAddress", 1, 1000000}, Case{"DatagramBytes", 512, 8952},
          Case{"MemoryBudget", 64, 999999999}, Case{"SlowReaderTimeout", 1, 3600000},
          Case{"HandshakeTimeout", 1, 3600000}, Case{"Window", 1, 32767},
          Case{"PersonalWindow", 1, 32767}, Case{"AcceleratedWindow", 0, 32767}}) {
        // Window and PersonalWindow bound each other, so only the message of this option counts.
        const auto complaint = std::string(one.name) + " must be from " + std::to_string(one.min) +
                               " to " + std::to_string(one.max);
        const auto complains = [&](std::uint64_t value) {
            for (const auto& line : problems_with(one.name + (" = " + std::to_string(value)))) {
                if (line.find(complaint) != std::string::npos) {
                    return true;
                }
            }
            return false;
        };
        EXPECT_FALSE(complains(one.min)) << one.name;
        EXPECT_FALSE(complains(one.max)) << one.name;
        EXPECT_TRUE(complains(std::uint64_t{one.max} + 1)) << one.name;
        EXPECT_TRUE(complains(9999999999)) << one.name;
        if (one.min > 0) {
            EXPECT_TRUE(complains(one.min - 1)) << one.name;
        }
    }
    EXPECT_EQ(with_options("MaxSessions = 20000")->max_sessions, 20000U);
    EXPECT_EQ(with_options("MaxSessionMessages = 999999999")->max_session_messages, 999999999U);
    EXPECT_EQ(with_options("MaxSessionBytes = 1000000")->max_session_bytes, 1000000U);
    EXPECT_EQ(with_options("MaxSessionGroups = 7")->max_session_groups, 7U);
    EXPECT_EQ(with_options("HandshakeTimeout = 700")->handshake_timeout, milliseconds(700));
    EXPECT_EQ(with_options("MaxSessionsPerAddress = 7")->max_sessions_per_address, 7U);
    EXPECT_EQ(with_options("MaxSessionsPerAddress = auto")->max_sessions_per_address, std::nullopt);
    EXPECT_EQ(with_options("DatagramBytes = 8952")->datagram_bytes, 8952U);
    EXPECT_EQ(with_options("DatagramBytes = auto")->datagram_bytes, std::nullopt);
    EXPECT_EQ(with_options("MaxMemberships = 7")->max_memberships, 7U);
    EXPECT_EQ(with_options("TokenTimeoutMax = 700")->token_timeout_max, 700U);
    EXPECT_THAT(problems_with("Window = '5'"), ElementsAre(HasSubstr("without quotes")));
}

TEST(Options, PathsHaveALengthAndNoLineBreaks) {
    EXPECT_EQ(with_options("EventLogFile = '/var/log/%h_%q.log'")->event_log_file,
              "/var/log/%h_%q.log");
    EXPECT_EQ(with_options("RuntimeDir = /run/spread")->runtime_dir, "/run/spread");
    for (const std::string name :
         {"EventLogFile", "RuntimeDir", "AccessIPFile", "AccessPasswordFile", "AccessRulesFile"}) {
        EXPECT_TRUE(with_options(name + " = /" + std::string(4094, 'a')));
        EXPECT_THAT(problems_with(name + " = /" + std::string(4095, 'a')),
                    ElementsAre(HasSubstr("too long: 4096 bytes, at most 4095")));
        EXPECT_THAT(problems_with(name + " = ''"), ElementsAre(HasSubstr("must not be empty")));
        EXPECT_THAT(problems_with(name + " = 'a\nb'"), ElementsAre(HasSubstr("line break")));
    }
}

TEST(Options, UserAndGroupHaveUpTo32Bytes) {
    EXPECT_EQ(with_options("DaemonUser = nobody")->daemon_user, "nobody");
    EXPECT_EQ(with_options("DaemonGroup = \"no group\"")->daemon_group, "no group");
    for (const std::string name : {"DaemonUser", "DaemonGroup"}) {
        EXPECT_TRUE(with_options(name + " = " + std::string(32, 'u')));
        EXPECT_THAT(problems_with(name + " = " + std::string(33, 'u')),
                    ElementsAre(HasSubstr("33 bytes, at most 32")));
        EXPECT_THAT(problems_with(name + " = ''"), ElementsAre(HasSubstr("must not be empty")));
    }
}

TEST(Options, TheTimeStampHasADefaultFormat) {
    EXPECT_EQ(with_options("EventTimeStamp")->event_time_stamp, "%m/%d/%y %H:%M:%S");
    EXPECT_EQ(with_options("EventTimeStamp = \"[%H:%M]\"")->event_time_stamp, "[%H:%M]");
    EXPECT_FALSE(with_options("EventTimeStamp = ''")->event_time_stamp);
    EXPECT_TRUE(with_options("EventTimeStamp = " + std::string(255, 'x')));
    EXPECT_THAT(problems_with("EventTimeStamp = " + std::string(256, 'x')),
                ElementsAre(HasSubstr("256 bytes, at most 255")));
}

TEST(Options, APreciseTimeStampEndsInSeconds) {
    const auto alone = with_options("EventPreciseTimeStamp");
    EXPECT_TRUE(alone->event_precise_time_stamp);
    EXPECT_EQ(alone->event_time_stamp, "%m/%d/%y %H:%M:%S");
    EXPECT_EQ(with_options("EventPreciseTimeStamp EventTimeStamp = %H:%M")->event_time_stamp,
              "%H:%M %s");
    EXPECT_EQ(with_options("EventTimeStamp = %s\nEventPreciseTimeStamp")->event_time_stamp, "%s");
}

TEST(Options, PrioritiesAreSpeltExactly) {
    EXPECT_EQ(with_options("EventPriority = pDEBUG")->event_priority, LogPriority::kDebug);
    EXPECT_EQ(with_options("EventPriority = INFO")->event_priority, LogPriority::kInfo);
    EXPECT_EQ(with_options("EventPriority = WARNING")->event_priority, LogPriority::kWarning);
    EXPECT_EQ(with_options("EventPriority = ERROR")->event_priority, LogPriority::kError);
    EXPECT_EQ(with_options("EventPriority = CRITICAL")->event_priority, LogPriority::kCritical);
    EXPECT_EQ(with_options("EventPriority = FATAL")->event_priority, LogPriority::kFatal);
    EXPECT_THAT(problems_with("EventPriority = DEBUG"),
                ElementsAre(HasSubstr("did you mean 'pDEBUG'")));
    EXPECT_THAT(problems_with("EventPriority = 'INFO'"), ElementsAre(HasSubstr("without quotes")));
    EXPECT_THAT(problems_with("EventPriority = { INFO }"),
                ElementsAre(HasSubstr("without braces")));
}

TEST(Options, DebugFlagsReplaceTheSet) {
    EXPECT_EQ(with_options("DebugFlags = { PRINT EXIT }")->debug_flags, 0x11U);
    EXPECT_EQ(with_options("DebugFlags = { }")->debug_flags, 0U);
    EXPECT_EQ(with_options("DebugFlags={NONE}")->debug_flags, 0U);
    EXPECT_EQ(with_options("DebugFlags = { ALL }")->debug_flags, 0xE03FFFU);
    EXPECT_EQ(with_options("DebugFlags = { ALL !DATA_LINK ! EXIT }")->debug_flags, 0xE03FFCU);
    EXPECT_EQ(with_options("DebugFlags = { !PRINT PRINT }")->debug_flags, 0x10U);
    EXPECT_EQ(with_options("DebugFlags = { MEMORY EVENTS NETWORK PROTOCOL SESSION CONFIGURATION "
                           "MEMBERSHIP FLOW_CONTROL STATUS DEBUG GROUPS SKIPLIST ACM SECURITY }")
                  ->debug_flags,
              0xE03FECU);
    EXPECT_THAT(
        problems_with("DebugFlags = { PRNT, EXIT }"),
        ElementsAre(StartsWith("1:16: error: unknown flag 'PRNT,'; did you mean 'PRINT'?")));
    EXPECT_THAT(problems_with("DebugFlags = { !!PRINT { } 'EXIT' }"),
                ElementsAre(HasSubstr("unknown flag '!'"), HasSubstr("unexpected '{'"),
                            HasSubstr("unknown flag 'EXIT'")));
    EXPECT_THAT(problems_with("DebugFlags = ALL"), ElementsAre(HasSubstr("a list in braces")));
}

TEST(Options, AuthenticationListsAccumulateAndSwitchNullOff) {
    const auto both = with_options("AllowedAuthMethods = NULL\nRequiredAuthMethods = IP");
    EXPECT_THAT(both->allowed_auth_methods, ElementsAre("NULL"));
    EXPECT_THAT(both->required_auth_methods, ElementsAre("IP"));
    const auto two =
        with_options("AllowedAuthMethods = 'IP IP'\nAllowedAuthMethods = \" NULL\tIP \"");
    EXPECT_THAT(two->allowed_auth_methods, ElementsAre("NULL", "IP"));
    const auto three = with_options("RequiredAuthMethods = 'PWORD IP NULL PWORD'");
    EXPECT_THAT(three->required_auth_methods, ElementsAre("NULL", "IP", "PWORD"));
    EXPECT_THAT(three->allowed_auth_methods, IsEmpty());
}

TEST(Options, ABlankRequiredListChangesNothing) {
    const auto configuration = with_options("RequiredAuthMethods = '   '");
    EXPECT_THAT(configuration->required_auth_methods, IsEmpty());
    EXPECT_THAT(configuration->allowed_auth_methods, ElementsAre("NULL"));
}

TEST(Options, WarnsWhenNoClientCouldConnect) {
    EXPECT_THAT(problems_with("RequiredAuthMethods = IP"),
                ElementsAre(HasSubstr("1:23: warning: no authentication method is allowed")));
    EXPECT_THAT(with_options("RequiredAuthMethods = IP")->allowed_auth_methods, IsEmpty());
    EXPECT_THAT(problems_with("AllowedAuthMethods = ''"),
                ElementsAre(HasSubstr("every client will be refused")));
}

TEST(Options, UnknownAuthenticationMethodsAreErrors) {
    EXPECT_THAT(problems_with("AllowedAuthMethods = 'NULL PASSWORD'"),
                ElementsAre(HasSubstr("unknown authentication method 'PASSWORD' in "
                                      "AllowedAuthMethods; the methods are NULL, IP and PWORD")));
    EXPECT_THAT(problems_with("RequiredAuthMethods = null"),
                ElementsAre(HasSubstr("unknown authentication method 'null'")));
    const std::string longest = "'IP" + std::string(87, ' ') + "'";
    EXPECT_TRUE(with_options("AllowedAuthMethods = " + longest));
    EXPECT_THAT(problems_with("AllowedAuthMethods = '" + std::string(90, ' ') + "'"),
                ElementsAre(HasSubstr("90 bytes, at most 89")));
}

TEST(Options, ThePoliciesArePermitAndRules) {
    EXPECT_EQ(with_options("AccessControlPolicy = \"PERMIT\"")->access_control_policy, "PERMIT");
    EXPECT_EQ(with_options("AccessControlPolicy = RULES")->access_control_policy, "RULES");
    EXPECT_THAT(problems_with("AccessControlPolicy = permit"),
                ElementsAre(HasSubstr("unknown AccessControlPolicy 'permit'; the policies are "
                                      "PERMIT and RULES")));
}

TEST(Options, ASlowReaderIsDisconnectedOrBlocks) {
    EXPECT_EQ(with_options("SlowReaderPolicy = disconnect")->slow_reader_policy,
              SlowReaderPolicy::kDisconnect);
    const auto block = with_options("SlowReaderTimeout = 250\nSlowReaderPolicy = \"block\"");
    EXPECT_EQ(block->slow_reader_policy, SlowReaderPolicy::kBlock);
    EXPECT_EQ(block->slow_reader_timeout, milliseconds(250));
    EXPECT_THAT(problems_with("SlowReaderPolicy = Block"),
                ElementsAre(HasSubstr("unknown SlowReaderPolicy 'Block'; the policies are "
                                      "disconnect and block")));
}

TEST(Options, AccessFilesAreTakenAsWritten) {
    const auto configuration = with_options(
        "AllowedAuthMethods = IP RequiredAuthMethods = PWORD AccessControlPolicy = RULES\n"
        "AccessIPFile = hosts AccessPasswordFile = '/etc/my users' AccessRulesFile = ./r");
    EXPECT_EQ(configuration->access_ip_file, "hosts");
    EXPECT_EQ(configuration->access_password_file, "/etc/my users");
    EXPECT_EQ(configuration->access_rules_file, "./r");
}

TEST(Options, WarnsOfOptionsThatNothingAsksFor) {
    EXPECT_THAT(problems_with("AccessIPFile = f\nAllowedAuthMethods = 'NULL PWORD'"),
                ElementsAre("1:1: warning: AccessIPFile has no effect; name IP in "
                            "AllowedAuthMethods or RequiredAuthMethods, or remove it"));
    EXPECT_THAT(problems_with("AccessPasswordFile = f\nRequiredAuthMethods = IP "
                              "AllowedAuthMethods = NULL"),
                ElementsAre(HasSubstr("1:1: warning: AccessPasswordFile has no effect")));
    EXPECT_THAT(problems_with("AccessControlPolicy = PERMIT AccessRulesFile = f"),
                ElementsAre(HasSubstr("1:30: warning: AccessRulesFile has no effect")));
    EXPECT_THAT(problems_with("SlowReaderPolicy = disconnect SlowReaderTimeout = 9"),
                ElementsAre(HasSubstr("1:31: warning: SlowReaderTimeout has no effect; set "
                                      "SlowReaderPolicy = block")));
    EXPECT_THAT(problems_with("AccessIPFile = a AccessPasswordFile = b AccessRulesFile = c "
                              "SlowReaderTimeout = 9\nAllowedAuthMethods = PWORD "
                              "RequiredAuthMethods = IP AccessControlPolicy = RULES "
                              "SlowReaderPolicy = block"),
                IsEmpty());
}

TEST(Options, WarnsWhenNobodyIsToldThatAPasswordIsRequired) {
    EXPECT_THAT(problems_with("AllowedAuthMethods = 'NULL IP'\nRequiredAuthMethods = PWORD"),
                ElementsAre(HasSubstr("2:23: warning: clients are not told of a required method")));
    EXPECT_THAT(problems_with("AllowedAuthMethods = 'NULL PWORD'\nRequiredAuthMethods = PWORD"),
                IsEmpty());
}

TEST(Options, OfClientsPlayNoPartInTheHash) {
    EXPECT_EQ(
        hash_text(*with_options(
            "MaxSessions = 1 MaxSessionBytes = 300000 MaxSessionGroups = 1 MaxMemberships = 1 "
            "OldClientLayout = "
            "no SlowReaderPolicy = block SlowReaderTimeout = 1 AllowedAuthMethods = 'IP "
            "PWORD' AccessControlPolicy = RULES AccessIPFile = a AccessPasswordFile = b "
            "AccessRulesFile = c")),
        hash_text(*with_options("")));
}

TEST(Options, WindowsMustFitIntoEachOther) {
    const auto all = with_options("Window = 60 PersonalWindow = 60 AcceleratedWindow = 60");
    EXPECT_EQ(all->window, 60U);
    EXPECT_EQ(all->personal_window, 60U);
    EXPECT_EQ(all->accelerated_window, 60U);
    EXPECT_THAT(problems_with("PersonalWindow = 161"),
                ElementsAre(HasSubstr("above Window = 160 (not set; stock's value counts)")));
    EXPECT_THAT(problems_with("PersonalWindow = 20\nWindow = 10"),
                ElementsAre(HasSubstr("1:18: error: PersonalWindow = 20 is above Window = 10 "
                                      "(at 2:10)")));
    EXPECT_THAT(problems_with("AcceleratedRing = yes AcceleratedWindow = 21"),
                ElementsAre(HasSubstr("error: AcceleratedWindow = 21 is above PersonalWindow = 20 "
                                      "(not set; stock's value counts)")));
    EXPECT_THAT(problems_with("AcceleratedRing = no AcceleratedWindow = 21"),
                ElementsAre(HasSubstr("warning: AcceleratedWindow")));
}

TEST(Options, DefaultsShrinkWithASmallWindow) {
    const auto configuration = with_options("Window = 10 AcceleratedRing = yes");
    ASSERT_TRUE(configuration);
    EXPECT_EQ(configuration->personal_window, 10U);
    EXPECT_EQ(configuration->accelerated_window, 10U);
    EXPECT_THAT(problems_with("Window = 10 AcceleratedRing = yes"),
                ElementsAre(HasSubstr("warning: PersonalWindow is not set; 10"),
                            HasSubstr("warning: AcceleratedWindow is not set; 10")));
}

TEST(Options, AllNineTimeoutsOrNoneOrTheTokenAlone) {
    const std::string eight =
        "TokenTimeout = 101 HurryTimeout = 102 AliveTimeout = 103 JoinTimeout = 104\n"
        "RepTimeout = 105 SegTimeout = 106 GatherTimeout = 107 FormTimeout = 108\n";
    EXPECT_THAT(problems_with(eight), ElementsAre(HasSubstr("missing: LookupTimeout")));
    const auto configuration = with_options(eight + "LookupTimeout = 109");
    ASSERT_TRUE(configuration);
    const StockTimeouts& timeouts = configuration->timeouts;
    EXPECT_EQ(timeouts.token, milliseconds(101));
    EXPECT_EQ(timeouts.hurry, milliseconds(102));
    EXPECT_EQ(timeouts.alive, milliseconds(103));
    EXPECT_EQ(timeouts.join, milliseconds(104));
    EXPECT_EQ(timeouts.rep, milliseconds(105));
    EXPECT_EQ(timeouts.seg, milliseconds(106));
    EXPECT_EQ(timeouts.gather, milliseconds(107));
    EXPECT_EQ(timeouts.form, milliseconds(108));
    EXPECT_EQ(timeouts.lookup, milliseconds(109));
    EXPECT_THAT(problems_with(eight + "LookupTimeout = 0"),
                ElementsAre(HasSubstr("LookupTimeout must be from 1")));
    EXPECT_THAT(problems_with(eight + "LookupTimeout = 9"),
                ElementsAre(HasSubstr("warning: LookupTimeout of 9 ms is too short")));

    const auto alone = with_options("TokenTimeout = 1000");
    StockTimeouts token_alone;
    token_alone.token = milliseconds(1000);
    EXPECT_EQ(alone->timeouts, token_alone);
    EXPECT_EQ(with_options("TokenTimeout = 1000 JoinTimeout = auto")->timeouts, token_alone);
    EXPECT_THAT(problems_with("JoinTimeout = 104"),
                ElementsAre(HasSubstr("then all must be, or TokenTimeout alone, which scales the "
                                      "others; missing: TokenTimeout, HurryTimeout")));
    EXPECT_THAT(problems_with("TokenTimeout = 1000 JoinTimeout = 104"),
                ElementsAre(HasSubstr("missing: HurryTimeout")));
}

TEST(Options, ARepeatedOptionWarnsOnceAndTheLastCounts) {
    EXPECT_EQ(with_options("Window = 100\nWindow = 200\nWindow = 300")->window, 300U);
    EXPECT_THAT(
        problems_with("Window = 100\nWindow = 200\nWindow = 300"),
        ElementsAre("3:1: warning: Window is given more than once (before at 2:1); the last "
                    "one counts"));
}

TEST(Options, ActiveIpVersionDecidesTheFamily) {
    EXPECT_TRUE(with_options("ActiveIPVersion = IPv4"));
    EXPECT_THAT(problems_with("ActiveIPVersion = IPv4\nActiveIPVersion = IPv4"),
                ElementsAre(HasSubstr("warning: ActiveIPVersion is given more than once")));
    EXPECT_THAT(problems_with("ActiveIPVersion = IPv5"),
                ElementsAre(HasSubstr("must be IPv4 or IPv6")));
    TableResolver resolver({{"node", "fd00::1"}});
    const auto result =
        parse("ActiveIPVersion = IPv6 Spread_Segment [ff02::1]:4803 { node }", "", resolver);
    EXPECT_TRUE(result.configuration);
    EXPECT_EQ(resolver.asked_family, IpAddress::Family::kV6);
}

TEST(Options, WideAreaIsSeveralSegmentsUnlessSaidOtherwise) {
    const std::string two =
        "Spread_Segment 239.0.0.1 { a 10.0.0.1 } Spread_Segment 239.0.0.2 { b 10.0.0.2 }\n";
    EXPECT_TRUE(parse_text(two).configuration->is_wide_area());
    EXPECT_FALSE(parse_text(two + "WideAreaNetwork = no").configuration->is_wide_area());
    EXPECT_TRUE(with_options("WideAreaNetwork = yes")->is_wide_area());
}

TEST(Options, EveryNameIsFoundAndReserved) {
    for (const OptionSpec& spec : all_options()) {
        EXPECT_EQ(find_option(spec.name), &spec);
        EXPECT_EQ(&option_of(spec.target), &spec) << spec.name << " shares its place";
        EXPECT_TRUE(is_reserved(spec.name));
        EXPECT_FALSE(spec.help.empty()) << spec.name;
        EXPECT_TRUE(spec.help.ends_with('.')) << spec.name;
        EXPECT_EQ(spec.words.empty(), spec.kind != ValueKind::kChoice) << spec.name;
        EXPECT_LE(spec.min, spec.max) << spec.name;
    }
    EXPECT_EQ(find_option("window"), nullptr);
    EXPECT_FALSE(is_reserved("window"));
    EXPECT_FALSE(is_reserved("PERMIT"));
    EXPECT_FALSE(is_reserved("LinkProtocol"));
}

TEST(Options, AutoIsLeavingItOut) {
    const std::string unset = hash_text(*with_options(""));
    std::size_t count = 0;
    for (const OptionSpec& spec : all_options()) {
        if (!spec.takes_auto()) {
            continue;
        }
        ++count;
        const std::string name(spec.name);
        const auto configuration = with_options(name + " = auto");
        EXPECT_EQ(value_text(spec, *configuration), "auto") << name;
        EXPECT_EQ(hash_text(*configuration), unset) << name;
        EXPECT_THAT(problems_with(name + " = AUTO"), IsEmpty()) << name;
        EXPECT_THAT(problems_with(name + " = 'auto'"), testing::Not(IsEmpty())) << name;
    }
    EXPECT_EQ(count, 19U);
    EXPECT_EQ(with_options("Window = 300 Window = auto")->window, std::nullopt);
}

TEST(Options, WhatIsWrittenDownReadsBack) {
    const std::string text =
        "EventLogFile = '/var/my \"log\"' EventPriority = pDEBUG DebugFlags = { PRINT NETWORK }\n"
        "MaxSessions = 7 SlowReaderPolicy = block SlowReaderTimeout = 90 OldClientLayout = no\n"
        "HandshakeTimeout = 2500\n"
        "SocketPortReuse = on AllowedAuthMethods = 'PWORD NULL' AccessControlPolicy = RULES\n"
        "AcceleratedRing = yes Window = 99 PersonalWindow = 33 ActiveIPVersion = IPv4\n"
        "TokenTimeout = 1234 EventPreciseTimeStamp EventTimeStamp = '%H'\n";
    const auto configuration = with_options(text);
    std::string written;
    for (const OptionSpec& spec : all_options()) {
        if (configuration->position_of(spec.name)) {
            const auto value = value_text(spec, *configuration);
            ASSERT_TRUE(value) << spec.name;
            written += std::string(spec.name) + (value->empty() ? "" : " = " + *value) + "\n";
        }
    }
    const auto again = with_options(written);
    for (const OptionSpec& spec : all_options()) {
        EXPECT_EQ(value_text(spec, *again), value_text(spec, *configuration)) << spec.name;
    }
}

TEST(Options, ARingIsSealedWithAKeyFile) {
    EXPECT_FALSE(with_options("")->ring_key_file);
    EXPECT_EQ(with_options("RingKeyFile = /etc/keys")->ring_key_file, "/etc/keys");
    for (const std::string_view mode : {"accept", "send", "require"}) {
        EXPECT_EQ(with_options("RingKeyFile = k RingSealing = " + std::string(mode))->ring_sealing,
                  mode);
    }
    EXPECT_THAT(problems_with("RingKeyFile = k RingSealing = perhaps"),
                ElementsAre(HasSubstr("unknown RingSealing")));
    EXPECT_THAT(problems_with("RingSealing = send"),
                ElementsAre(HasSubstr("1:15: error: RingSealing needs RingKeyFile")));
    EXPECT_THAT(problems_with("RingKeyFile = k DangerousMonitor = yes"),
                ElementsAre(HasSubstr("warning: DangerousMonitor has no effect on a ring with")));
}

TEST(Options, TlsTakesACertificateAndItsKey) {
    EXPECT_EQ(with_options("")->client_tls, "off");
    const std::string files = " TLSCertificateFile = c TLSKeyFile = k";
    for (const std::string_view mode : {"off", "allow", "require"}) {
        const auto configuration =
            with_options("ClientTLS = " + std::string(mode) + (mode == "off" ? "" : files));
        EXPECT_EQ(configuration->client_tls, mode);
    }
    EXPECT_EQ(with_options("ClientTLS = allow TLSClientCAFile = a" + files)->tls_client_ca_file,
              "a");
    EXPECT_THAT(problems_with("ClientTLS = perhaps" + files),
                ElementsAre(HasSubstr("unknown ClientTLS")));
    EXPECT_THAT(problems_with("ClientTLS = require TLSKeyFile = k"),
                ElementsAre(HasSubstr("error: ClientTLS needs TLSCertificateFile and TLSKeyFile")));
    EXPECT_THAT(problems_with("TLSClientCAFile = a"),
                ElementsAre(HasSubstr("warning: TLSClientCAFile has no effect; set ClientTLS")));
}

}  // namespace
}  // namespace spread::config
