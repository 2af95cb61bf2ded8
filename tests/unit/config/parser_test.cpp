#include "config/parser.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config_test_support.hpp"

namespace spread::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST(Parser, ReportsAllProblemsOfAFileInFileOrder) {
    EXPECT_THAT(problems_of("DangerousMonitr = yes\n"
                            "Window = 1.5\n"
                            "Spread_Segment 239.0.0.1:4803 {\n"
                            "  d1 10.0.0.256\n"
                            "  d2 10.0.0.2 VirtualID = 0\n"
                            "  D 10.0.0.3\n"
                            "  d1234567890123456789 10.0.0.4\n"
                            "}\n"
                            "EventPriority = info\n"),
                ElementsAre(StartsWith("1:1: error: unknown option 'DangerousMonitr'"),
                            StartsWith("2:10: error: Window must be a whole number"),
                            StartsWith("4:6: error: invalid IPv4 address"),
                            StartsWith("5:27: error: VirtualID must be"),
                            StartsWith("6:3: error: 'D' is a keyword"),
                            StartsWith("7:3: error: daemon name"),
                            StartsWith("9:17: error: EventPriority")));
}

TEST(Parser, OptionsMayStandBeforeBetweenAndAfterSegments) {
    const auto result = parse_text(
        "Window = 50\nSpread_Segment 239.0.0.1 { a 10.0.0.1 }\nPersonalWindow = 10\n"
        "Spread_Segment 239.0.0.2 { b 10.0.0.2 }\nMaxSessionMessages = 7 DangerousMonitor = yes");
    ASSERT_TRUE(result.configuration);
    EXPECT_EQ(result.configuration->window, 50U);
    EXPECT_EQ(result.configuration->personal_window, 10U);
    EXPECT_EQ(result.configuration->max_session_messages, 7U);
    EXPECT_TRUE(result.configuration->dangerous_monitor);
    EXPECT_EQ(result.configuration->segments.size(), 2U);
}

TEST(Parser, BlanksAndLineBreaksAreAlike) {
    const auto result = parse_text(
        "Window\n=\n50\nSpread_Segment\n239.0.0.1:4803\n239.0.0.2\n{\na\n10.0.0.1\nVirtualID\n=\n"
        "5\n{\nD\n10.0.0.1\n}\n}");
    ASSERT_TRUE(result.configuration) << problems(result).front();
    EXPECT_EQ(result.configuration->window, 50U);
    EXPECT_EQ(result.configuration->daemons[0].id, 5U);
}

TEST(Parser, RemembersWhereThingsStand) {
    const auto result = parse_text(
        "\n  EventLogFile = x.log\n  Spread_Segment 239.0.0.1:4803 239.0.0.2 {\n"
        "    d1 10.0.0.1 { D 10.0.0.1 }\n    10.0.0.2\n  }\n");
    ASSERT_TRUE(result.configuration);
    const Configuration& configuration = *result.configuration;
    EXPECT_EQ(configuration.position_of("EventLogFile"), (Position{2, 3}));
    EXPECT_EQ(configuration.segments[0].at, (Position{3, 3}));
    EXPECT_THAT(configuration.segments[0].addresses_at,
                ElementsAre(Position{3, 18}, Position{3, 33}));
    EXPECT_EQ(configuration.daemons[0].at, (Position{4, 5}));
    EXPECT_EQ(configuration.daemons[0].address_at, (Position{4, 8}));
    EXPECT_EQ(configuration.daemons[0].interfaces[0].at, (Position{4, 21}));
    EXPECT_EQ(configuration.daemons[1].at, (Position{5, 5}));
}

TEST(Parser, TheFileNameIsKeptAndPrefixesEveryMessage) {
    TableResolver resolver;
    const auto good = parse(kGoodSegment, "/etc/spread.conf", resolver);
    ASSERT_TRUE(good.configuration);
    EXPECT_EQ(good.configuration->file_name, "/etc/spread.conf");
    EXPECT_EQ(format(Diagnostic{Severity::kError, {3, 4}, "text"}, "a.conf"),
              "a.conf:3:4: error: text");
    EXPECT_EQ(format(Diagnostic{Severity::kWarning, {3, 4}, "text"}, "a.conf"),
              "a.conf:3:4: warning: text");
}

