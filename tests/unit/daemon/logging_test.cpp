#include "daemon/host/logging.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/host/startup_error.hpp"
#include "daemon/host/unique_fd.hpp"
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

// As with "spreadd | less", or a terminal stopped with Ctrl-S.
TEST(Logging, AReaderThatHasStoppedReadingDoesNotKeepUsFromEnding) {
    const TemporaryDirectory directory;
    LogSettings settings;
    settings.file = directory / "log";
    ASSERT_EQ(::mkfifo(settings.file.c_str(), 0600), 0);
    const UniqueFd reader(::open(settings.file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    ASSERT_TRUE(reader);
    ASSERT_GT(::fcntl(reader.get(), F_SETPIPE_SZ, 16384), 0);
    start_logging(settings);
    for (int i = 0; i < 50; ++i) {
        log_info(LogType::kPrint, "{} {}", i, std::string(1000, 'x'));
    }
    stop_logging();
    std::string text(1U << 16U, '\0');
    const ssize_t count = ::read(reader.get(), text.data(), text.size());
    ASSERT_GT(count, 2000);
    text.resize(static_cast<std::size_t>(count));
    EXPECT_THAT(text, HasSubstr("info: 0 xxx"));
    EXPECT_THAT(text, HasSubstr("info: 1 xxx"));
    EXPECT_THAT(text, Not(HasSubstr("info: 49 ")));
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
