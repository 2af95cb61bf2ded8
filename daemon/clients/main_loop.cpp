#include "daemon/clients/main_loop.hpp"

#include <csignal>
#include <cstdlib>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>

#include "daemon/host/logging.hpp"

namespace spread::daemon {

using boost::system::error_code;

MainLoop::MainLoop(SessionServer& server, std::vector<TcpListener> tcp_listeners,
                   std::unique_ptr<UnixListener> unix_listener)
    : server_(server),
      io_(1),
      signals_(io_, SIGTERM, SIGINT, SIGHUP),
      acceptor_(io_, server, std::move(tcp_listeners), std::move(unix_listener)) {
    signals_.add(SIGUSR1);
    signals_.add(SIGUSR2);
    signals_.add(SIGQUIT);
}

void MainLoop::run() {
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

void MainLoop::wait_signals() {
    signals_.async_wait([this](const error_code& error, int number) {
        if (!error) {
            on_signal(number);
            wait_signals();
        }
    });
}

void MainLoop::on_signal(int number) {
    switch (number) {
        case SIGHUP:
            if (reload_hook_) {
                reload_hook_();
            }
            break;
        case SIGUSR1: reopen_log(); break;
        case SIGUSR2:
            if (dump_hook_) {
                dump_hook_();
            }
            break;
        default: on_stop_signal(number); break;
    }
}

void MainLoop::on_stop_signal(int number) {
    const char* name = number == SIGINT ? "SIGINT" : number == SIGQUIT ? "SIGQUIT" : "SIGTERM";
    if (std::exchange(stopping_, true)) {
        log_warning(LogType::kExit, "second {}: exiting at once", name);
        stop_logging();
        std::_Exit(1);
    }
    log_info(LogType::kExit, "{}: leaving the ring", name);
    acceptor_.stop();
    server_.stop();
}

}  // namespace spread::daemon
