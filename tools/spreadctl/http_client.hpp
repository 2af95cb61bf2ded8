#pragma once

#include <chrono>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace spread::spreadctl {

/// The daemon cannot be reached; what() is one line that says where and what to do.
struct Unreachable : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct HttpAnswer {
    unsigned status = 0;
    std::string body;
};

/// Asks one daemon. `server`: the path of a control socket, the port of a daemon on this host
/// (/run/spread/PORT.ctl), or ADDRESS:PORT of an AdminListen.
class HttpClient {
  public:
    /// `token`: what an AdminListen with AdminWrite wants to see of who changes something.
    HttpClient(std::string server, std::chrono::milliseconds timeout, std::string token = {})
        : server_(std::move(server)), timeout_(timeout), token_(std::move(token)) {}

    /// Both throw Unreachable.
    [[nodiscard]] HttpAnswer get(const std::string& target) const;
    [[nodiscard]] HttpAnswer post(const std::string& target, std::string body = {}) const;

    /// Asks another daemon, with the same patience.
    [[nodiscard]] HttpClient at(std::string server) const { return {std::move(server), timeout_}; }
    /// Where it asks; empty when that is no control socket.
    [[nodiscard]] std::string control_socket() const;

  private:
    [[nodiscard]] HttpAnswer ask(bool changes, const std::string& target, std::string body) const;

    std::string server_;
    std::chrono::milliseconds timeout_;
    std::string token_;
};

/// The other control sockets beside `path`, in order.
[[nodiscard]] std::vector<std::string> sockets_beside(const std::string& path);
/// The same by port, for who asks at the wrong one; empty: none.
[[nodiscard]] std::string other_daemons(const std::string& path);

/// A query's value, with %XX for all but letters, digits and "-._~".
[[nodiscard]] std::string encoded(const std::string& text);

}  // namespace spread::spreadctl
