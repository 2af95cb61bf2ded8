#include "daemon/host/startup_lines.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace spread::daemon {
namespace {

using Format = LogStyle::Format;

/// What comes on standard error, which is the journal or is not.
std::string said(bool is_journal, LogEvent event, const std::string& text, Format format) {
    testing::internal::CaptureStderr();
    struct stat facts {};
    EXPECT_EQ(::fstat(STDERR_FILENO, &facts), 0);
    if (is_journal) {
        ::setenv("JOURNAL_STREAM", fmt::format("{}:{}", facts.st_dev, facts.st_ino).c_str(), 1);
    }
    say_at_start(event, text, format);
    ::unsetenv("JOURNAL_STREAM");
    return testing::internal::GetCapturedStderr();
}

TEST(StartupLines, PeopleAndEditorsGetThemAsTheyAre) {
    EXPECT_EQ(said(false, LogEvent::kConfigurationError, "a.conf:7:1: error: x", Format::kText),
              "a.conf:7:1: error: x\n");
}

TEST(StartupLines, TheJournalKnowsHowBadEachIs) {
    EXPECT_EQ(said(true, LogEvent::kConfigurationError, "a.conf:7:1: error: x\ny", Format::kText),
              "<3>a.conf:7:1: error: x\n<3>y\n");
    EXPECT_EQ(said(true, LogEvent::kConfigurationWarning, "x\n", Format::kText), "<4>x\n");
    EXPECT_THAT(said(true, LogEvent::kFailed, "x", Format::kJson), testing::StartsWith("<3>{"));
}

TEST(StartupLines, ProgramsGetAnObject) {
    const auto line = nlohmann::json::parse(
        said(false, LogEvent::kConfigurationError, "a.conf:7:1: error: x", Format::kJson));
    EXPECT_EQ(line.at("event"), "configuration_error");
    EXPECT_EQ(line.at("level"), "error");
    EXPECT_EQ(line.at("msg"), "a.conf:7:1: error: x");
    EXPECT_EQ(line.at("daemon"), "");
    EXPECT_TRUE(line.at("ring_id").is_null());
}

}  // namespace
}  // namespace spread::daemon
