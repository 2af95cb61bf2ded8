#include "daemon/clients/front_desk.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>

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

FrontDesk::FrontDesk(SessionServer& server, std::vector<TcpListener> tcp_listeners,
                     std::unique_ptr<UnixListener> unix_listener)
    : server_(server),
      io_(1),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      accept_timer_(io_),
      unix_listener_(std::move(unix_listener)),
      unix_timer_(io_) {
    signals_.add(SIGUSR1);
    signals_.add(SIGUSR2);
    signals_.add(SIGQUIT);
    for (TcpListener& listener : tcp_listeners) {
        add_acceptor(listener.fd.release(), false);
    }
    listen_to_unix_socket();
}

FrontDesk::~FrontDesk() = default;

void FrontDesk::run() {
    const auto work = asio::make_work_guard(io_);
    for (const auto& acceptor : acceptors_) {
        wait_accept(acceptor);
    }
    watch_unix_socket();
    wait_signals();
    server_.start([this] { io_.stop(); });
    try {
        io_.run();
    } catch (...) {
        server_.stop();
        server_.wait();  // it tells us when it ends
        throw;
    }
    server_.wait();
    error_code ignored;
    signals_.clear(ignored);  // whoever is impatient from here on ends the process at once
}

// Accepting ----------------------------------------------------------------------------------

void FrontDesk::add_acceptor(int fd, bool is_unix) {
    acceptors_.push_back(
        std::make_shared<Acceptor>(Acceptor{asio::posix::stream_descriptor(io_, fd), is_unix}));
}

void FrontDesk::wait_accept(const std::shared_ptr<Acceptor>& acceptor) {
    acceptor->descriptor.async_wait(asio::posix::stream_descriptor::wait_read,
                                    [this, acceptor](const error_code& error) {
                                        if (!error && acceptor->descriptor.is_open()) {
                                            accept_some(acceptor);
                                        }
                                    });
}

void FrontDesk::accept_some(const std::shared_ptr<Acceptor>& acceptor) {
    if (stopping_ || accepting_paused_) {
        return;
    }
    for (int i = 0; i < kAcceptsPerWait; ++i) {
        if (server_.clients_to_take_in() >= kHandedOverMax) {
            pause_accepting(kHandedOverPause);
            return;
        }
        Endpoint peer;
        peer.length = sizeof peer.storage;
        UniqueFd fd(::accept4(acceptor->descriptor.native_handle(), peer.address(), &peer.length,
                              SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (fd) {
            server_.take_in(std::move(fd), peer, acceptor->is_unix);
            continue;
        }
        if (errno == EAGAIN || errno == EWOULDBLOCK) {
            break;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            if (const auto more = accept_limit_.admit(now())) {
                log_error(LogType::kSession,
                          "cannot accept clients: {}; trying again. Raise the limit of open files "
                          "(ulimit -n, LimitNOFILE=)",
                          std::strerror(errno));
            }
            pause_accepting(kShortagePause);
            return;
        }
        // That connection is gone already.
    }
    wait_accept(acceptor);
}

void FrontDesk::pause_accepting(std::chrono::milliseconds pause) {
    accepting_paused_ = true;
    accept_timer_.expires_after(pause);
    accept_timer_.async_wait([this](const error_code& cancelled) {
        accepting_paused_ = false;
        if (cancelled || stopping_) {
            return;
        }
        for (const auto& acceptor : acceptors_) {
            acceptor->descriptor.cancel();
            wait_accept(acceptor);
        }
    });
}

void FrontDesk::listen_to_unix_socket() {
    if (unix_listener_ && unix_listener_->fd() >= 0) {
        // Asio gets a duplicate, so that each side closes its own.
        add_acceptor(::fcntl(unix_listener_->fd(), F_DUPFD_CLOEXEC, 0), true);
    }
}

/// Somebody may remove the socket's file: cleaners of /tmp do.
void FrontDesk::watch_unix_socket() {
    if (!unix_listener_) {
        return;
    }
    unix_timer_.expires_after(kUnixSocketLook);
    unix_timer_.async_wait([this](const error_code& cancelled) {
        if (cancelled || stopping_) {
            return;
        }
        switch (unix_listener_->look()) {
            case UnixListener::Look::kUnchanged: break;
            case UnixListener::Look::kMadeAgain:
                log_warning(LogType::kSession, "{} was gone; made again for clients of this host",
                            unix_listener_->path());
                std::erase_if(acceptors_, [](const auto& each) {
                    if (each->is_unix) {
                        each->descriptor.close();  // its handler may be about to run
                    }
                    return each->is_unix;
                });
                listen_to_unix_socket();
                if (!accepting_paused_) {
                    wait_accept(acceptors_.back());
                }
                break;
            case UnixListener::Look::kLost:
                log_error(LogType::kSession, "clients of this host find no Unix socket: {}",
                          unix_listener_->problem());
                break;
        }
        watch_unix_socket();
    });
}

// Signals ------------------------------------------------------------------------------------

void FrontDesk::wait_signals() {
    signals_.async_wait([this](const error_code& error, int number) {
        if (!error) {
            on_signal(number);
            wait_signals();
        }
    });
}

void FrontDesk::on_signal(int number) {
    switch (number) {
        case SIGHUP:
            if (reload_hook_) {
                reload_hook_();
            }
            return;
        case SIGUSR1: reopen_log(); return;
        case SIGUSR2:
            if (dump_hook_) {
                dump_hook_();
            }
            return;
        default: break;
    }
    const char* name = number == SIGINT ? "SIGINT" : number == SIGQUIT ? "SIGQUIT" : "SIGTERM";
    if (stopping_) {
        log_warning(LogType::kExit, "second {}: exiting at once", name);
        stop_logging();
        std::_Exit(1);
    }
    log_info(LogType::kExit, "{}: leaving the ring", name);
    stop();
}

void FrontDesk::stop() {
    stopping_ = true;
    for (const auto& acceptor : acceptors_) {
        error_code ignored;
        acceptor->descriptor.close(ignored);
    }
    if (unix_listener_) {
        unix_listener_->unlink_own();
    }
    server_.stop();
}

}  // namespace spread::daemon
