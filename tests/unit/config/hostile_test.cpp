// Malformed and borderline files, each accepted or refused as its entry says, with the position and
// a piece of the first message, and the number of messages: one mistake must not cause others.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "config/parse.hpp"
#include "config_test_support.hpp"

namespace spread::config {
namespace {

enum Verdict : std::uint8_t { kAccepted, kRejected };

struct HostileFile {
    std::string_view name;
    Verdict verdict;
    std::uint32_t line;    ///< of the message; 0: no message at all
    std::uint32_t column;  ///< of the message
    std::size_t count;     ///< errors of a rejected file, warnings of an accepted one
    std::string_view message;
};

// clang-format off
constexpr HostileFile kFiles[] = {
    {"001-empty.conf", kRejected, 1, 1, 1, "the file has no segment"},
    {"002-only-comments.conf", kRejected, 1, 1, 1, "the file has no segment"},
    {"003-no-daemons.conf", kRejected, 1, 1, 1, "this segment has no daemons"},
    {"004-one-empty-segment.conf", kRejected, 1, 1, 1, "this segment has no daemons"},
    {"005-unterminated-segment.conf", kRejected, 1, 33, 1, "this '{' is never closed"},
    {"006-missing-open-brace.conf", kRejected, 2, 3, 1, "expected '{' before 'd1'"},
    {"007-extra-close-brace.conf", kRejected, 5, 1, 1, "this '}' closes nothing"},
    {"008-nested-segment.conf", kRejected, 3, 3, 1, "a segment cannot contain another one"},
    {"009-option-in-segment.conf", kRejected, 3, 3, 1, "option 'DangerousMonitor' inside a segment"},
    {"010-segment-no-address.conf", kRejected, 1, 16, 1, "expected the address of the segment before '{':"},
    {"011-segment-name-address.conf", kRejected, 1, 16, 1, "'mynet:4803' is no address"},
    {"012-segment-lowercase.conf", kRejected, 1, 1, 1, "unknown word 'spread_segment'"},
    {"013-segment-upper-bool.conf", kAccepted, 0, 0, 0, ""},
    {"014-bool-number.conf", kRejected, 1, 20, 1, "DangerousMonitor must be true, false, yes or no, found"},
    {"015-bool-on.conf", kRejected, 1, 20, 1, "DangerousMonitor must be true, false, yes or no, found"},
    {"016-trival-true.conf", kRejected, 1, 19, 1, "SocketPortReuse must be on, off or auto, found 'true'"},
    {"017-bool-missing-value.conf", kRejected, 1, 18, 1, "DangerousMonitor has no value after '='"},
    {"018-bool-missing-equals.conf", kRejected, 1, 18, 1, "expected '=' between DangerousMonitor and its value,"},
    {"019-bool-no-spaces.conf", kAccepted, 0, 0, 0, ""},
    {"020-number-no-spaces.conf", kAccepted, 0, 0, 0, ""},
    {"021-unknown-option.conf", kRejected, 1, 1, 1, "unknown option 'TurboMode'"},
    {"022-misspelt-option.conf", kRejected, 1, 1, 1, "unknown option 'DangerousMonitr'"},
    {"023-debuginitialsequence.conf", kAccepted, 5, 1, 1, "DebugInitialSequence of earlier versions has no effect"},
    {"024-linkprotocol.conf", kAccepted, 5, 1, 1, "LinkProtocol of earlier versions has no effect any more"},
    {"025-routematrix.conf", kAccepted, 5, 1, 1, "RouteMatrix of earlier versions has no effect any more"},
    {"026-daemon-with-port.conf", kAccepted, 2, 6, 1, "a daemon has no port of its own, the segment's is used"},
    {"027-if-with-port.conf", kRejected, 2, 20, 1, "an interface has no port of its own, the segment's is"},
    {"028-name-19.conf", kAccepted, 0, 0, 0, ""},
    {"029-name-20-truncated.conf", kRejected, 2, 3, 1, "daemon name 'abcdefghijklmnopqrst' is too long: 20"},
    {"030-name-collide-after-truncation.conf", kRejected, 2, 3, 2, "daemon name 'web-frontend-server-1' is too long: 21"},
    {"031-name-5000.conf", kRejected, 2, 3, 1, "daemon name"},
    {"032-name-empty-quoted.conf", kRejected, 2, 3, 1, "a daemon's name must not be empty"},
    {"033-name-quoted-space.conf", kRejected, 2, 3, 1, "daemon name 'd 1' contains ' '"},
    {"034-name-hash-sign.conf", kRejected, 2, 3, 1, "daemon name 'd#1' contains '#'"},
    {"035-name-is-keyword.conf", kRejected, 2, 3, 2, "'D' is a keyword"},
    {"036-name-keyword-quoted.conf", kAccepted, 0, 0, 0, ""},
    {"037-name-true.conf", kRejected, 2, 3, 1, "'on' is a keyword"},
    {"038-name-number.conf", kRejected, 2, 3, 1, "'7' is a number"},
    {"039-name-number-10-digits.conf", kAccepted, 0, 0, 0, ""},
    {"040-name-utf8.conf", kAccepted, 0, 0, 0, ""},
    {"041-name-trailing-semicolon.conf", kAccepted, 2, 3, 1, "the '"},
    {"042-semicolon-separated.conf", kAccepted, 0, 0, 0, ""},
    {"043-double-semicolon.conf", kRejected, 2, 18, 1, "unexpected '"},
    {"044-semicolon-after-segment.conf", kRejected, 4, 3, 1, "unexpected '"},
    {"045-name-bracket.conf", kRejected, 2, 3, 1, "brackets in an unquoted string"},
    {"046-duplicate-name.conf", kRejected, 3, 3, 1, "daemon name 'd1' is already used at 2:3"},
    {"047-duplicate-address.conf", kRejected, 3, 6, 1, "address '10.96.0.1' with port 4803 is already used by"},
    {"048-duplicate-address-two-ports.conf", kAccepted, 0, 0, 0, ""},
    {"049-duplicate-virtualid.conf", kRejected, 3, 28, 1, "VirtualID 5 of daemon 'd2' is already used by daemon"},
    {"050-virtualid-zero.conf", kRejected, 2, 28, 1, "VirtualID must be from 1 to 4294967294, found '0'"},
    {"051-virtualid-max9.conf", kAccepted, 0, 0, 0, ""},
    {"052-virtualid-10digits.conf", kAccepted, 0, 0, 0, ""},
    {"053-virtualid-negative.conf", kRejected, 2, 28, 1, "VirtualID must be a whole number from 1 to 4294967294,"},
    {"054-virtualid-before-name.conf", kRejected, 2, 3, 1, "VirtualID comes after the name and the address of its"},
    {"055-virtualid-after-stanza.conf", kRejected, 2, 30, 1, "VirtualID must stand before the interface stanza of its"},
    {"056-ip-octet-256.conf", kRejected, 2, 6, 1, "invalid IPv4 address '10.96.0.256': '256' is above 255"},
    {"057-ip-octet-256-segment.conf", kRejected, 1, 16, 1, "invalid IPv4 address '10.96.0.256': '256' is above 255"},
    {"058-ip-leading-zero.conf", kRejected, 2, 6, 1, "invalid IPv4 address '010.096.000.001': write '010'"},
    {"059-ip-three-octets.conf", kRejected, 2, 6, 1, "invalid IPv4 address '10.96.1': it has 3 numbers"},
    {"060-ip-cidr.conf", kRejected, 2, 6, 1, "unexpected '/24' after an address"},
    {"061-port-0.conf", kAccepted, 1, 16, 1, "port 0 stands for the default port"},
    {"062-port-65535.conf", kRejected, 1, 16, 1, "port 65535 leaves no room for the token port, which is"},
    {"063-port-65536.conf", kRejected, 1, 16, 1, "port '65536' is out of range"},
    {"064-port-6-digits.conf", kRejected, 1, 16, 1, "port '480333' is out of range"},
    {"065-port-name.conf", kRejected, 1, 16, 1, "'spread' is not a port number"},
    {"066-port-blank.conf", kRejected, 1, 28, 1, "write the address and its port without blanks:"},
    {"067-segment-unspecified.conf", kRejected, 1, 16, 1, "a segment needs a multicast or broadcast address"},
    {"068-daemon-unspecified.conf", kRejected, 2, 6, 1, "the address of daemon 'd1', '0.0.0.0', is the"},
    {"069-daemon-multicast.conf", kRejected, 2, 6, 1, "the address of daemon 'd1', '239.0.0.97', is a"},
    {"070-daemon-broadcast.conf", kRejected, 2, 6, 1, "the address of daemon 'd1', '255.255.255.255', is the"},
    {"071-daemon-is-segment.conf", kAccepted, 1, 16, 1, "the segment address is that of a single host, daemon"},
    {"072-v6-segment-v4-daemon.conf", kRejected, 1, 16, 1, "segment address 'ff02::5' is IPv6, but the file is IPv4"},
    {"073-v4-segment-v6-daemon.conf", kRejected, 1, 16, 1, "segment address '10.96.0.255' is IPv4, but the file is"},
    {"074-mixed-families.conf", kRejected, 3, 6, 1, "address 'fd00:96::2' of daemon 'd2' is IPv6, but the"},
    {"075-v6-ok.conf", kAccepted, 0, 0, 0, ""},
    {"076-v6-no-brackets-port.conf", kAccepted, 1, 16, 1, "'4803' is taken as part of the address"},
    {"077-v6-brackets-no-port.conf", kAccepted, 0, 0, 0, ""},
    {"078-v6-unicast-segment.conf", kAccepted, 1, 16, 1, "the IPv6 segment address 'fd00:96::1' is not multicast"},
    {"079-v6-unknown-scope.conf", kAccepted, 0, 0, 0, ""},
    {"080-v6-malformed.conf", kRejected, 1, 16, 1, "invalid IPv6 address 'ff02:::96': it contains ':::'"},
    {"081-v6-mapped.conf", kRejected, 2, 6, 1, "invalid IPv6 address '::ffff:10.96.0.1': addresses with"},
    {"082-activeip-wrong-case.conf", kRejected, 1, 19, 1, "ActiveIPVersion must be IPv4 or IPv6 in exactly this"},
    {"083-activeip-mismatch.conf", kRejected, 2, 16, 3, "segment address '10.96.0.255' is IPv4, but the file is"},
    {"084-activeip-after.conf", kRejected, 5, 1, 1, "ActiveIPVersion contradicts the address '10.96.0.1' at"},
    {"085-activeip-twice.conf", kRejected, 2, 1, 1, "ActiveIPVersion contradicts the one at 1:1"},
    {"086-localhost-mixed.conf", kAccepted, 1, 16, 1, "a loopback segment cannot be reached from the hosts of"},
    {"087-extra-segment-addrs-ok.conf", kAccepted, 0, 0, 0, ""},
    {"088-extra-segment-addr-port.conf", kRejected, 1, 32, 1, "only the first address of a segment carries a port,"},
    {"089-segment-addrs-6.conf", kRejected, 1, 76, 1, "too many segment addresses: a segment has at most 5"},
    {"090-if-empty.conf", kRejected, 2, 16, 1, "this interface stanza is empty"},
    {"091-if-unterminated.conf", kRejected, 2, 16, 1, "this '{' is not closed (the '}' at 3:1 seems to be that"},
    {"092-if-no-daemon.conf", kRejected, 2, 16, 1, "none of these interfaces carries the daemon's traffic:"},
    {"093-if-old-style.conf", kRejected, 2, 16, 1, "none of these interfaces carries the daemon's traffic:"},
    {"094-if-unknown-letter.conf", kRejected, 2, 18, 1, "unknown interface letter 'X'"},
    {"095-if-lowercase-letter.conf", kRejected, 2, 18, 2, "unknown interface letter 'd'"},
    {"096-if-glued-letters.conf", kRejected, 2, 18, 1, "unknown interface letter 'DC'"},
    {"097-if-letters-spaced.conf", kAccepted, 0, 0, 0, ""},
    {"098-if-11.conf", kRejected, 2, 119, 1, "too many interfaces: a daemon has at most 10"},
    {"099-if-foreign.conf", kAccepted, 0, 0, 0, ""},
    {"100-if-wildcard.conf", kAccepted, 0, 0, 0, ""},
    {"101-if-monitor-only.conf", kAccepted, 0, 0, 0, ""},
    {"102-procs-128.conf", kAccepted, 0, 0, 0, ""},
    {"103-procs-129.conf", kRejected, 130, 3, 1, "too many daemons: a configuration has at most 128"},
    {"104-procs-129-split.conf", kRejected, 154, 3, 1, "too many daemons: a configuration has at most 128"},
    {"105-segments-20.conf", kAccepted, 0, 0, 0, ""},
    {"106-segments-21.conf", kRejected, 61, 1, 1, "too many segments: a configuration has at most 20"},
    {"107-hash-string-long.conf", kAccepted, 0, 0, 0, ""},
    {"108-window-0.conf", kRejected, 1, 10, 1, "Window must be from 1 to 32767, found '0'"},
    {"109-window-huge.conf", kRejected, 1, 10, 1, "Window must be from 1 to 32767, found '999999999'"},
    {"110-window-10-digits.conf", kRejected, 1, 10, 1, "number too large: Window must be from 1 to 32767, found"},
    {"111-window-negative.conf", kRejected, 1, 10, 1, "Window must be a whole number from 1 to 32767, found"},
    {"112-window-float.conf", kRejected, 1, 10, 1, "Window must be a whole number from 1 to 32767, found"},
    {"113-window-hex.conf", kRejected, 1, 10, 1, "Window must be a whole number from 1 to 32767, found"},
    {"114-personal-gt-window.conf", kRejected, 2, 18, 1, "PersonalWindow = 20 is above Window = 10 (at 1:10)"},
    {"115-accel-gt-personal.conf", kRejected, 3, 21, 1, "AcceleratedWindow = 20 is above PersonalWindow = 10 (at"},
    {"116-accel-gt-personal-off.conf", kAccepted, 2, 21, 1, "AcceleratedWindow = 20 is above PersonalWindow = 10 (at"},
    {"117-timeout-zero.conf", kRejected, 1, 16, 1, "TokenTimeout must be from 1 to 999999999, found '0'"},
    {"118-timeouts-partial.conf", kAccepted, 0, 0, 0, ""},
    {"119-timeouts-silly.conf", kAccepted, 1, 16, 9, "TokenTimeout of 1 ms is too short for a stable ring"},
    {"120-maxsession-zero.conf", kRejected, 1, 22, 1, "MaxSessionMessages must be from 1 to 999999999, found"},
    {"121-repeat-option.conf", kAccepted, 2, 1, 1, "Window is given more than once (before at 1:1)"},
    {"122-string-unterminated.conf", kRejected, 1, 16, 1, "this quote is never closed"},
    {"123-string-multiline.conf", kRejected, 3, 1, 1, "unknown option 'Bogus'"},
    {"124-string-single-quote.conf", kAccepted, 0, 0, 0, ""},
    {"125-string-backslash.conf", kRejected, 1, 20, 1, "text follows the closing quote without a blank"},
    {"126-string-hash.conf", kAccepted, 0, 0, 0, ""},
    {"127-logfile-unwritable.conf", kAccepted, 0, 0, 0, ""},
    {"128-logfile-empty.conf", kRejected, 1, 16, 1, "EventLogFile must not be empty"},
    {"129-logfile-percent.conf", kAccepted, 0, 0, 0, ""},
    {"130-logfile-long.conf", kRejected, 1, 16, 1, "EventLogFile is too long: 5005 bytes, at most 4095 are"},
    {"131-timestamp-long.conf", kAccepted, 0, 0, 0, ""},
    {"132-timestamp-percent-n.conf", kAccepted, 0, 0, 0, ""},
    {"133-rundir-empty.conf", kRejected, 1, 14, 1, "RuntimeDir must not be empty"},
    {"134-rundir-long.conf", kRejected, 1, 14, 1, "RuntimeDir is too long: 5001 bytes, at most 4095 are"},
    {"135-user-33.conf", kRejected, 1, 14, 1, "DaemonUser is too long: 33 bytes, at most 32 are allowed"},
    {"136-auth-unknown.conf", kRejected, 1, 22, 1, "unknown authentication method 'KERBEROS' in"},
    {"137-auth-blank.conf", kAccepted, 0, 0, 0, ""},
    {"138-auth-too-long.conf", kRejected, 1, 22, 1, "AllowedAuthMethods is too long: 300 bytes, at most 89"},
    {"139-auth-unquoted-two.conf", kRejected, 1, 27, 1, "unexpected 'IP' after the value of AllowedAuthMethods"},
    {"140-acp-unknown.conf", kRejected, 1, 23, 1, "unknown AccessControlPolicy 'DENY'"},
    {"141-debugflags-unknown.conf", kRejected, 1, 22, 1, "unknown flag 'BOGUS'"},
    {"142-debugflags-empty.conf", kAccepted, 0, 0, 0, ""},
    {"143-debugflags-not.conf", kAccepted, 0, 0, 0, ""},
    {"144-debugflags-not-space.conf", kAccepted, 0, 0, 0, ""},
    {"145-debugflags-unclosed.conf", kRejected, 1, 14, 1, "this '{' is not closed before 'Spread_Segment'"},
    {"146-priority-lower.conf", kRejected, 1, 17, 1, "EventPriority must be pDEBUG, INFO, WARNING, ERROR,"},
    {"147-priority-debug.conf", kRejected, 1, 17, 1, "EventPriority must be pDEBUG, INFO, WARNING, ERROR,"},
    {"148-priority-braces.conf", kRejected, 1, 17, 1, "EventPriority must be pDEBUG, INFO, WARNING, ERROR,"},
    {"149-crlf.conf", kAccepted, 0, 0, 0, ""},
    {"150-cr-only.conf", kAccepted, 0, 0, 0, ""},
    {"151-bom.conf", kAccepted, 0, 0, 0, ""},
    {"152-utf16.conf", kRejected, 1, 1, 1, "this is not a configuration file but UTF-16 text"},
    {"153-nul-byte.conf", kRejected, 3, 4, 1, "control character '\\x00' in the text"},
    {"154-nul-after.conf", kRejected, 5, 1, 1, "control character '\\x00' in the text"},
    {"155-binary-junk.conf", kRejected, 1, 1, 1, "this is not a configuration file but binary data"},
    {"156-formfeed.conf", kAccepted, 0, 0, 0, ""},
    {"157-vtab.conf", kAccepted, 0, 0, 0, ""},
    {"158-slash-comment.conf", kRejected, 1, 1, 1, "'//' starts no comment here"},
    {"159-slash-comment-in-segment.conf", kRejected, 1, 35, 2, "'//' starts no comment here"},
    {"160-ini-style.conf", kRejected, 1, 1, 2, "unexpected '[segment]': brackets only stand around an"},
    {"161-yaml.conf", kRejected, 1, 1, 2, "unknown word 'Spread_Segment:'"},
    {"162-brackets-stray.conf", kRejected, 5, 1, 1, "unexpected '[[[]]]': brackets only stand around an IPv6"},
    {"163-stray-colon.conf", kRejected, 5, 1, 1, "unexpected ':'"},
    {"164-include.conf", kRejected, 1, 1, 1, "unknown option 'Include'"},
    {"165-unexpanded-template.conf", kRejected, 1, 16, 1, "'${spread.port}' is not a port number"},
    {"166-name-lookup-fails.conf", kRejected, 2, 3, 1, "daemon name 'no-such-host.invalid' is too long: 20"},
    {"167-newline-pairing.conf", kAccepted, 0, 0, 0, ""},
    {"168-address-only.conf", kAccepted, 0, 0, 0, ""},
    {"169-name-name-address.conf", kAccepted, 2, 3, 1, "daemon 'localhost' has the loopback address"},
    {"170-long-line.conf", kAccepted, 0, 0, 0, ""},
    {"171-long-token.conf", kRejected, 1, 18, 1, "EventTimeStamp is too long: 200000 bytes, at most 255"},
    {"172-deep-comments.conf", kAccepted, 0, 0, 0, ""},
    {"173-huge-1mb.conf", kAccepted, 0, 0, 0, ""},
    {"174-many-options-20k.conf", kAccepted, 20000, 1, 1, "Window is given more than once (before at 19999:1)"},
    {"175-brace-bomb.conf", kRejected, 1, 1, 1, "this '{' belongs to nothing"},
    {"176-bang-alone.conf", kRejected, 1, 16, 1, "expected a flag after '!'"},
    {"177-no-final-newline.conf", kAccepted, 0, 0, 0, ""},
};
// clang-format on

const std::string kDirectory = std::string(SPREAD_TEST_DATA) + "/conf/hostile/";

class HostileFiles : public testing::TestWithParam<HostileFile> {};

TEST_P(HostileFiles, AreAcceptedOrRefusedForTheRightReason) {
    const HostileFile& expected = GetParam();
    const std::string path = kDirectory + std::string(expected.name);
    ASSERT_TRUE(std::filesystem::is_regular_file(path)) << path;
    TableResolver resolver;
    const ParseResult result = parse(read_file(path), expected.name, resolver);

    std::string all;
    for (const Diagnostic& diagnostic : result.diagnostics) {
        all += format(diagnostic, expected.name) + "\n";
    }
    EXPECT_EQ(result.configuration.has_value(), expected.verdict == kAccepted) << all;
    const Severity severity = expected.verdict == kAccepted ? Severity::kWarning : Severity::kError;
    const auto count = std::count_if(
        result.diagnostics.begin(), result.diagnostics.end(),
        [&](const Diagnostic& diagnostic) { return diagnostic.severity == severity; });
    EXPECT_EQ(static_cast<std::size_t>(count), expected.count) << all;
    const bool is_found = std::any_of(
        result.diagnostics.begin(), result.diagnostics.end(), [&](const Diagnostic& diagnostic) {
            return diagnostic.severity == severity &&
                   diagnostic.at == Position{expected.line, expected.column} &&
                   diagnostic.message.find(expected.message) != std::string::npos;
        });
    EXPECT_EQ(is_found, expected.line != 0) << all;
}

INSTANTIATE_TEST_SUITE_P(All, HostileFiles, testing::ValuesIn(kFiles), [](const auto& entry) {
    std::string name(entry.param.name.substr(0, entry.param.name.find('.')));
    std::replace(name.begin(), name.end(), '-', '_');
    return "H" + name;
});

TEST(HostileFiles, AreAllInTheTable) {
    std::set<std::string> listed;
    for (const HostileFile& file : kFiles) {
        listed.emplace(file.name);
    }
    std::set<std::string> present;
    for (const auto& entry : std::filesystem::directory_iterator(kDirectory)) {
        if (entry.path().extension() == ".conf") {
            present.insert(entry.path().filename().string());
        }
    }
    EXPECT_EQ(listed.size(), 177U);
    EXPECT_EQ(listed, present);
}

}  // namespace
}  // namespace spread::config
