#pragma once

#include <chrono>
#include <memory>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/clients/listeners.hpp"
#include "daemon/clients/session_server.hpp"
#include "daemon/clients/unix_listener.hpp"
#include "daemon/host/logging.hpp"

namespace spread::daemon {

/// Accepts clients' connections and hands them to the session thread, as fast as that takes them
/// in. Makes the Unix socket again when somebody has removed its file.
class Acceptor {
  public:
    /// `io` and `server` must outlive this object.
    Acceptor(boost::asio::io_context& io, SessionServer& server,
             std::vector<TcpListener> tcp_listeners, std::unique_ptr<UnixListener> unix_listener);
    Acceptor(const Acceptor&) = delete;
    Acceptor& operator=(const Acceptor&) = delete;

    void start();
    /// Closes the sockets: who connects from now on is refused.
    void stop();

  private:
    struct Listening {
        boost::asio::posix::stream_descriptor descriptor;
        bool is_unix = false;
    };

    void add(int fd, bool is_unix);
    void wait(const std::shared_ptr<Listening>& socket);
    void accept_some(const std::shared_ptr<Listening>& socket);
    void pause(std::chrono::milliseconds time);
    void watch_unix_socket();
    void listen_to_unix_socket();

    boost::asio::io_context& io_;
    SessionServer& server_;
    std::vector<std::shared_ptr<Listening>> sockets_;  ///< shared with waits in progress
    boost::asio::steady_timer pause_timer_;
    std::unique_ptr<UnixListener> unix_listener_;
    boost::asio::steady_timer unix_timer_;
    bool paused_ = false;
    bool stopped_ = false;
    RateLimit shortage_limit_{std::chrono::seconds(10)};
};

}  // namespace spread::daemon
