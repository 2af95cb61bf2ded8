#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/admin/status.hpp"

namespace spread::admin {

class StatusSource;

/// What the service manager is told of a status: that the daemon is alive, unless a thread does not
/// turn, and one line of text when that differs from `last_text`, which then holds it.
[[nodiscard]] std::string liveness_lines(const Status& status, std::string& last_text);

/// Tells the service manager now and then that all threads of the daemon turn, and how it is. Who
/// is silent because a thread hangs is started again by the manager.
class LivenessReport {
  public:
    using Notify = std::function<void(const std::string& lines)>;

    /// At start() and every `period` until stop(). `source` must outlive this object.
    LivenessReport(boost::asio::io_context& io, StatusSource& source,
                   std::chrono::microseconds period, Notify notify);

    void start();
    void stop();

  private:
    void wait();

    StatusSource& source_;
    boost::asio::steady_timer timer_;
    std::chrono::microseconds period_;
    Notify notify_;
    std::string text_;
    bool stopped_ = false;
};

}  // namespace spread::admin
