#pragma once

#include <chrono>
#include <optional>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/admin/admin_commands.hpp"

namespace spread::admin {

class StatusSource;

/// A stop that waits for the clients: no new ones are taken in, so that those who come go to other
/// daemons, and when the last one has gone, or at the end of patience, the daemon leaves the ring.
class Drain {
  public:
    /// `source` and `commands` must outlive this object.
    Drain(boost::asio::io_context& io, StatusSource& source, const AdminCommands& commands)
        : source_(source), commands_(commands), timer_(io) {}

    /// Once more: only the patience is another one.
    void begin(std::chrono::seconds patience);
    /// The daemon stops for whatever reason.
    void stop();

  private:
    void look();

    StatusSource& source_;
    const AdminCommands& commands_;
    boost::asio::steady_timer timer_;
    std::optional<std::chrono::steady_clock::time_point> until_;
    bool stopped_ = false;
};

}  // namespace spread::admin
