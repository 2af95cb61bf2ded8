#include "daemon/host/logging.hpp"

#include <pthread.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <mutex>

#include <spdlog/async.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include "daemon/host/blocked_signals.hpp"
#include "daemon/host/log_output.hpp"
#include "daemon/host/recent_lines.hpp"

namespace spread::daemon {
namespace {

constexpr std::size_t kQueuedLinesMax = 8192;
/// Of a message that is no line but names the ring; no level of the log holds it back.
constexpr auto kRingLevel = spdlog::level::off;

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
    LineSink(std::string path, LogStyle style)
        : output_(std::move(path)), style_(std::move(style)) {}

    /// Whose queue the lines wait in. It ends the log thread before it goes.
    void watch_overruns(spdlog::details::thread_pool* pool) { pool_ = pool; }

    [[nodiscard]] int give_to(uid_t user, gid_t group) {
        const std::lock_guard<std::mutex> lock(mutex_);
        return output_.give_to(user, group);
    }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override {
        const std::string_view bytes(message.payload.data(), message.payload.size());
        if (message.level == kRingLevel) {
            ring_id_ = bytes;
            return;
        }
        report_lost();
        if (const auto record = decode(bytes)) {
            const std::string line = log_line_of(*record, message.time, ring_id_, style_);
            recent_lines.add(line);
            output_.write(line);
        }
    }

    /// Called when somebody wants the file reopened; lines need no flushing.
    void flush_() override {
        if (!reopen_wanted.exchange(false) || output_.path().empty()) {
            return;
        }
        if (const int error = output_.reopen()) {
            say({LogEvent::kLogReopenFailed,
                 fmt::format("cannot open log file {} anew: {}; going on in the old file",
                             output_.path(), std::strerror(error)),
                 {}});
        } else {
            say({LogEvent::kLogReopened, "log file reopened", {}});
        }
    }

  private:
    bool say(const LogRecord& record) {
        return output_.write(
            log_line_of(record, std::chrono::system_clock::now(), ring_id_, style_));
    }

    void report_lost() {
        const LogOutput::Lost lost = output_.lost();
        if (lost.lines > 0) {
            output_.forget_lost();
            if (!say({LogEvent::kLogLinesLost,
                      fmt::format("{} log lines were lost: {}", lost.lines,
                                  std::strerror(lost.error)),
                      {{"lines", lost.lines}}})) {
                output_.restore_lost(lost);
            }
        }
        const std::size_t overrun = overrun_lines();
        if (overrun > overrun_told_ &&
            say({LogEvent::kLogLinesLost,
                 fmt::format("{} log lines were lost: more than {} waited to be written",
                             overrun - overrun_told_, kQueuedLinesMax),
                 {{"lines", overrun - overrun_told_}}})) {
            overrun_told_ = overrun;
        }
    }

    [[nodiscard]] std::size_t overrun_lines() const {
        return pool_ == nullptr ? 0 : pool_->overrun_counter();
    }

    LogOutput output_;
    LogStyle style_;
    std::string ring_id_;
    spdlog::details::thread_pool* pool_ = nullptr;
    std::size_t overrun_told_ = 0;
};

/// Outlives the log thread, so that the thread which stops logging is also the one that ends it.
std::shared_ptr<spdlog::logger> current_logger;
std::shared_ptr<LineSink> current_sink;

}  // namespace

void start_logging(const LogSettings& settings) {
    LogOutput::start();
    auto sink = std::make_shared<LineSink>(settings.file, settings.style);
    spdlog::init_thread_pool(kQueuedLinesMax, 1, [begin = settings.thread_start] {
        block_signals();
        ::pthread_setname_np(::pthread_self(), "log");
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

std::uint64_t log_lines_lost() {
    const auto pool = spdlog::thread_pool();
    return LogOutput::lines_lost() + (pool == nullptr ? 0 : pool->overrun_counter());
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

void write_log_record(const LogRecord& record) {
    if (spdlog::logger* logger = spdlog::default_logger_raw()) {
        const std::string bytes = encode(record);
        logger->log(to_spdlog(spec_of(record.event).level),
                    spdlog::string_view_t(bytes.data(), bytes.size()));
    }
}

void set_log_ring(std::string_view ring_id) {
    if (spdlog::logger* logger = spdlog::default_logger_raw()) {
        logger->log(kRingLevel, spdlog::string_view_t(ring_id.data(), ring_id.size()));
    }
}

}  // namespace spread::daemon
