#include "daemon/logging.hpp"

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/startup_error.hpp"
#include "temporary_directory.hpp"

namespace spread::daemon {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

std::string text_of(const std::string& path) {
    std::ifstream in(path);
    std::stringstream text;
    text << in.rdbuf();
    return text.str();
}

TEST(RateLimit, LetsOneThroughPerIntervalAndCountsTheRest) {
    RateLimit limit(10s);
    protocol::Instant at{};
    EXPECT_EQ(limit.admit(at), 0U);
    EXPECT_EQ(limit.admit(at + 1s), std::nullopt);
    EXPECT_EQ(limit.admit(at + 9s), std::nullopt);
    EXPECT_EQ(limit.admit(at + 10s), 2U);
    EXPECT_EQ(limit.admit(at + 11s), std::nullopt);
    EXPECT_EQ(limit.admit(at + 30s), 1U);
}

TEST(Logging, LinesReachTheFileWithTimeAndLevel) {
    const TemporaryDirectory directory;
    LogSettings settings;
    settings.file = directory / "log";
    start_logging(settings);
    log_info(LogType::kPrint, "number {}", 7);
    log_debug(LogType::kPrint, "not at this level");
    stop_logging();
    EXPECT_THAT(text_of(directory / "log"), MatchesRegex("[-0-9]+ [0-9:.]+ info: number 7\n"));
}

TEST(Logging, ATypeFilterNeverHidesWarnings) {
    const TemporaryDirectory directory;
    LogSettings settings;
    settings.file = directory / "log";
    settings.types = static_cast<std::uint32_t>(LogType::kMembership);
    start_logging(settings);
    log_info(LogType::kSession, "filtered");
    log_info(LogType::kMembership, "wanted");
    log_warning(LogType::kSession, "important");
    stop_logging();
    const std::string text = text_of(directory / "log");
    EXPECT_THAT(text, Not(HasSubstr("filtered")));
    EXPECT_THAT(text, HasSubstr("wanted"));
    EXPECT_THAT(text, HasSubstr("important"));
}

TEST(Logging, TheUsersTimeStampReplacesOurs) {
    const TemporaryDirectory directory;
    LogSettings settings;
    settings.file = directory / "log";
    settings.time_stamp = "%Y";
    settings.precise_time_stamp = true;
    start_logging(settings);
    log_info(LogType::kPrint, "stamped");
    stop_logging();
    EXPECT_THAT(text_of(directory / "log"),
                MatchesRegex("\\[[0-9][0-9][0-9][0-9]\\.[0-9]+\\] stamped\n"));
}

TEST(Logging, ARotatedFileIsOpenedAnew) {
    const TemporaryDirectory directory;
    LogSettings settings;
    settings.file = directory / "log";
    start_logging(settings);
    std::filesystem::rename(directory / "log", directory / "log.1");
    reopen_log();
    log_info(LogType::kPrint, "after");
    stop_logging();
    EXPECT_THAT(text_of(directory / "log"), HasSubstr("after"));
    EXPECT_THAT(text_of(directory / "log.1"), Not(HasSubstr("after")));
}

TEST(Logging, AFileThatCannotBeOpenedIsNamed) {
    LogSettings settings;
    settings.file = "/nonexistent-directory/log";
    try {
        start_logging(settings);
        FAIL() << "was opened";
    } catch (const StartupError& error) {
        EXPECT_THAT(error.what(), HasSubstr("/nonexistent-directory/log"));
    }
}

}  // namespace
}  // namespace spread::daemon
