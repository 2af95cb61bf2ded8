#include "daemon/admin/http_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/admin/admin_server.hpp"

namespace spread::admin {
namespace {

using daemon::UniqueFd;
using testing::HasSubstr;
using testing::StartsWith;

TEST(ParseTarget, SplitsAndDecodes) {
    const auto target = parse_target("/a%20b/c?name=%23chat&empty=&flag&x=1+2");
    ASSERT_TRUE(target.has_value());
    EXPECT_EQ(target->path, "/a b/c");
    EXPECT_EQ(target->query.at("name"), "#chat");
    EXPECT_EQ(target->query.at("empty"), "");
    EXPECT_EQ(target->query.at("flag"), "");
    EXPECT_EQ(target->query.at("x"), "1 2");
    EXPECT_EQ(parse_target("")->path, "");
}

TEST(ParseTarget, BrokenEscapesAreNone) {
    for (const char* text : {"/%", "/%4", "/%zz", "/a?b=%", "/a?%1", "/%-1", "/% 1"}) {
        EXPECT_FALSE(parse_target(text).has_value()) << text;
    }
}

TEST(IsOwnHost, TakesAddressesAndLocalNamesOnly) {
    for (const char* host : {"", "localhost", "localhost:4805", "127.0.0.1:4805", "10.1.2.3",
                             "[::1]:4805", "[fe80::1]"}) {
        EXPECT_TRUE(is_own_host(host)) << host;
    }
    for (const char* host : {"evil.example", "evil.example:4805", "127.0.0.1.evil.example",
                             "localhost.evil.example:80", "[::1].evil.example", "[evil.example"}) {
        EXPECT_FALSE(is_own_host(host)) << host;
    }
}

/// A server on loopback whose handler answers with what it was asked.
class HttpServerTest : public testing::Test {
  protected:
    HttpServerTest() {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        address_.sin_family = AF_INET;
        address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address_;
        // NOLINTBEGIN(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's way
        EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address_), size), 0);
        EXPECT_EQ(::listen(fd.get(), 64), 0);
        EXPECT_EQ(::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address_), &size), 0);
        // NOLINTEND(cppcoreguidelines-pro-type-reinterpret-cast)
        server_.listen(std::move(fd));
        thread_ = std::thread([this] { io_.run(); });
    }
    ~HttpServerTest() override {
        boost::asio::post(io_, [this] {
            server_.stop();
            io_.stop();
        });
        thread_.join();
    }

    [[nodiscard]] UniqueFd connect() const {
        UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's way
        const auto* to = reinterpret_cast<const sockaddr*>(&address_);
        EXPECT_EQ(::connect(fd.get(), to, sizeof address_), 0);
        return fd;
    }
    static void send(const UniqueFd& fd, const std::string& text) {
        (void)::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
    }
    /// Until `end` was seen, the peer closed, or ten seconds are over.
    static std::string read_until(const UniqueFd& fd, const std::string& end) {
        std::string out;
        std::array<char, 4096> room{};
        while (end.empty() || out.find(end) == std::string::npos) {
            pollfd ready{fd.get(), POLLIN, 0};
            if (::poll(&ready, 1, 10000) <= 0) {
                return out + "(nothing more)";
            }
            const ssize_t got = ::recv(fd.get(), room.data(), room.size(), 0);
            if (got <= 0) {
                break;
            }
            out.append(room.data(), static_cast<std::size_t>(got));
        }
        return out;
    }

    sockaddr_in address_{};
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_ =
        boost::asio::make_work_guard(io_);
    HttpServer server_{io_, [](const HttpRequest& request, const HttpServer::Respond& respond) {
                           respond({200, "text/plain",
                                    request.method + " " + request.path + " " + request.host +
                                        (request.peer ? " unix" : " tcp") + "\n"});
                       }};
    std::thread thread_;
};

TEST_F(HttpServerTest, AnswersOneRequestAfterTheOther) {
    const UniqueFd fd = connect();
    send(fd, "GET /a%62 HTTP/1.1\r\nHost: here\r\n\r\n");
    const std::string first = read_until(fd, "tcp\n");
    EXPECT_THAT(first, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(first, HasSubstr("GET /ab here tcp\n"));
    EXPECT_THAT(first, HasSubstr("Content-Security-Policy"));
    send(fd, "POST /c HTTP/1.1\r\nHost: here\r\nContent-Length: 3\r\n\r\nabc");
    EXPECT_THAT(read_until(fd, "tcp\n"), HasSubstr("POST /c here tcp\n"));
}

TEST_F(HttpServerTest, HeadHasTheLengthAndNoBody) {
    const UniqueFd fd = connect();
    send(fd, "HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    const std::string answer = read_until(fd, "");
    EXPECT_THAT(answer, HasSubstr("Content-Length: 14\r\n"));
    EXPECT_THAT(answer, testing::EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, RubbishIsRefusedAndTheConnectionEnds) {
    for (const std::string& text :
         {std::string("rubbish\r\n\r\n"), std::string("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n"),
          "GET /" + std::string(HttpServer::kHeaderBytesMax, 'x') + " HTTP/1.1\r\n\r\n",
          std::string("POST / HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"),
          std::string("POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n")}) {
        const UniqueFd fd = connect();
        send(fd, text);
        EXPECT_THAT(read_until(fd, ""), StartsWith("HTTP/1.1 400 ")) << text.substr(0, 60);
    }
    const UniqueFd fd = connect();
    send(fd, "GET / HTTP/1.0\r\n\r\n");
    EXPECT_THAT(read_until(fd, ""), StartsWith("HTTP/1.1 200 ")) << "others are served on";
}

TEST_F(HttpServerTest, OnlySoManyConnectionsAtOnce) {
    std::vector<UniqueFd> held;
    for (std::size_t i = 0; i < HttpServer::kConnectionsMax; ++i) {
        held.push_back(connect());
        send(held.back(), "GET /x HTTP/1.1\r\nHost: h\r\n\r\n");
        ASSERT_THAT(read_until(held.back(), "tcp\n"), HasSubstr("200 OK")) << i;
    }
    const UniqueFd one_more = connect();
    EXPECT_EQ(read_until(one_more, ""), "");
    held.pop_back();
    for (bool served = false; !served;) {  // once the server has noticed
        const UniqueFd fd = connect();
        send(fd, "GET /y HTTP/1.1\r\nHost: h\r\n\r\n");
        served = read_until(fd, "tcp\n").find("200 OK") != std::string::npos;
    }
}

TEST_F(HttpServerTest, HalfARequestIsNotWaitedForForEver) {
    const UniqueFd fd = connect();
    send(fd, "GET / HTTP/1.1\r\nHo");
    EXPECT_EQ(read_until(fd, ""), "");  // closed after kIdleSeconds
}

}  // namespace
}  // namespace spread::admin
