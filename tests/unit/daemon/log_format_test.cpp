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

/// The sources that log, one behind the other.
std::string logging_sources() {
    std::string out;
    for (const auto& each : std::filesystem::recursive_directory_iterator(kSource + "/daemon")) {
        if (each.path().extension() == ".cpp" && each.path().filename() != "log_event.cpp") {
            out += read_file(each.path());
        }
    }
    return out;
}

/// What the source calls the events, and their names.
std::map<std::string, std::string> names_of_events() {
    const std::string table = read_file(kSource + "/daemon/host/log_event.cpp");
    const std::regex row(R"(\{LogEvent::(k\w+), "(\w+)\")");
    std::map<std::string, std::string> out;
    for (std::sregex_iterator at(table.begin(), table.end(), row), end; at != end; ++at) {
        out.emplace((*at)[1], (*at)[2]);
    }
    EXPECT_EQ(out.size(), all_log_events().size());
    return out;
}

TEST(LogReference, EachEventOfTheTableIsLoggedSomewhere) {
    const std::string text = logging_sources();
    const std::string prefix = "LogEvent::";
    std::set<std::string> logged;
    for (auto at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1)) {
        const auto begin = text.begin() + static_cast<std::ptrdiff_t>(at + prefix.size());
        const auto end = std::find_if_not(
            begin, text.end(), [](unsigned char letter) { return std::isalnum(letter) != 0; });
        logged.emplace(begin, end);
    }
    for (const auto& [constant, name] : names_of_events()) {
        EXPECT_THAT(logged, Contains(constant)) << name << " is never logged";
    }
}

TEST(LogReference, NamesTheValuesOfEachEvent) {
    const std::string text = logging_sources();
    const auto names = names_of_events();
    auto rows = documented();
    const std::string call = "log_event_with(";
    const std::regex event(R"(\s*LogEvent::(k\w+),\s*\{)");
    const std::regex key(R"re(\{"(\w+)",)re");
    std::size_t calls = 0;
    for (auto at = text.find(call); at != std::string::npos; at = text.find(call, at + 1)) {
        std::smatch found;
        const auto arguments = text.begin() + static_cast<std::ptrdiff_t>(at + call.size());
        if (!std::regex_search(arguments, text.end(), found, event,
                               std::regex_constants::match_continuous)) {
            continue;  // which event it is shows only when it runs
        }
        ++calls;
        int depth = 1;
        const auto end = std::find_if(found[0].second, text.end(), [&](char letter) {
            depth += letter == '{' ? 1 : letter == '}' ? -1 : 0;
            return depth == 0;
        });
        const std::string& name = names.at(found[1]);
        for (std::sregex_iterator one(found[0].second, end, key), last; one != last; ++one) {
            const std::string word = (*one)[1];
            EXPECT_TRUE(word == "more" ||
                        rows[name].meaning.find("`" + word + "`") != std::string::npos)
                << "docs/log-reference.md does not say what " << word << " of " << name << " is";
        }
    }
    EXPECT_GT(calls, 25U);
}

}  // namespace
}  // namespace spread::daemon
