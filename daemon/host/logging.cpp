#include "daemon/host/logging.hpp"

#include <pthread.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <memory>
#include <mutex>

#include <spdlog/async.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "daemon/host/log_output.hpp"
#include "daemon/host/recent_lines.hpp"

namespace spread::daemon {
namespace {

constexpr std::size_t kQueuedLinesMax = 8192;

std::atomic<std::uint32_t> enabled_types{0xffffffff};
std::atomic<bool> reopen_wanted{false};
RecentLines recent_lines;

spdlog::level::level_enum to_spdlog(LogLevel level) {
    switch (level) {
        case LogLevel::kDebug: return spdlog::level::debug;
        case LogLevel::kInfo: return spdlog::level::info;
        case LogLevel::kWarning: return spdlog::level::warn;
        case LogLevel::kError: return spdlog::level::err;
        case LogLevel::kCritical: break;
    }
    return spdlog::level::critical;
}

/// Formats lines and writes them. What could not be written is told by the next line that can.
class LineSink final : public spdlog::sinks::base_sink<std::mutex> {
  public:
    explicit LineSink(std::string path) : output_(std::move(path)) {}

    /// Whose queue the lines wait in. It ends the log thread before it goes.
    void watch_overruns(spdlog::details::thread_pool* pool) { pool_ = pool; }

    [[nodiscard]] int give_to(uid_t user, gid_t group) {
        const std::lock_guard<std::mutex> lock(mutex_);
        return output_.give_to(user, group);
    }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        report_lost();
        spdlog::memory_buf_t line;
        formatter_->format(message, line);
        recent_lines.add({line.data(), line.size()});
        output_.write({line.data(), line.size()});
    }

    /// Called when somebody wants the file reopened; lines need no flushing.
    void flush_() override {
        if (!reopen_wanted.exchange(false) || output_.path().empty()) {
            return;
        }
        if (const int error = output_.reopen()) {
            say(spdlog::level::err, fmt::format("cannot open log file {} anew: {}; going on in the "
                                                "old file",
                                                output_.path(), std::strerror(error)));
        } else {
            say(spdlog::level::info, "log file reopened");
        }
    }

  private:
    bool say(spdlog::level::level_enum level, const std::string& text) {
        spdlog::memory_buf_t line;
        formatter_->format(spdlog::details::log_msg("spreadd", level, text), line);
        return output_.write({line.data(), line.size()});
    }

    void report_lost() {
        const LogOutput::Lost lost = output_.lost();
        if (lost.lines > 0) {
            output_.forget_lost();
            if (!say(spdlog::level::warn, fmt::format("{} log lines were lost: {}", lost.lines,
                                                      std::strerror(lost.error)))) {
                output_.restore_lost(lost);
            }
        }
        const std::size_t overrun = overrun_lines();
        if (overrun > overrun_told_ &&
            say(spdlog::level::warn,
                fmt::format("{} log lines were lost: more than {} waited to be written",
                            overrun - overrun_told_, kQueuedLinesMax))) {
            overrun_told_ = overrun;
        }
    }

    [[nodiscard]] std::size_t overrun_lines() const {
        return pool_ == nullptr ? 0 : pool_->overrun_counter();
    }

    LogOutput output_;
    spdlog::details::thread_pool* pool_ = nullptr;
    std::size_t overrun_told_ = 0;
};

/// EventTimeStamp: the user's own strftime format in front of level and text.
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
        const auto level = spdlog::level::to_string_view(message.level);
        append(line, {level.data(), level.size()});
        append(line, ": ");
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
std::shared_ptr<LineSink> current_sink;

void block_all_signals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

}  // namespace

void start_logging(const LogSettings& settings) {
    LogOutput::start();
    auto sink = std::make_shared<LineSink>(settings.file);
    if (settings.time_stamp) {
        sink->set_formatter(
            std::make_unique<StampFormatter>(*settings.time_stamp, settings.precise_time_stamp));
    } else {
        sink->set_formatter(
            std::make_unique<spdlog::pattern_formatter>("%Y-%m-%d %H:%M:%S.%e %l: %v"));
    }
    spdlog::init_thread_pool(kQueuedLinesMax, 1, [begin = settings.thread_start] {
        block_all_signals();
        if (begin) {
            begin();
        }
    });
    sink->watch_overruns(spdlog::thread_pool().get());
    auto logger = std::make_shared<spdlog::async_logger>(
        "spreadd", sink, spdlog::thread_pool(), spdlog::async_overflow_policy::overrun_oldest);
    logger->set_level(to_spdlog(settings.level));
    enabled_types.store(settings.types, std::memory_order_relaxed);
    current_logger = logger;
    current_sink = std::move(sink);
    spdlog::set_default_logger(std::move(logger));
}

std::optional<LogLevel> log_level_of(std::string_view name) {
    constexpr std::array<std::string_view, 5> kNames = {"debug", "info", "warning", "error",
                                                        "critical"};
    const auto found = std::find(kNames.begin(), kNames.end(), name);
    return found == kNames.end() ? std::nullopt
                                 : std::optional(static_cast<LogLevel>(found - kNames.begin()));
}

bool set_log_level(LogLevel level) {
    if (current_logger == nullptr) {
        return false;
    }
    current_logger->set_level(to_spdlog(level));
    return true;
}

void reopen_log() {
    if (const auto logger = current_logger) {
        reopen_wanted.store(true);
        logger->flush();  // by the log thread
    }
}

int give_log_to(uid_t user, gid_t group) {
    return current_sink == nullptr ? 0 : current_sink->give_to(user, group);
}

std::string recent_log() {
    return recent_lines.text();
}

void stop_logging() {
    LogOutput::stop();
    spdlog::shutdown();
}

void discard_log() {
    spdlog::set_default_logger(nullptr);
}

bool is_logged(LogLevel level, LogType type) {
    const spdlog::logger* logger = spdlog::default_logger_raw();
    if (logger == nullptr || !logger->should_log(to_spdlog(level))) {
        return false;
    }
    return level >= LogLevel::kWarning ||
           (enabled_types.load(std::memory_order_relaxed) & static_cast<std::uint32_t>(type)) != 0;
}

void write_log_line(LogLevel level, std::string_view text) {
    if (spdlog::logger* logger = spdlog::default_logger_raw()) {
        logger->log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
    }
}

}  // namespace spread::daemon
