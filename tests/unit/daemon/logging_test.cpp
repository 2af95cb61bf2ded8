#include "daemon/host/logging.hpp"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/host/log_output.hpp"
#include "daemon/host/startup_error.hpp"
#include "daemon/host/unique_fd.hpp"
#include "temporary_directory.hpp"
#include "tests/support/read_file.hpp"

namespace spread::daemon {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;
using ::testing::Not;

using support::read_file;

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
    log_event(LogEvent::kReady, "number {}", 7);
    log_event(LogEvent::kCounters, "not at this level");
    stop_logging();
    EXPECT_THAT(read_file(directory / "log"),
                MatchesRegex("[-0-9]+T[0-9:.]+[-+][0-9:]+ info print: number 7 event=ready\n"));
}

TEST(Logging, ATypeFilterNeverHidesWarnings) {
    const TemporaryDirectory directory;
    LogSettings settings;
    settings.file = directory / "log";
    settings.types = static_cast<std::uint32_t>(LogType::kMembership);
    start_logging(settings);
    log_event(LogEvent::kListenNarrow, "filtered");
    log_event(LogEvent::kRingState, "wanted");
    log_event(LogEvent::kClientDropped, "important");
    stop_logging();
    const std::string text = read_file(directory / "log");
    EXPECT_THAT(text, Not(HasSubstr("filtered")));
    EXPECT_THAT(text, HasSubstr("wanted"));
    EXPECT_THAT(text, HasSubstr("important"));
}

TEST(Logging, TheUsersTimeStampReplacesOurs) {
    const TemporaryDirectory directory;
    LogSettings settings;
    settings.file = directory / "log";
    settings.style.time_stamp = "%Y";
    settings.style.precise_time_stamp = true;
    start_logging(settings);
    log_event(LogEvent::kReady, "stamped");
    stop_logging();
    EXPECT_THAT(
        read_file(directory / "log"),
        MatchesRegex("\\[[0-9][0-9][0-9][0-9]\\.[0-9]+\\] info print: stamped event=ready\n"));
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
        log_event(LogEvent::kReady, "{} {}", i, std::string(1000, 'x'));
    }
    stop_logging();
    std::string text(1U << 16U, '\0');
    const ssize_t count = ::read(reader.get(), text.data(), text.size());
    ASSERT_GT(count, 2000);
    text.resize(static_cast<std::size_t>(count));
    EXPECT_THAT(text, HasSubstr("info print: 0 xxx"));
    EXPECT_THAT(text, HasSubstr("info print: 1 xxx"));
    EXPECT_THAT(text, Not(HasSubstr("info print: 49 ")));
}

TEST(Logging, ARotatedFileIsOpenedAnew) {
    const TemporaryDirectory directory;
    LogSettings settings;
    settings.file = directory / "log";
    start_logging(settings);
    std::filesystem::rename(directory / "log", directory / "log.1");
    reopen_log();
    log_event(LogEvent::kReady, "after");
    stop_logging();
    EXPECT_THAT(read_file(directory / "log"), HasSubstr("info print: log file reopened"));
    EXPECT_THAT(read_file(directory / "log"), HasSubstr("after"));
    EXPECT_THAT(read_file(directory / "log.1"), Not(HasSubstr("after")));
}

TEST(Logging, AFileThatCannotBeReopenedIsToldInTheOldOne) {
    const TemporaryDirectory directory;
    std::filesystem::create_directory(directory / "sub");
    LogSettings settings;
    settings.file = directory / "sub/log";
    start_logging(settings);
    std::filesystem::rename(directory / "sub/log", directory / "kept");
    std::filesystem::remove(directory / "sub");
    reopen_log();
    log_event(LogEvent::kReady, "after");
    stop_logging();
    const std::string text = read_file(directory / "kept");
    EXPECT_THAT(text, HasSubstr("error print: cannot open log file " + settings.file +
                                " anew: No such file or directory; going on in the old file"));
    EXPECT_THAT(text, Not(HasSubstr("reopened")));
    EXPECT_THAT(text, HasSubstr("after"));
}

// The stopped reader of above, with more lines than a second has time for at a tenth each.
TEST(Logging, AllLinesTogetherHaveOneSecondAtTheEnd) {
    const TemporaryDirectory directory;
    LogSettings settings;
    settings.file = directory / "log";
    ASSERT_EQ(::mkfifo(settings.file.c_str(), 0600), 0);
    const UniqueFd reader(::open(settings.file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    ASSERT_TRUE(reader);
    start_logging(settings);
    for (int i = 0; i < 8000; ++i) {
        log_event(LogEvent::kReady, "{} {}", i, std::string(100, 'x'));
    }
    stop_logging();  // 800 s if each line waited; the test's own limit is shorter
}

TEST(LogOutput, AFifoWithoutReaderIsOpenedWhenThereIsOne) {
    const TemporaryDirectory directory;
    const std::string path = directory / "fifo";
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    LogOutput output(path);
    EXPECT_FALSE(output.write("lost\n"));
    EXPECT_EQ(output.lost().lines, 1U);
    EXPECT_EQ(output.lost().error, ENXIO);
    const UniqueFd reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    EXPECT_TRUE(output.write("read\n"));
    std::array<char, 64> text{};
    EXPECT_EQ(::read(reader.get(), text.data(), text.size()), 5);
}

/// Limits the size of files as a full disk would.
class FileSizeLimit {
  public:
    explicit FileSizeLimit(rlim_t bytes) : ignored_(std::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        rlimit limit = before_;
        limit.rlim_cur = bytes;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ~FileSizeLimit() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        std::signal(SIGXFSZ, ignored_);
    }
    FileSizeLimit(const FileSizeLimit&) = delete;
    FileSizeLimit& operator=(const FileSizeLimit&) = delete;

  private:
    rlimit before_{};
    void (*ignored_)(int);
};

TEST(LogOutput, AFullDiskLosesWholeLinesAndCountsThem) {
    const TemporaryDirectory directory;
    LogOutput output(directory / "log");
    EXPECT_TRUE(output.write("first\n"));
    {
        const FileSizeLimit limit(10);
        EXPECT_FALSE(output.write("second\n"));  // four bytes of it would fit
        EXPECT_FALSE(output.write("third\n"));
    }
    EXPECT_EQ(output.lost().lines, 2U);
    EXPECT_EQ(output.lost().error, EFBIG);
    EXPECT_TRUE(output.write("fourth\n"));
    EXPECT_EQ(read_file(directory / "log"), "first\nfourth\n");
}

TEST(Logging, LostLinesAreToldWhenWritingWorksAgain) {
    const TemporaryDirectory directory;
    LogSettings settings;
    settings.file = directory / "log";
    ASSERT_EQ(::mkfifo(settings.file.c_str(), 0600), 0);
    start_logging(settings);
    log_event(LogEvent::kReady, "nobody reads");
    log_event(LogEvent::kReady, "nor this");
    // The log thread has taken both when it says that the file is open.
    UniqueFd reader;
    std::string text;
    const auto give_up = std::chrono::steady_clock::now() + 30s;
    while (text.find("lost") == std::string::npos && std::chrono::steady_clock::now() < give_up) {
        std::this_thread::sleep_for(20ms);
        if (!reader) {
            reader = UniqueFd(::open(settings.file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        }
        log_event(LogEvent::kReady, "again");
        std::array<char, 4096> bytes{};
        const ssize_t count = ::read(reader.get(), bytes.data(), bytes.size());
        text.append(bytes.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    stop_logging();
    EXPECT_THAT(text, HasSubstr("log lines were lost: No such device or address"));
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
