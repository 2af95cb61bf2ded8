#pragma once

#include <cstddef>
#include <memory>
#include <span>

#include "daemon/admin/admin_commands.hpp"
#include "daemon/admin/admin_sockets.hpp"
#include "daemon/admin/history.hpp"
#include "daemon/admin/status_parts.hpp"

namespace boost::asio {
class io_context;
}  // namespace boost::asio
namespace spread::daemon {
struct Endpoint;
}  // namespace spread::daemon

namespace spread::admin {

/// The admin wing as the daemon sees it: opened before privileges are given up, served by the main
/// thread from start() to stop().
class Admin {
  public:
    /// `io`, `history` and all of `parts` must outlive this object.
    Admin(boost::asio::io_context& io, const StatusParts& parts, History& history,
          AdminCommands commands, AdminSockets sockets);
    ~Admin();
    Admin(const Admin&) = delete;
    Admin& operator=(const Admin&) = delete;

    void start();
    void stop();
    /// From any thread: a datagram at one of the ring's sockets that is not of the ring. True: it
    /// is of stock's monitor, and is dealt with.
    [[nodiscard]] bool offer(const daemon::Endpoint& source, std::span<const std::byte> datagram);

  private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace spread::admin
