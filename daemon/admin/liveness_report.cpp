#include "daemon/admin/liveness_report.hpp"

#include <utility>

#include <fmt/format.h>

#include "daemon/admin/status_source.hpp"

namespace spread::admin {

std::string liveness_lines(const Status& status, std::string& last_text) {
    const Verdict verdict = verdict_of(status);
    std::string lines = verdict.state == "stuck" ? "" : "WATCHDOG=1\n";
    std::string text = verdict.sentence;
    if (status.sessions) {
        text += fmt::format(", {} clients", status.sessions->connected);
    }
    if (status.draining_until) {
        text += ", being drained";
    }
    if (text != last_text) {
        lines += "STATUS=" + text + "\n";
        last_text = std::move(text);
    }
    return lines;
}

LivenessReport::LivenessReport(boost::asio::io_context& io, StatusSource& source,
                               std::chrono::microseconds period, Notify notify)
    : source_(source), timer_(io), period_(period), notify_(std::move(notify)) {}

void LivenessReport::start() {
    source_.status([this](const Status& status) {
        if (stopped_) {
            return;
        }
        if (const std::string lines = liveness_lines(status, text_); !lines.empty()) {
            notify_(lines);
        }
        wait();
    });
}

void LivenessReport::wait() {
    timer_.expires_after(period_);
    timer_.async_wait([this](const boost::system::error_code& cancelled) {
        if (!cancelled && !stopped_) {
            start();
        }
    });
}

void LivenessReport::stop() {
    stopped_ = true;
    timer_.cancel();
}

}  // namespace spread::admin
