#include "tools/spreadctl/tcp_probe.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>

#include <fmt/format.h>

#include "daemon/host/endpoint.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::spreadctl {
namespace {

using std::chrono::steady_clock;

TcpAnswer answer_of(int error) {
    switch (error) {
        case 0: return TcpAnswer::kAccepted;
        case ECONNREFUSED: return TcpAnswer::kRefused;
        case EINPROGRESS:
        case ETIMEDOUT: return TcpAnswer::kSilent;
        default: return TcpAnswer::kUnreachable;
    }
}

struct Attempt {
    daemon::UniqueFd fd;
    bool is_open = false;
};

Attempt begin(const config::IpAddress& address, std::uint16_t port, TcpAnswer& answer) {
    const daemon::Endpoint at = daemon::make_endpoint(address, port);
    Attempt out{
        daemon::UniqueFd(::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))};
    const int result = out.fd ? ::connect(out.fd.get(), at.address(), at.length) : -1;
    answer = answer_of(result == 0 ? 0 : errno);
    out.is_open = result != 0 && errno == EINPROGRESS;
    return out;
}

}  // namespace

std::vector<TcpAnswer> probe_tcp(const config::Configuration& configuration,
                                 std::chrono::milliseconds patience) {
    std::vector<TcpAnswer> out(configuration.daemons.size(), TcpAnswer::kSilent);
    std::vector<Attempt> attempts;
    std::vector<pollfd> waiting;
    for (std::size_t i = 0; i < out.size(); ++i) {
        const config::Daemon& daemon = configuration.daemons[i];
        attempts.push_back(
            begin(daemon.address, configuration.segments[daemon.segment].port, out[i]));
        waiting.push_back({attempts[i].is_open ? attempts[i].fd.get() : -1, POLLOUT, 0});
    }
    const auto end = steady_clock::now() + patience;
    const auto is_open = [&] {
        for (const pollfd& each : waiting) {
            if (each.fd >= 0) {
                return true;
            }
        }
        return false;
    };
    for (auto now = steady_clock::now(); now < end && is_open(); now = steady_clock::now()) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - now);
        if (::poll(waiting.data(), waiting.size(), static_cast<int>(left.count())) <= 0) {
            continue;
        }
        for (std::size_t i = 0; i < waiting.size(); ++i) {
            if (waiting[i].fd >= 0 && waiting[i].revents != 0) {
                int error = 0;
                socklen_t size = sizeof error;
                ::getsockopt(waiting[i].fd, SOL_SOCKET, SO_ERROR, &error, &size);
                out[i] = answer_of(error);
                waiting[i].fd = -1;
            }
        }
    }
    return out;
}

std::vector<Finding> tcp_findings(const config::Configuration& configuration, std::size_t self,
                                  const std::vector<TcpAnswer>& answers,
                                  const std::vector<bool>& runs) {
    std::vector<Finding> out;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        if (i == self) {
            continue;
        }
        const config::Daemon& daemon = configuration.daemons[i];
        const std::string port = fmt::format("TCP {}:{}", daemon.address.to_string(),
                                             configuration.segments[daemon.segment].port);
        const std::string what = daemon.name + " clients";
        switch (answers[i]) {
            case TcpAnswer::kAccepted: out.push_back(good(what, port + " accepts")); break;
            case TcpAnswer::kRefused:
                out.push_back(runs[i]
                                  ? doubtful(what, port + " refuses, although a daemon runs there",
                                             "does it listen at that address? see its log")
                                  : good(what, port + " can be reached; nobody listens there now"));
                break;
            case TcpAnswer::kSilent:
                out.push_back(doubtful(what, port + " does not answer",
                                       fmt::format("open {} where clients come from elsewhere, or "
                                                   "want to use that daemon instead",
                                                   port)));
                break;
            case TcpAnswer::kUnreachable:
                out.push_back(doubtful(what, port + " cannot be reached",
                                       "look at routes and firewalls on the way"));
                break;
        }
    }
    return out;
}

}  // namespace spread::spreadctl
