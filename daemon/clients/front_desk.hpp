#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/clients/listeners.hpp"
#include "daemon/clients/session_server.hpp"
#include "daemon/clients/unix_listener.hpp"
#include "daemon/host/logging.hpp"

namespace spread::daemon {

/// The main thread, once the daemon serves: accepts connections and hands them to the session
/// thread, and handles signals. What is rare and may take long is done here, so that it delays no
/// messages.
class FrontDesk {
  public:
    /// `server` must outlive this object.
    FrontDesk(SessionServer& server, std::vector<TcpListener> tcp_listeners,
              std::unique_ptr<UnixListener> unix_listener);
    ~FrontDesk();
    FrontDesk(const FrontDesk&) = delete;
    FrontDesk& operator=(const FrontDesk&) = delete;

    /// Called on SIGHUP.
    void on_reload(std::function<void()> hook) { reload_hook_ = std::move(hook); }
    /// Called on SIGUSR2.
    void on_dump(std::function<void()> hook) { dump_hook_ = std::move(hook); }

    /// Starts the session thread and serves until that has ended, which SIGTERM or SIGINT makes it
    /// do.
    void run();

  private:
    struct Acceptor {
        boost::asio::posix::stream_descriptor descriptor;
        bool is_unix = false;
    };

    void add_acceptor(int fd, bool is_unix);
    void wait_accept(const std::shared_ptr<Acceptor>& acceptor);
    void accept_some(const std::shared_ptr<Acceptor>& acceptor);
    void pause_accepting(std::chrono::milliseconds pause);
    void watch_unix_socket();
    void listen_to_unix_socket();
    void wait_signals();
    void on_signal(int number);
    void stop();

    SessionServer& server_;
    boost::asio::io_context io_;
    boost::asio::signal_set signals_;
    boost::asio::steady_timer accept_timer_;
    std::unique_ptr<UnixListener> unix_listener_;
    boost::asio::steady_timer unix_timer_;
    std::vector<std::shared_ptr<Acceptor>> acceptors_;  ///< shared with waits in progress
    std::function<void()> reload_hook_;
    std::function<void()> dump_hook_;
    bool accepting_paused_ = false;
    bool stopping_ = false;
    RateLimit accept_limit_{std::chrono::seconds(10)};
};

}  // namespace spread::daemon
