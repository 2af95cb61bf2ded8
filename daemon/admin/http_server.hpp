#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "daemon/host/unique_fd.hpp"

namespace spread::admin {

/// Who asks, as the kernel says; of Unix sockets only.
struct PeerProcess {
    int process = 0;
    unsigned user = 0;
};

struct HttpRequest {
    std::string method;
    std::string path;  ///< decoded, without the query
    std::map<std::string, std::string> query;
    std::string host;           ///< as the client calls us; may be empty
    std::string authorization;  ///< of that header
    std::string body;
    std::optional<PeerProcess> peer;
    std::string address;  ///< of a TCP peer
};

struct HttpResponse {
    unsigned status = 200;
    std::string type = "application/json";
    std::string body;
};

/// HTTP/1.1 for people and programs that look at the daemon: few connections, small requests, an
/// answer that may come later. Boost.Beast does the protocol. Everything is on the thread that runs
/// `io`. What a peer sends is bounded, and so is the time it may take.
class HttpServer {
  public:
    static constexpr std::size_t kConnectionsMax = 32;  ///< further ones are closed at once
    static constexpr std::size_t kHeaderBytesMax = 8192;
    static constexpr std::size_t kBodyBytesMax = 8192;
    static constexpr int kIdleSeconds = 5;  ///< to send a request, to read an answer

    using Respond = std::function<void(HttpResponse)>;
    using Handler = std::function<void(HttpRequest, Respond)>;

    HttpServer(boost::asio::io_context& io, Handler handler);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    /// Accepts from a listening socket, which is non-blocking.
    void listen(daemon::UniqueFd socket);
    /// Closes the listening sockets. Answers under way are still sent while `io` runs.
    void stop();

  private:
    struct Shared;
    void wait(const std::shared_ptr<boost::asio::posix::stream_descriptor>& socket);

    boost::asio::io_context& io_;
    std::shared_ptr<Shared> shared_;  ///< with connections, which may outlive us
    std::vector<std::shared_ptr<boost::asio::posix::stream_descriptor>> sockets_;
};

/// Splits "/path?a=b&c=d" and decodes %XX and '+'. Nothing when an escape is broken.
struct Target {
    std::string path;
    std::map<std::string, std::string> query;
};
[[nodiscard]] std::optional<Target> parse_target(std::string_view target);

}  // namespace spread::admin