TEST(Parser, AMisspeltSegmentIsStillReadAsOne) {
    EXPECT_THAT(problems_of("Spread_Segmnt 239.0.0.1:4803 {\n  d1 10.0.0.256\n}\n"),
                ElementsAre(HasSubstr("did you mean 'Spread_Segment'"),
                            StartsWith("2:6: error: invalid IPv4 address")));
}

TEST(Parser, AnUnknownOptionDoesNotHideTheNextLine) {
    EXPECT_THAT(problems_of("Foo = 3\nBar { 1 2 3 }\nBaz=4\n" + std::string(kGoodSegment)),
                ElementsAre("1:1: error: unknown option 'Foo'", "2:1: error: unknown option 'Bar'",
                            "3:1: error: unknown option 'Baz'"));
}

TEST(Parser, AnUnclosedSegmentPointsAtItsBrace) {
    EXPECT_THAT(problems_of("Spread_Segment 239.0.0.1:4803\n{\n  d1 10.0.0.1\n"),
                ElementsAre(StartsWith("2:1: error: this '{' is never closed")));
}

TEST(Parser, ASegmentInsideASegmentIsReportedOnceAndReadOn) {
    EXPECT_THAT(problems_of("Spread_Segment 239.0.0.1:4803 {\n  d1 10.0.0.1\n"
                            "Spread_Segment 239.0.0.2:4803 {\n  d1 10.0.0.2\n}\n}\n"),
                ElementsAre(StartsWith("3:1: error: a segment cannot contain another one"),
                            StartsWith("4:3: error: daemon name 'd1' is already used at 2:3")));
}

TEST(Parser, AnUnclosedStanzaPointsAtItsBrace) {
    EXPECT_THAT(problems_of("Spread_Segment 239.0.0.1:4803 {\n  d1 10.0.0.1 { D 10.0.0.1\n"
                            "  d2 10.0.0.2\n}\n"),
                ElementsAre(StartsWith("2:15: error: this '{' is not closed before 'd2' at 3:3")));
    EXPECT_THAT(problems_of("Spread_Segment 239.0.0.1:4803 {\n  d1 10.0.0.1 { D 10.0.0.1\n}\n"),
                ElementsAre(StartsWith("2:15: error: this '{' is not closed (the '}' at 3:1")));
    EXPECT_THAT(problems_of("Spread_Segment 239.0.0.1:4803 {\n  d1 10.0.0.1 { D 10.0.0.1"),
                ElementsAre(StartsWith("1:31: error"), StartsWith("2:15: error")));
}

TEST(Parser, AStanzaThatIsClosedIsNotBlamedForAnUnclosedSegment) {
    EXPECT_THAT(
        problems_of("Spread_Segment 239.0.0.1:4803 {\n  d1 10.0.0.1 {\n    D 10.0.0.1\n  }\n"),
        ElementsAre(StartsWith("1:31: error: this '{' is never closed")));
}

TEST(Parser, AForgottenOpeningBraceDoesNotHideTheDaemons) {
    EXPECT_THAT(problems_of("Spread_Segment 239.0.0.1:4803\n  d1 10.0.0.1\n  d1 10.0.0.2\n}\n"),
                ElementsAre("2:3: error: expected '{' before 'd1'",
                            StartsWith("3:3: error: daemon name 'd1' is already used")));
}

TEST(Parser, OptionsInsideASegmentAreReportedAndLeftOut) {
    const auto lines = problems_of(
        "Spread_Segment 239.0.0.1:4803 {\n  d1 10.0.0.1\n  Window = 3\n  Windwo = 4\n"
        "  EventPreciseTimeStamp\n  DebugFlags = { ALL }\n}\n");
    EXPECT_THAT(lines, ElementsAre(StartsWith("3:3: error: option 'Window' inside a segment"),
                                   HasSubstr("did you mean 'Window'"),
                                   StartsWith("5:3: error: option 'EventPreciseTimeStamp'"),
                                   StartsWith("6:3: error: option 'DebugFlags'")));
}

