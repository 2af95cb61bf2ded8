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
/// turn, and one line of text: each time, since others tell the manager of the ring as well.
[[nodiscard]] std::string liveness_lines(const Status& status);

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
    bool stopped_ = false;
};

}  // namespace spread::admin
