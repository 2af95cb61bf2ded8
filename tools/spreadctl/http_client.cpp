#include "tools/spreadctl/http_client.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

#include <boost/asio/connect.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

namespace spread::spreadctl {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

using Stream = beast::basic_stream<asio::generic::stream_protocol>;

/// 300,000 groups, or 1000 clients, are far below.
constexpr std::uint64_t kAnswerBytesMax = 64U << 20U;

bool is_number(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string reason(const error_code& error) {
    return error == beast::error::timeout ? "no answer in time" : error.message();
}

/// Runs one step of the conversation to its end.
class Conversation {
  public:
    explicit Conversation(std::chrono::milliseconds timeout) : stream_(io_) {
        stream_.expires_after(timeout);
    }

    [[nodiscard]] error_code connect(const asio::generic::stream_protocol::endpoint& to) {
        error_code result;
        stream_.async_connect(to, [&result](const error_code& error) { result = error; });
        run();
        return result;
    }
    [[nodiscard]] error_code ask(http::request<http::string_body>& request,
                                 http::response_parser<http::string_body>& answer) {
        error_code result;
        beast::flat_buffer buffer;
        http::async_write(stream_, request, [&](const error_code& error, std::size_t) {
            result = error;
            if (!error) {
                http::async_read(stream_, buffer, answer,
                                 [&](const error_code& end, std::size_t) { result = end; });
            }
        });
        run();
        return result;
    }

  private:
    void run() {
        io_.restart();
        io_.run();
    }

    asio::io_context io_{1};
    Stream stream_;
};

struct Address {
    asio::generic::stream_protocol::endpoint endpoint;
    std::string text;
    std::string host;
};

Address address_of(const std::string& server) {
    if (is_number(server) || server.find('/') != std::string::npos) {
        const std::string path = is_number(server) ? "/run/spread/" + server + ".ctl" : server;
        if (path.size() >= sizeof(sockaddr_un::sun_path)) {
            throw Unreachable(path + " is longer than a socket's name may be");
        }
        return {asio::local::stream_protocol::endpoint(path), path, "localhost"};
    }
    const std::size_t colon = server.rfind(':');
    const std::string port = colon == std::string::npos ? "" : server.substr(colon + 1);
    if (!is_number(port)) {
        throw Unreachable(server +
                          " is neither a port, nor a path, nor ADDRESS:PORT (see AdminListen)");
    }
    asio::io_context io;
    asio::ip::tcp::resolver resolver(io);
    error_code error;
    std::string host = server.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        host = host.substr(1, host.size() - 2);
    }
    const auto found = resolver.resolve(host, port, error);
    if (error || found.empty()) {
        throw Unreachable("cannot find the host " + host + ": " + error.message());
    }
    return {found.begin()->endpoint(), server, server};
}

}  // namespace

HttpAnswer HttpClient::get(const std::string& target) const {
    return ask(false, target, {});
}

HttpAnswer HttpClient::post(const std::string& target, std::string body) const {
    return ask(true, target, std::move(body));
}

HttpAnswer HttpClient::ask(bool changes, const std::string& target, std::string body) const {
    const Address address = address_of(server_);
    Conversation conversation(timeout_);
    if (const error_code error = conversation.connect(address.endpoint)) {
        throw Unreachable(fmt::format("cannot reach spreadd at {}: {}; {}", address.text,
                                      reason(error),
                                      error == boost::system::errc::permission_denied
                                          ? "ask as root or as a member of the socket's group"
                                          : "is it running? systemctl status spreadd"));
    }
    http::request<http::string_body> request(changes ? http::verb::post : http::verb::get, target,
                                             11);
    request.set(http::field::host, address.host);
    request.set(http::field::connection, "close");
    if (changes && !token_.empty()) {
        request.set(http::field::authorization, "Bearer " + token_);
    }
    request.body() = std::move(body);
    request.prepare_payload();
    http::response_parser<http::string_body> answer;
    answer.body_limit(kAnswerBytesMax);
    if (const error_code error = conversation.ask(request, answer)) {
        throw Unreachable(fmt::format("spreadd at {} does not answer: {}; see its log",
                                      address.text, reason(error)));
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