TEST(Parser, EveryFormOfADaemonIsRead) {
    const auto result = with_daemons(
        "a 10.0.0.1\n"
        "10.0.0.2\n"
        "localhost ;\n"
        "'c' 10.0.0.3 VirtualID = 7 { D C M 10.0.0.3 C 0.0.0.0 } ;\n"
        "e 10.0.0.5 ; f 10.0.0.6 VirtualID=8");
    ASSERT_TRUE(result.configuration) << problems(result).front();
    const auto& daemons = result.configuration->daemons;
    ASSERT_EQ(daemons.size(), 6U);
    EXPECT_EQ(daemons[0].name, "a");
    EXPECT_EQ(daemons[1].name, "10.0.0.2");
    EXPECT_EQ(daemons[1].address.to_string(), "10.0.0.2");
    EXPECT_EQ(daemons[2].name, "localhost");
    EXPECT_EQ(daemons[2].address.to_string(), "127.0.0.1");
    EXPECT_EQ(daemons[3].id, 7U);
    ASSERT_EQ(daemons[3].interfaces.size(), 2U);
    EXPECT_TRUE(daemons[3].interfaces[0].daemon && daemons[3].interfaces[0].client &&
                daemons[3].interfaces[0].monitor);
    EXPECT_FALSE(daemons[3].interfaces[1].daemon);
    EXPECT_TRUE(daemons[3].interfaces[1].client);
    EXPECT_EQ(daemons[5].name, "f");
    EXPECT_EQ(daemons[5].id, 8U);
    EXPECT_TRUE(daemons[5].id_explicit);
    EXPECT_FALSE(daemons[0].id_explicit);
}

TEST(Parser, SuggestsQuotesForNamesThatMeanSomethingElse) {
    for (const std::string name : {"D", "C", "M", "on", "YES", "Auto", "ALL", "STATUS", "Window",
                                   "INFO", "IPv4", "VirtualID", "7", "EventTimeStamp"}) {
        EXPECT_THAT(problems(with_daemons(name + " 10.0.0.1")),
                    ElementsAre(HasSubstr("write \"" + name + "\"")))
            << name;
        EXPECT_TRUE(with_daemons("'" + name + "' 10.0.0.1").configuration) << name;
    }
}

TEST(Parser, WordsOfEarlierVersionsOnlyWarn) {
    const auto result = parse_text(
        "LinkProtocol=Hop\nRouteMatrix {\n 0 1\n 1 0\n}\n"
        "DebugInitialSequence\n" +
        std::string(kGoodSegment));
    EXPECT_TRUE(result.configuration);
    EXPECT_THAT(problems(result), ElementsAre(StartsWith("1:1: warning: LinkProtocol"),
                                              StartsWith("2:1: warning: RouteMatrix"),
                                              StartsWith("6:1: warning: DebugInitialSequence")));
}

TEST(Parser, AnOptionTakesOneValue) {
    EXPECT_THAT(problems_of("Window = 160 161\nDaemonUser = a b\nEventPreciseTimeStamp = x\n" +
                            std::string(kGoodSegment)),
                ElementsAre(StartsWith("1:14: error: unexpected '161' after the value of Window"),
                            HasSubstr("needs quotes around all of it"),
                            StartsWith("3:23: error: EventPreciseTimeStamp takes no value")));
}

TEST(Parser, AnOptionWithoutValueDoesNotSwallowTheNextStatement) {
    EXPECT_THAT(problems_of("Window =\nPersonalWindow\n= \n" + std::string(kGoodSegment)),
                ElementsAre(StartsWith("1:8: error: Window has no value"),
                            StartsWith("3:1: error: PersonalWindow has no value")));
    EXPECT_THAT(problems_of("Window\n" + std::string(kGoodSegment)),
                ElementsAre(StartsWith("1:1: error: Window needs '='")));
}

TEST(Parser, WordsThatMeanSomethingElseNeedQuotesAsValues) {
    for (const std::string value : {"D", "on", "STATUS", "7", "10.0.0.1", "[::1]", "[::1"}) {
        EXPECT_THAT(problems_of("EventLogFile = " + value + "\n" + std::string(kGoodSegment)),
                    ElementsAre(HasSubstr("put it in quotes")))
            << value;
        EXPECT_EQ(with_options("EventLogFile = '" + value + "'")->event_log_file, value);
    }
}

