#include "daemon/admin/liveness_report.hpp"

#include <utility>

#include <fmt/format.h>

#include "daemon/admin/status_source.hpp"

namespace spread::admin {

std::string liveness_lines(const Status& status) {
    const Verdict verdict = verdict_of(status);
    std::string text = verdict.sentence;
    if (status.sessions) {
        text += fmt::format(", {} clients", status.sessions->connected);
    }
    if (status.draining_until) {
        text += ", being drained";
    }
    return fmt::format("{}STATUS={}\n", verdict.state == "stuck" ? "" : "WATCHDOG=1\n", text);
}

LivenessReport::LivenessReport(boost::asio::io_context& io, StatusSource& source,
                               std::chrono::microseconds period, Notify notify)
    : source_(source), timer_(io), period_(period), notify_(std::move(notify)) {}

void LivenessReport::start() {
    source_.status([this](const Status& status) {
        if (stopped_) {
            return;
        }
        notify_(liveness_lines(status));
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
