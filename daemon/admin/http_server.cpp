#include "daemon/admin/http_server.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <utility>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "daemon/host/endpoint.hpp"

namespace spread::admin {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

struct HttpServer::Shared {
    explicit Shared(Handler callee) : handler(std::move(callee)) {}
    Handler handler;
    std::size_t connections = 0;
};

namespace {

constexpr auto kIdleTime = std::chrono::seconds(HttpServer::kIdleSeconds);
constexpr int kAcceptsPerWait = 8;

std::optional<std::string> decoded(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '+') {
            out += ' ';
        } else if (text[i] != '%') {
            out += text[i];
        } else {
            unsigned value = 0;
            if (text.size() - i < 3) {
                return std::nullopt;
            }
            const char* const first = text.data() + i + 1;
            const auto [end, error] = std::from_chars(first, first + 2, value, 16);
            if (error != std::errc() || end != first + 2) {
                return std::nullopt;
            }
            out += static_cast<char>(value);
            i += 2;
        }
    }
    return out;
}

std::optional<PeerProcess> peer_of(int fd) {
    ucred peer{};
    socklen_t size = sizeof peer;
    sockaddr_storage self{};
    socklen_t self_size = sizeof self;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's way
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&self), &self_size) != 0 ||
        self.ss_family != AF_UNIX || ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return std::nullopt;
    }
    return PeerProcess{peer.pid, peer.uid};
}

/// "10.0.0.1:5000"; empty for a Unix socket.
std::string address_of(int fd) {
    daemon::Endpoint peer;
    peer.length = sizeof peer.storage;
    return ::getpeername(fd, peer.address(), &peer.length) == 0 && peer.family() != AF_UNIX
               ? peer.to_string()
               : std::string();
}

/// One connection: a request, its answer, the next request. Kept alive by what it waits for.
template <typename Shared>
class Connection : public std::enable_shared_from_this<Connection<Shared>> {
  public:
    using Stream = beast::basic_stream<asio::generic::stream_protocol>;

    Connection(asio::generic::stream_protocol::socket socket, std::shared_ptr<Shared> shared)
        : peer_(peer_of(socket.native_handle())),
          address_(address_of(socket.native_handle())),
          stream_(std::move(socket)),
          shared_(std::move(shared)) {
        ++shared_->connections;
    }
    ~Connection() { --shared_->connections; }
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    void read() {
        parser_.emplace();
        parser_->header_limit(HttpServer::kHeaderBytesMax);
        parser_->body_limit(HttpServer::kBodyBytesMax);
        stream_.expires_after(kIdleTime);
        http::async_read(stream_, buffer_, *parser_,
                         [self = this->shared_from_this()](const error_code& error, std::size_t) {
                             self->on_read(error);
                         });
    }

  private:
    void on_read(const error_code& error) {
        const bool is_of_protocol =
            error.category() == http::make_error_code(http::error::end_of_stream).category();
        if (error && is_of_protocol && error != http::error::end_of_stream) {
            answer({400, "text/plain", error.message() + "\n"}, false);
            return;
        }
        if (error) {
            return;  // it has gone, or took too long
        }
        auto& request = parser_->get();
        const beast::string_view target = request.target();
        const auto parsed = parse_target({target.data(), target.size()});
        if (!parsed) {
            answer({400, "text/plain", "broken escape in the address\n"}, false);
            return;
        }
        HttpRequest out;
        out.method = std::string(request.method_string());
        out.path = parsed->path;
        out.query = parsed->query;
        out.host = std::string(request[http::field::host]);
        out.authorization = std::string(request[http::field::authorization]);
        out.body = std::move(request.body());
        out.address = address_;
        out.peer = peer_;
        const bool keeps = request.keep_alive();
        stream_.expires_never();  // our turn
        shared_->handler(std::move(out),
                         [self = this->shared_from_this(), keeps](HttpResponse response) {
                             self->answer(std::move(response), keeps);
                         });
    }

    void answer(HttpResponse response, bool keeps) {
        const bool is_head = parser_->get().method() == http::verb::head;
        response_ = {};
        response_.result(response.status);
        response_.set(http::field::content_type, response.type);
        response_.set(http::field::cache_control, "no-store");
        response_.set("X-Content-Type-Options", "nosniff");
        response_.set("Content-Security-Policy",
                      "default-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                      "frame-ancestors 'none'");
        response_.keep_alive(keeps);
        response_.content_length(response.body.size());
        if (!is_head) {
            response_.body() = std::move(response.body);
        }
        stream_.expires_after(kIdleTime);
        http::async_write(
            stream_, response_,
            [self = this->shared_from_this(), keeps](const error_code& error, std::size_t) {
                if (!error && keeps) {
                    self->read();
                }
            });
    }

    std::optional<PeerProcess> peer_;
    std::string address_;  ///< where peer_ is nobody
    Stream stream_;
    std::shared_ptr<Shared> shared_;
    beast::flat_buffer buffer_{HttpServer::kHeaderBytesMax + HttpServer::kBodyBytesMax};
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
};

}  // namespace

std::optional<Target> parse_target(std::string_view target) {
    Target out;
    const std::size_t question = target.find('?');
    auto path = decoded(target.substr(0, question));
    if (!path) {
        return std::nullopt;
    }
    out.path = std::move(*path);
    std::string_view rest =
        question == std::string_view::npos ? std::string_view() : target.substr(question + 1);
    while (!rest.empty()) {
        const std::string_view pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
        const std::size_t equals = std::min(pair.find('='), pair.size());
        auto key = decoded(pair.substr(0, equals));
        auto value = decoded(pair.substr(std::min(pair.size(), equals + 1)));
        if (!key || !value) {
            return std::nullopt;
        }
        out.query[std::move(*key)] = std::move(*value);
    }
    return out;
}

HttpServer::HttpServer(asio::io_context& io, Handler handler)
    : io_(io), shared_(std::make_shared<Shared>(std::move(handler))) {}

HttpServer::~HttpServer() {
    stop();
    shared_->handler = [](const HttpRequest&, const Respond&) {};
}

void HttpServer::listen(daemon::UniqueFd socket) {
    sockets_.push_back(std::make_shared<asio::posix::stream_descriptor>(io_, socket.release()));
    wait(sockets_.back());
}

void HttpServer::stop() {
    sockets_.clear();
}

void HttpServer::wait(const std::shared_ptr<asio::posix::stream_descriptor>& socket) {
    std::weak_ptr<asio::posix::stream_descriptor> weak = socket;
    socket->async_wait(
        asio::posix::stream_descriptor::wait_read, [this, weak](const error_code& error) {
            const auto listening = weak.lock();
            if (error || listening == nullptr) {
                return;
            }
            for (int i = 0; i < kAcceptsPerWait; ++i) {
                daemon::UniqueFd fd(::accept4(listening->native_handle(), nullptr, nullptr,
                                              SOCK_NONBLOCK | SOCK_CLOEXEC));
                if (!fd) {
                    break;
                }
                if (shared_->connections >= kConnectionsMax) {
                    continue;
                }
                asio::generic::stream_protocol::socket accepted(io_);
                accepted.assign(asio::generic::stream_protocol(AF_UNSPEC, 0), fd.release());
                std::make_shared<Connection<Shared>>(std::move(accepted), shared_)->read();
            }
            wait(listening);
        });
}

}  // namespace spread::admin
