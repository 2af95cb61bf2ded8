#include "daemon/host/logging.hpp"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <memory>

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>

#include "daemon/host/startup_error.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {
namespace {

constexpr std::size_t kQueuedLinesMax = 8192;

std::atomic<std::uint32_t> enabled_types{0xffffffff};
std::atomic<bool> reopen_wanted{false};

int open_log(const std::string& path) {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

/// How long stopping waits for whoever reads the log, a pipe or a terminal.
constexpr auto kStopPatience = std::chrono::seconds(1);
/// When to give up; zero while nobody stops.
std::atomic<std::chrono::steady_clock::duration> stop_deadline{};

bool stopping_takes_too_long() {
    const auto deadline = stop_deadline.load();
    return deadline.count() != 0 && std::chrono::steady_clock::now().time_since_epoch() > deadline;
}

/// False when the descriptor takes nothing and that is waited for no longer.
bool wait_writable(int fd) {
    constexpr int kLookEveryMs = 100;
    pollfd poll_fd{fd, POLLOUT, 0};
    for (;;) {
        const int ready = ::poll(&poll_fd, 1, kLookEveryMs);
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            return true;  // an error shows in the write
        }
        if (stopping_takes_too_long()) {
            return false;
        }
    }
}

/// Writes each line with one system call, so that nothing is left in a buffer when the daemon dies.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit LineSink(std::string path) : path_(std::move(path)) {
        if (!path_.empty()) {
            file_ = UniqueFd(open_log(path_));
            if (!file_) {
                throw StartupError(
                    fmt::format("cannot open log file {}: {}", path_, std::strerror(errno)));
            }
        }
    }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        if (reopen_wanted.exchange(false) && !path_.empty()) {
            // On failure the old file stays: better a line in the wrong file than none.
            if (UniqueFd fresh(open_log(path_)); fresh) {
                file_ = std::move(fresh);
            }
        }
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        const int fd = path_.empty() ? STDERR_FILENO : file_.get();
        std::size_t done = 0;
        while (done < line.size()) {
            if (!wait_writable(fd)) {
                return;
            }
            // A writable pipe takes this much without blocking.
            const std::size_t size = std::min<std::size_t>(line.size() - done, PIPE_BUF);
            const ssize_t count = ::write(fd, line.data() + done, size);
            if (count < 0 && errno != EINTR) {
                return;
            }
            done += count > 0 ? static_cast<std::size_t>(count) : 0;
        }
    }
    void flush_() override {}

  private:
    std::string path_;
    UniqueFd file_;
};

/// EventTimeStamp: the user's own strftime format in front of the bare text.
class StampFormatter final : public spdlog::formatter {
  public:
    StampFormatter(std::string format, bool precise)
        : format_(std::move(format)), precise_(precise) {}

    void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
        const std::time_t seconds = spdlog::log_clock::to_time_t(message.time);
        std::tm local{};
        ::localtime_r(&seconds, &local);
        std::array<char, 256> text{};
        const std::size_t length = std::strftime(text.data(), text.size(), format_.c_str(), &local);
        append(line, "[");
        append(line, std::string_view(text.data(), length));
        if (precise_) {
            const auto micros = std::chrono::duration_cast<std::chrono::microseconds>(
                                    message.time.time_since_epoch())
                                    .count() %
                                1000000;
            append(line, fmt::format(".{:06}", micros));
        }
        append(line, "] ");
        append(line, std::string_view(message.payload.data(), message.payload.size()));
        append(line, "\n");
    }
    [[nodiscard]] std::unique_ptr<spdlog::formatter> clone() const override {
        return std::make_unique<StampFormatter>(format_, precise_);
    }

  private:
    static void append(spdlog::memory_buf_t& line, std::string_view text) {
        line.append(text.data(), text.data() + text.size());
    }

    std::string format_;
    bool precise_;
};

/// Outlives the log thread, so that the thread which stops logging is also the one that ends it.
std::shared_ptr<spdlog::logger> current_logger;

void block_all_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

void start_logging(const LogSettings& settings) {
    stop_deadline.store({});
    auto sink = std::make_shared<LineSink>(settings.file);
    if (settings.time_stamp) {
        sink->set_formatter(
            std::make_unique<StampFormatter>(*settings.time_stamp, settings.precise_time_stamp));
    } else {
        sink->set_formatter(
            std::make_unique<spdlog::pattern_formatter>("%Y-%m-%d %H:%M:%S.%e %l: %v"));
    }
    spdlog::init_thread_pool(kQueuedLinesMax, 1, [] { block_all_signals(); });
    auto logger =
        std::make_shared<spdlog::async_logger>("spreadd", std::move(sink), spdlog::thread_pool(),
                                               spdlog::async_overflow_policy::overrun_oldest);
    logger->set_level(settings.level);
    enabled_types.store(settings.types, std::memory_order_relaxed);
    current_logger = logger;
    spdlog::set_default_logger(std::move(logger));
}

void reopen_log() {
    reopen_wanted.store(true);
}

void stop_logging() {
    stop_deadline.store((std::chrono::steady_clock::now() + kStopPatience).time_since_epoch());
    spdlog::shutdown();
}

spdlog::logger* logger_for(spdlog::level::level_enum level, LogType type) {
    spdlog::logger* logger = spdlog::default_logger_raw();
    if (logger == nullptr || !logger->should_log(level)) {
        return nullptr;
    }
    const bool wanted =
        level >= spdlog::level::warn ||
        (enabled_types.load(std::memory_order_relaxed) & static_cast<std::uint32_t>(type)) != 0;
    return wanted ? logger : nullptr;
}

}  // namespace spread::daemon
