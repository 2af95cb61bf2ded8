#include "tools/spreadctl/http_client.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <fmt/format.h>

#include "daemon/host/endpoint.hpp"
#include "daemon/host/unique_fd.hpp"

namespace spread::spreadctl {

namespace http = boost::beast::http;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

/// 300,000 groups, or 1000 clients, are far below.
constexpr std::size_t kAnswerBytesMax = 64U << 20U;
constexpr std::size_t kReadBytes = 65536;

bool is_number(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string reason(int error) {
    return error == ETIMEDOUT ? "no answer in time" : std::strerror(error);
}

struct Address {
    daemon::Endpoint endpoint;
    std::string text;
    std::string host;
};

/// A connection for one question. Steps are waited for, all of them together until the deadline,
/// and return 0 or what errno says.
class Connection {
  public:
    explicit Connection(milliseconds timeout) : deadline_(steady_clock::now() + timeout) {}

    [[nodiscard]] int connect(const daemon::Endpoint& to) {
        fd_ = daemon::UniqueFd(::socket(to.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (!fd_) {
            return errno;
        }
        return in_time(SO_SNDTIMEO, [&] { return ::connect(fd_.get(), to.address(), to.length); });
    }

    [[nodiscard]] int send(std::string_view bytes) {
        while (!bytes.empty()) {
            ssize_t count = 0;
            if (const int error = in_time(SO_SNDTIMEO, [&] {
                    return count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
                })) {
                return error;
            }
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return 0;
    }

    /// All that comes, to the end of the stream.
    [[nodiscard]] int receive(std::string& into) {
        for (std::size_t used = 0; used <= kAnswerBytesMax;) {
            into.resize(used + kReadBytes);
            ssize_t count = 0;
            if (const int error = in_time(SO_RCVTIMEO, [&] {
                    return count = ::recv(fd_.get(), into.data() + used, kReadBytes, 0);
                })) {
                return error;
            }
            used += static_cast<std::size_t>(count);
            if (count == 0) {
                into.resize(used);
                return 0;
            }
        }
        return EMSGSIZE;
    }

  private:
    /// Makes a call of the kernel that the time limit `option` bounds.
    template <typename Call>
    int in_time(int option, Call&& call) {
        while (true) {
            const auto left =
                std::chrono::ceil<std::chrono::microseconds>(deadline_ - steady_clock::now());
            if (left <= left.zero()) {
                return ETIMEDOUT;
            }
            const timeval limit{left.count() / 1000000, left.count() % 1000000};
            ::setsockopt(fd_.get(), SOL_SOCKET, option, &limit, sizeof limit);
            if (call() >= 0) {
                return 0;
            }
            if (errno == EAGAIN || errno == EINPROGRESS) {
                return ETIMEDOUT;
            }
            if (errno != EINTR) {
                return errno;
            }
        }
    }

    const steady_clock::time_point deadline_;
    daemon::UniqueFd fd_;
};

daemon::Endpoint endpoint_of(const std::string& path) {
    sockaddr_un name{};
    if (path.size() >= sizeof name.sun_path) {
        throw Unreachable(path + " is longer than a socket's name may be");
    }
    name.sun_family = AF_UNIX;
    std::copy(path.begin(), path.end(), name.sun_path);
    daemon::Endpoint out;
    out.length = sizeof name;
    std::memcpy(&out.storage, &name, sizeof name);
    return out;
}

std::string socket_of(const std::string& server) {
    return is_number(server)                       ? "/run/spread/" + server + ".ctl"
           : server.find('/') != std::string::npos ? server
                                                   : std::string();
}

Address address_of(const std::string& server) {
    if (const std::string path = socket_of(server); !path.empty()) {
        return {endpoint_of(path), path, "localhost"};
    }
    const std::size_t colon = server.rfind(':');
    const std::string port = colon == std::string::npos ? "" : server.substr(colon + 1);
    if (!is_number(port)) {
        throw Unreachable(server +
                          " is neither a port, nor a path, nor ADDRESS:PORT (see AdminListen)");
    }
    std::string host = server.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found)) {
        throw Unreachable("cannot find the host " + host + ": " + ::gai_strerror(error));
    }
    Address out{{}, server, server};
    out.endpoint.length = found->ai_addrlen;
    std::memcpy(&out.endpoint.storage, found->ai_addr, found->ai_addrlen);
    ::freeaddrinfo(found);
    return out;
}

/// What else to try where a port was asked for.
std::string hint_for(const std::string& server, const std::string& path) {
    if (!is_number(server)) {
        return {};
    }
    const std::string others = other_daemons(path);
    return others.empty() ? "; -s names another port, or the path of its ControlSocket" : others;
}

}  // namespace

std::vector<std::string> sockets_beside(const std::string& path) {
    const std::filesystem::path asked(path);
    std::vector<std::string> others;
    std::error_code unreadable;
    for (const auto& entry : std::filesystem::directory_iterator(asked.parent_path(), unreadable)) {
        if (entry.path().extension() == ".ctl" && entry.path() != asked) {
            others.push_back(entry.path());
        }
    }
    std::sort(others.begin(), others.end());
    return others;
}

std::string other_daemons(const std::string& path) {
    std::string out;
    for (const std::string& socket : sockets_beside(path)) {
        out += (out.empty() ? "; here are others: -s " : ", -s ") +
               std::filesystem::path(socket).stem().string();
    }
    return out;
}

std::string HttpClient::control_socket() const {
    return socket_of(server_);
}

HttpAnswer HttpClient::get(const std::string& target) const {
    return ask(false, target, {});
}

HttpAnswer HttpClient::post(const std::string& target, std::string body) const {
    return ask(true, target, std::move(body));
}

HttpAnswer HttpClient::ask(bool changes, const std::string& target, std::string body) const {
    const Address address = address_of(server_);
    Connection connection(timeout_);
    if (const int error = connection.connect(address.endpoint)) {
        throw Unreachable(fmt::format(
            "cannot reach spreadd at {}: {}; {}", address.text, reason(error),
            error == EACCES
                ? std::string("ask as root or as a member of the socket's "
                              "group")
                : "is it running? systemctl status spreadd" + hint_for(server_, address.text)));
    }
    const std::string request = fmt::format(
        "{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: {}\r\n{}\r\n{}",
        changes ? "POST" : "GET", target, address.host, body.size(),
        changes && !token_.empty() ? "Authorization: Bearer " + token_ + "\r\n" : "", body);
    std::string bytes;
    int error = connection.send(request);
    if (error == 0 || error == EPIPE) {  // whoever refuses a request may not read it
        error = connection.receive(bytes);
    }
    http::response_parser<http::string_body> answer;
    answer.eager(true);
    answer.body_limit(kAnswerBytesMax);
    boost::system::error_code damage;
    if (error == 0) {
        answer.put(boost::asio::buffer(bytes), damage);
        if (!damage && !answer.is_done()) {
            answer.put_eof(damage);
        }
    }
    if (error != 0 || damage) {
        throw Unreachable(fmt::format("spreadd at {} does not answer: {}; see its log",
                                      address.text, error != 0 ? reason(error) : damage.message()));
    }
    return {answer.get().result_int(), std::move(answer.get().body())};
}

std::string encoded(const std::string& text) {
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (std::isalnum(byte) != 0 || std::string_view("-._~").find(c) != std::string_view::npos) {
            out += c;
        } else {
            out += fmt::format("%{:02X}", byte);
        }
    }
    return out;
}

}  // namespace spread::spreadctl
