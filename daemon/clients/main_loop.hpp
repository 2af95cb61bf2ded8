#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "daemon/clients/listeners.hpp"
#include "daemon/clients/session_server.hpp"
#include "daemon/clients/unix_listener.hpp"

namespace boost::asio {
class io_context;
}  // namespace boost::asio

namespace spread::daemon {

/// The main thread, once the daemon serves: signals, and the acceptor. What is rare and may take
/// long is done here, so that it delays no messages. Keeps Asio, whose headers take long to
/// compile, to itself.
class MainLoop {
  public:
    /// `server` must outlive this object.
    MainLoop(SessionServer& server, std::vector<TcpListener> tcp_listeners,
             std::unique_ptr<UnixListener> unix_listener);
    ~MainLoop();
    MainLoop(const MainLoop&) = delete;
    MainLoop& operator=(const MainLoop&) = delete;

    /// For what else is to be done on this thread.
    [[nodiscard]] boost::asio::io_context& io();
    /// Called when the daemon begins to stop.
    void on_stop(std::function<void()> hook);
    /// No new clients from now on.
    void stop_accepting();
    /// Leaves the ring and stops, as SIGTERM does.
    void stop();
    /// Called on SIGHUP.
    void on_reload(std::function<void()> hook);
    /// Called on SIGUSR2.
    void on_dump(std::function<void()> hook);

    /// Starts the session thread and serves until that has ended, which SIGTERM or SIGINT makes it
    /// do.
    void run();

  private:
    class Impl;

    std::unique_ptr<Impl> impl_;
};

}  // namespace spread::daemon
