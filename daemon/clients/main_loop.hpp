#pragma once

#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "daemon/clients/acceptor.hpp"
#include "daemon/clients/session_server.hpp"

namespace spread::daemon {

/// The main thread, once the daemon serves: signals, and the acceptor. What is rare and may take
/// long is done here, so that it delays no messages.
class MainLoop {
  public:
    /// `server` must outlive this object.
    MainLoop(SessionServer& server, std::vector<TcpListener> tcp_listeners,
             std::unique_ptr<UnixListener> unix_listener);
    MainLoop(const MainLoop&) = delete;
    MainLoop& operator=(const MainLoop&) = delete;

    /// Called on SIGHUP.
    void on_reload(std::function<void()> hook) { reload_hook_ = std::move(hook); }
    /// Called on SIGUSR2.
    void on_dump(std::function<void()> hook) { dump_hook_ = std::move(hook); }

    /// Starts the session thread and serves until that has ended, which SIGTERM or SIGINT makes it
    /// do.
    void run();

  private:
    void wait_signals();
    void on_signal(int number);
    void on_stop_signal(int number);

    SessionServer& server_;
    boost::asio::io_context io_;
    boost::asio::signal_set signals_;
    Acceptor acceptor_;
    std::function<void()> reload_hook_;
    std::function<void()> dump_hook_;
    bool stopping_ = false;
};

}  // namespace spread::daemon
