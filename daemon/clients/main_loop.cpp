#include "daemon/clients/main_loop.hpp"

#include <csignal>
#include <cstdlib>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "daemon/clients/acceptor.hpp"
#include "daemon/host/logging.hpp"

namespace spread::daemon {

using boost::system::error_code;

class MainLoop::Impl {
  public:
    Impl(SessionServer& server, std::vector<TcpListener> tcp_listeners,
         std::unique_ptr<UnixListener> unix_listener);

    void run();
    void stop_accepting() { acceptor_.stop(); }
    void stop();
    [[nodiscard]] boost::asio::io_context& io() { return io_; }

    std::function<void()> reload_hook;
    std::function<void()> dump_hook;
    std::function<void()> stop_hook;

  private:
    void wait_signals();
    void on_signal(int number);
    void begin_stop(const char* name);

    SessionServer& server_;
    boost::asio::io_context io_;
    boost::asio::signal_set signals_;
    Acceptor acceptor_;
    bool stopping_ = false;
};

MainLoop::Impl::Impl(SessionServer& server, std::vector<TcpListener> tcp_listeners,
                     std::unique_ptr<UnixListener> unix_listener)
    : server_(server),
      io_(1),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      acceptor_(io_, server, std::move(tcp_listeners), std::move(unix_listener)) {
    signals_.add(SIGUSR1);
    signals_.add(SIGUSR2);
    signals_.add(SIGQUIT);
}

void MainLoop::Impl::run() {
    const auto work = boost::asio::make_work_guard(io_);
    acceptor_.start();
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

void MainLoop::Impl::wait_signals() {
    signals_.async_wait([this](const error_code& error, int number) {
        if (!error) {
            on_signal(number);
            wait_signals();
        }
    });
}

void MainLoop::Impl::on_signal(int number) {
    switch (number) {
        case SIGHUP:
            if (reload_hook) {
                reload_hook();
            }
            break;
        case SIGUSR1: reopen_log(); break;
        case SIGUSR2:
            if (dump_hook) {
                dump_hook();
            }
            break;
        default:
            begin_stop(number == SIGINT ? "SIGINT" : number == SIGQUIT ? "SIGQUIT" : "SIGTERM");
            break;
    }
}

void MainLoop::Impl::begin_stop(const char* name) {
    if (std::exchange(stopping_, true)) {
        log_event(LogEvent::kStopForced, "second {}: exiting at once", name);
        stop_logging();
        std::_Exit(1);
    }
    log_event(LogEvent::kStopping, "{}: leaving the ring", name);
    acceptor_.stop();
    server_.stop();
    if (stop_hook) {
        stop_hook();
    }
}

void MainLoop::Impl::stop() {
    if (!stopping_) {
        begin_stop("stop command");
    }
}

MainLoop::MainLoop(SessionServer& server, std::vector<TcpListener> tcp_listeners,
                   std::unique_ptr<UnixListener> unix_listener)
    : impl_(std::make_unique<Impl>(server, std::move(tcp_listeners), std::move(unix_listener))) {}

MainLoop::~MainLoop() = default;

void MainLoop::on_reload(std::function<void()> hook) {
    impl_->reload_hook = std::move(hook);
}

boost::asio::io_context& MainLoop::io() {
    return impl_->io();
}

void MainLoop::on_stop(std::function<void()> hook) {
    impl_->stop_hook = std::move(hook);
}

void MainLoop::stop_accepting() {
    impl_->stop_accepting();
}

void MainLoop::stop() {
    impl_->stop();
}

void MainLoop::on_dump(std::function<void()> hook) {
    impl_->dump_hook = std::move(hook);
}

void MainLoop::run() {
    impl_->run();
}

}  // namespace spread::daemon
