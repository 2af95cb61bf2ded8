// How lines look to people, to programs and to the journal, and whether docs/log-reference.md tells
// of each.
#include "daemon/host/log_format.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "daemon/host/logging.hpp"
#include "temporary_directory.hpp"
#include "tests/support/read_file.hpp"

namespace spread::daemon {
namespace {

using nlohmann::json;
using support::read_file;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kSource = std::string(SPREAD_TEST_DATA) + "/../..";

/// The zone of a test; the host's again behind it.
class Zone {
  public:
    explicit Zone(const char* name) {
        const char* before = ::getenv("TZ");
        before_ = before == nullptr ? "" : before;
        ::setenv("TZ", name, 1);
        ::tzset();
    }
    ~Zone() {
        if (before_.empty()) {
            ::unsetenv("TZ");
        } else {
            ::setenv("TZ", before_.c_str(), 1);
        }
        ::tzset();
    }
    Zone(const Zone&) = delete;
    Zone& operator=(const Zone&) = delete;

  private:
    std::string before_;
};

const std::chrono::system_clock::time_point kAt{std::chrono::milliseconds(1796004764101)};

LogRecord incomplete() {
    return {LogEvent::kRingIncomplete,
            "installed configuration of 2 of 3 daemons: node1 node2",
            {{"members", 2}, {"missing", "node3 silent"}, {"is_slow", false}}};
}

TEST(LogFormat, TheTimeHasAZone) {
    const Zone zone("XYZ-5:30");  // east of Greenwich
    EXPECT_EQ(iso_time(kAt), "2026-11-30T07:42:44.101+05:30");
}

TEST(LogFormat, FieldsFollowTheSentence) {
    const Zone zone("UTC0");
    EXPECT_EQ(log_line_of(incomplete(), kAt, "", {}),
              "2026-11-30T02:12:44.101+00:00 warning membership: installed configuration of 2 of 3 "
              "daemons: node1 node2 members=2 missing=\"node3 silent\" is_slow=false "
              "event=ring_incomplete\n");
}

TEST(LogFormat, AFieldDoesNotPretendToBeAnother) {
    const LogRecord record{
        LogEvent::kClientNote, "x", {{"client", "a b=c \"d\"\n"}, {"empty", ""}}};
    EXPECT_THAT(log_line_of(record, kAt, "", {}),
                HasSubstr(R"(x client="a b=c \"d\"\x0a" empty="" event=client_note)"));
}

TEST(LogFormat, TheNameOfTheDaemonOnRequest) {
    LogStyle style;
    style.names_daemon = true;
    style.daemon = "node1";
    EXPECT_THAT(log_line_of(incomplete(), kAt, "", style),
                HasSubstr(" node1 warning membership: "));
}

TEST(LogFormat, TheJournalGetsAPriorityAndNoTime) {
    LogStyle style;
    style.to_journal = true;
    EXPECT_THAT(log_line_of(incomplete(), kAt, "", style),
                StartsWith("<4>warning membership: installed"));
    EXPECT_THAT(log_line_of({LogEvent::kFailed, "x", {}}, kAt, "", style), StartsWith("<3>error"));
    EXPECT_THAT(log_line_of({LogEvent::kReady, "x", {}}, kAt, "", style), StartsWith("<6>info"));
    style.time_stamp = "%Y";
    EXPECT_THAT(log_line_of({LogEvent::kReady, "x", {}}, kAt, "", style), StartsWith("<6>[2026]"));
}

TEST(LogFormat, JsonHasTheFieldsThatProgramsLookFor) {
    const Zone zone("UTC0");
    LogStyle style;
    style.format = LogStyle::Format::kJson;
    style.daemon = "node1";
    const std::string line = log_line_of(incomplete(), kAt, "7.8", style);
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    const json parsed = json::parse(line);
    EXPECT_EQ(parsed, (json{{"ts", "2026-11-30T02:12:44.101+00:00"},
                            {"level", "warning"},
                            {"subject", "membership"},
                            {"msg", "installed configuration of 2 of 3 daemons: node1 node2"},
                            {"event", "ring_incomplete"},
                            {"daemon", "node1"},
                            {"ring_id", "7.8"},
                            {"members", 2},
                            {"missing", "node3 silent"},
                            {"is_slow", false}}));
    EXPECT_TRUE(json::parse(log_line_of({LogEvent::kReady, "\xff\n", {}}, kAt, "", style))
                    .at("ring_id")
                    .is_null())
        << "and bytes that are no UTF-8 stop nothing";
}

TEST(LogFormat, TheJournalIsKnownByItsStream) {
    struct stat facts {};
    ASSERT_EQ(::fstat(STDERR_FILENO, &facts), 0);
    ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", facts.st_dev, facts.st_ino).c_str(), 1);
    EXPECT_TRUE(is_stderr_journal());
    ::setenv("JOURNAL_STREAM", "1:1", 1);
    EXPECT_FALSE(is_stderr_journal()) << "stderr was redirected";
    ::unsetenv("JOURNAL_STREAM");
    EXPECT_FALSE(is_stderr_journal());
}

TEST(LogRecord, SurvivesTheQueue) {
    EXPECT_EQ(decode(encode(incomplete())), incomplete());
    const std::string bytes = encode(incomplete());
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto part = decode(std::string_view(bytes).substr(0, size));
        EXPECT_NE(part, incomplete()) << size;
    }
    EXPECT_EQ(decode("\xff"), std::nullopt);
}

TEST(Logging, LinesNameTheRingWhateverTheLevel) {
    const TemporaryDirectory directory;
    LogSettings settings;
    settings.file = directory / "log";
    settings.level = LogLevel::kWarning;
    settings.style.format = LogStyle::Format::kJson;
    start_logging(settings);
    log_event(LogEvent::kOwnPause, "before");
    set_log_ring("7.8");
    log_event_with(LogEvent::kOwnPause, {{"pause_ms", 5}}, "after {}", 5);
    stop_logging();
    std::istringstream lines(read_file(directory / "log"));
    std::vector<json> rings;
    for (std::string line; std::getline(lines, line);) {
        rings.push_back(json::parse(line).at("ring_id"));
    }
    EXPECT_THAT(rings, ElementsAre(json(), json("7.8")));
}

struct Row {
    std::string level;
    std::string subject;
    std::string meaning;
};

std::map<std::string, Row> documented() {
    std::map<std::string, Row> out;
    const std::string text = read_file(kSource + "/docs/log-reference.md");
    const std::regex row(R"(\n\| `(\w+)` \| (\w+) \| (\w+) \| ([^\n]*) \|)");
    for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at) {
        EXPECT_TRUE(out.emplace((*at)[1], Row{(*at)[2], (*at)[3], (*at)[4]}).second) << (*at)[1];
    }
    return out;
}

TEST(LogReference, TellsOfEachEventAndOfNoOther) {
    const auto rows = documented();
    for (const LogEventSpec& spec : all_log_events()) {
        const auto row = rows.find(std::string(spec.name));
        ASSERT_NE(row, rows.end()) << spec.name << " is not in docs/log-reference.md";
        EXPECT_EQ(row->second.level, to_string(spec.level)) << spec.name;
        EXPECT_EQ(row->second.subject, to_string(spec.type)) << spec.name;
        EXPECT_GT(row->second.meaning.size(), 10U) << spec.name;
    }
    EXPECT_EQ(rows.size(), all_log_events().size())
        << "an event of the reference is not in the table";
}

TEST(LogReference, EachEventOfTheTableIsLoggedSomewhere) {
    const std::string prefix = "LogEvent::";
    std::set<std::string> logged;
    for (const auto& each : std::filesystem::recursive_directory_iterator(kSource + "/daemon")) {
        const std::string name = each.path().filename().string();
        if (each.path().extension() == ".cpp" && name != "log_event.cpp") {
            const std::string text = read_file(each.path());
            for (auto at = text.find(prefix); at != std::string::npos;
                 at = text.find(prefix, at + 1)) {
                const auto begin = text.begin() + static_cast<std::ptrdiff_t>(at + prefix.size());
                const auto end = std::find_if_not(begin, text.end(), [](unsigned char letter) {
                    return std::isalnum(letter) != 0;
                });
                logged.emplace(begin, end);
            }
        }
    }
    const std::string table = read_file(kSource + "/daemon/host/log_event.cpp");
    const std::regex row(R"(\{LogEvent::(k\w+), "(\w+)\")");
    std::size_t rows = 0;
    for (std::sregex_iterator at(table.begin(), table.end(), row), end; at != end; ++at, ++rows) {
        EXPECT_THAT(logged, Contains((*at)[1].str())) << (*at)[2] << " is never logged";
    }
    EXPECT_EQ(rows, all_log_events().size());
}

}  // namespace
}  // namespace spread::daemon