TEST(Parser, StopsAfterTooManyErrors) {
    std::string text;
    for (int i = 0; i < 1000; ++i) {
        text += "Nonsense = 1\n";
    }
    const auto lines = problems_of(text);
    ASSERT_EQ(lines.size(), kMaxErrors + 1);
    EXPECT_THAT(lines[kMaxErrors - 1], StartsWith("20:1: error: unknown option"));
    EXPECT_THAT(lines[kMaxErrors], HasSubstr("correct these first"));
}

TEST(Parser, ShowsALimitedNumberOfWarnings) {
    std::string daemons;
    for (int i = 1; i <= 100; ++i) {
        daemons += "n" + std::to_string(i) + "; 10.0.0." + std::to_string(i) + "\n";
    }
    const auto result = with_daemons(daemons);
    EXPECT_TRUE(result.configuration);
    EXPECT_EQ(result.diagnostics.size(), kMaxWarnings + 1);
    EXPECT_THAT(result.diagnostics.back().message, HasSubstr("not shown"));
}

TEST(Parser, RefusesAFileThatIsTooLarge) {
    const std::string text = std::string(kGoodSegment) + std::string(kMaxFileBytes, '\n');
    EXPECT_THAT(problems_of(text), ElementsAre(HasSubstr("larger than")));
    EXPECT_TRUE(parse_text(std::string_view(text).substr(0, kMaxFileBytes)).configuration);
}

// Reading the rest of the file again for every token would take hours here; the time limit of the
// test run is the assertion.
TEST(Parser, LargeHostileFilesEnd) {
    constexpr std::size_t kBytes = 64 * 1024;
    const auto repeat = [](std::string_view piece) {
        std::string text;
        while (text.size() < kBytes) {
            text += piece;
        }
        return text;
    };
    for (const std::string_view piece : {"{",
                                         "}",
                                         "[",
                                         "\"",
                                         "'\n\"\n",
                                         "\"x\"y ",
                                         "${",
                                         "$",
                                         "=",
                                         "Window=",
                                         "Window= ",
                                         "a=b ",
                                         "Spread_Segment ",
                                         "Spread_Segment {",
                                         "Spread_Segment 1.1.1.1 { x ",
                                         "DebugFlags = { ",
                                         "DebugFlags = {{",
                                         "D C M ",
                                         "; ",
                                         "!",
                                         "# \n",
                                         "//\n",
                                         "1.",
                                         "1:",
                                         "x 10.0.0.1 ",
                                         "RouteMatrix { ",
                                         "VirtualID = "}) {
        const auto result = parse_text(repeat(piece));
        EXPECT_LE(result.diagnostics.size(), kMaxErrors + kMaxWarnings + 2) << piece;
        const std::string in_segment = "Spread_Segment 239.0.0.1 { " + repeat(piece);
        EXPECT_FALSE(parse_text(in_segment).configuration) << piece;
    }
}

TEST(Parser, EveryTruncationOfAGoodFileIsReadToItsEnd) {
    const std::string text =
        "EventLogFile = \"a b\"\nDebugFlags = { ALL !DEBUG }\n"
        "Spread_Segment [ff02::96]:4803 ff02::97 {\n"
        "  d1 fd00:96::1 VirtualID = 7 { D fd00:96::1 C :: } ;\n  'd2' fd00:96::2\n}\n"
        "Window = 50\n";
    ASSERT_TRUE(parse_text(text).configuration);
    std::size_t accepted = 0;
    for (std::size_t length = 0; length <= text.size(); ++length) {
        const std::vector<char> exact(text.begin(),
                                      text.begin() + static_cast<std::ptrdiff_t>(length));
        const auto result = parse_text(std::string_view(exact.data(), exact.size()));
        accepted += result.configuration ? 1 : 0;
        const bool has_error = std::any_of(
            result.diagnostics.begin(), result.diagnostics.end(),
            [](const Diagnostic& diagnostic) { return diagnostic.severity == Severity::kError; });
        EXPECT_NE(result.configuration.has_value(), has_error) << length;
    }
    // After the brace of the segment, after its line, after "5", after "50" and its line.
    EXPECT_EQ(accepted, 5U);
}

}  // namespace
}  // namespace spread::config
