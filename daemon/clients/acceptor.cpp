#include "daemon/clients/acceptor.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/host/clock.hpp"
#include "daemon/host/endpoint.hpp"

namespace spread::daemon {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

constexpr int kAcceptsPerWait = 8;
/// Connections that may wait for the session thread; more wait in the kernel.
constexpr std::size_t kHandedOverMax = 256;
constexpr auto kHandedOverPause = std::chrono::milliseconds(1);
constexpr auto kUnixSocketLook = std::chrono::seconds(2);
/// After the kernel had no descriptors or memory left.
constexpr auto kShortagePause = std::chrono::milliseconds(100);

}  // namespace

Acceptor::Acceptor(asio::io_context& io, SessionServer& server,
                   std::vector<TcpListener> tcp_listeners,
                   std::unique_ptr<UnixListener> unix_listener)
    : io_(io),
      server_(server),
      pause_timer_(io_),
      unix_listener_(std::move(unix_listener)),
      unix_timer_(io_) {
    for (TcpListener& listener : tcp_listeners) {
        add(listener.fd.release(), false);
    }
    listen_to_unix_socket();
}

void Acceptor::start() {
    for (const auto& socket : sockets_) {
        wait(socket);
    }
    watch_unix_socket();
}

void Acceptor::stop() {
    if (std::exchange(stopped_, true)) {
        return;
    }
    for (const auto& socket : sockets_) {
        error_code ignored;
        socket->descriptor.close(ignored);
    }
    if (unix_listener_) {
        unix_listener_->unlink_own();
    }
}

void Acceptor::add(int fd, bool is_unix) {
    sockets_.push_back(
        std::make_shared<Listening>(Listening{asio::posix::stream_descriptor(io_, fd), is_unix}));
}

void Acceptor::wait(const std::shared_ptr<Listening>& socket) {
    socket->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                  [this, socket](const error_code& error) {
                                      if (!error && socket->descriptor.is_open()) {
                                          accept_some(socket);
                                      }
                                  });
}

void Acceptor::accept_some(const std::shared_ptr<Listening>& socket) {
    if (stopped_ || paused_) {
        return;
    }
    for (int i = 0; i < kAcceptsPerWait; ++i) {
        if (server_.clients_to_take_in() >= kHandedOverMax) {
            pause(kHandedOverPause);
            return;
        }
        Endpoint peer;
        peer.length = sizeof peer.storage;
        UniqueFd fd(::accept4(socket->descriptor.native_handle(), peer.address(), &peer.length,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd) {
            server_.take_in(std::move(fd), peer, socket->is_unix);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            if (const auto more = shortage_limit_.admit(now())) {
                log_event(LogEvent::kAcceptFailed,
                          "cannot accept clients: {}; trying again. Raise the limit of open files "
                          "(ulimit -n, LimitNOFILE=)",
                          std::strerror(errno));
            }
            pause(kShortagePause);
            return;
        }
        // That connection is gone already.
    }
    wait(socket);
}

void Acceptor::pause(std::chrono::milliseconds time) {
    paused_ = true;
    pause_timer_.expires_after(time);
    pause_timer_.async_wait([this](const error_code& cancelled) {
        paused_ = false;
        if (cancelled || stopped_) {
            return;
        }
        for (const auto& socket : sockets_) {
            socket->descriptor.cancel();
            wait(socket);
        }
    });
}

void Acceptor::listen_to_unix_socket() {
    if (unix_listener_ && unix_listener_->fd() >= 0) {
        // Asio gets a duplicate, so that each side closes its own.
        add(::fcntl(unix_listener_->fd(), F_DUPFD_CLOEXEC, 0), true);
    }
}

/// Somebody may remove the socket's file: cleaners of /tmp do.
void Acceptor::watch_unix_socket() {
    if (!unix_listener_) {
        return;
    }
    unix_timer_.expires_after(kUnixSocketLook);
    unix_timer_.async_wait([this](const error_code& cancelled) {
        if (cancelled || stopped_) {
            return;
        }
        switch (unix_listener_->look()) {
            case UnixListener::Look::kUnchanged: break;
            case UnixListener::Look::kMadeAgain:
                log_event(LogEvent::kUnixSocketRemade,
                          "{} was gone; made again for clients of this host",
                          unix_listener_->path());
                std::erase_if(sockets_, [](const auto& each) {
                    if (each->is_unix) {
                        each->descriptor.close();  // its handler may be about to run
                    }
                    return each->is_unix;
                });
                listen_to_unix_socket();
                if (!paused_) {
                    wait(sockets_.back());
                }
                break;
            case UnixListener::Look::kLost:
                log_event(LogEvent::kUnixSocketLost, "clients of this host find no Unix socket: {}",
                          unix_listener_->problem());
                break;
        }
        watch_unix_socket();
    });
}

}  // namespace spread::daemon
