#include "tools/spreadctl/http_client.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cstring>
#include <fstream>
#include <string>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/host/unique_fd.hpp"
#include "tests/unit/daemon/temporary_directory.hpp"

namespace spread::spreadctl {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

/// Takes one connection at a socket of its own, and says `answer` to what comes; then it closes,
/// unless it is to keep silent until its end.
class OneAnswer {
  public:
    explicit OneAnswer(std::string answer, bool closes = true)
        : listener_(::socket(AF_UNIX, SOCK_STREAM, 0)) {
        sockaddr_un name{};
        name.sun_family = AF_UNIX;
        std::strncpy(name.sun_path, path().c_str(), sizeof name.sun_path - 1);
        // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
        EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
        EXPECT_EQ(::listen(listener_.get(), 1), 0);
        thread_ = std::thread([this, answer = std::move(answer), closes] {
            daemon::UniqueFd client(::accept(listener_.get(), nullptr, nullptr));
            char bytes[4096];
            const ssize_t count = ::recv(client.get(), bytes, sizeof bytes, 0);
            asked_.assign(bytes, static_cast<std::size_t>(count > 0 ? count : 0));
            EXPECT_EQ(::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL),
                      static_cast<ssize_t>(answer.size()));
            while (!closes && ::recv(client.get(), bytes, sizeof bytes, 0) > 0) {
            }
        });
    }
    ~OneAnswer() { thread_.join(); }
    OneAnswer(const OneAnswer&) = delete;
    OneAnswer& operator=(const OneAnswer&) = delete;

    [[nodiscard]] std::string path() const { return directory_.path() + "/s"; }
    [[nodiscard]] const std::string& asked() {
        thread_.join();
        thread_ = std::thread([] {});
        return asked_;
    }

  private:
    daemon::TemporaryDirectory directory_;
    daemon::UniqueFd listener_;
    std::string asked_;
    std::thread thread_;
};

std::string problem_with(const std::string& answer, bool closes,
                         std::chrono::milliseconds timeout = std::chrono::seconds(10)) {
    OneAnswer server(answer, closes);
    try {
        static_cast<void>(HttpClient(server.path(), timeout).get("/status.json"));
    } catch (const Unreachable& error) {
        return error.what();
    }
    return "";
}

TEST(HttpClient, GetsStatusAndBody) {
    OneAnswer server("HTTP/1.1 503 Busy\r\nContent-Length: 3\r\n\r\nno\n");
    const HttpAnswer answer = HttpClient(server.path(), std::chrono::seconds(10)).get("/readyz");
    EXPECT_EQ(answer.status, 503U);
    EXPECT_EQ(answer.body, "no\n");
    EXPECT_THAT(server.asked(), StartsWith("GET /readyz HTTP/1.1\r\nHost: localhost\r\n"));
}

TEST(HttpClient, ShowsItsTokenWhenItChangesSomething) {
    OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    static_cast<void>(
        HttpClient(server.path(), std::chrono::seconds(10), "sesame").post("/kick", "body"));
    const std::string& asked = server.asked();
    EXPECT_THAT(asked, StartsWith("POST /kick HTTP/1.1\r\n"));
    EXPECT_THAT(asked, HasSubstr("Content-Length: 4\r\nAuthorization: Bearer sesame\r\n\r\nbody"));
}

TEST(HttpClient, WaitsForAnAnswerAsLongAsItMay) {
    EXPECT_THAT(problem_with("", false, std::chrono::milliseconds(50)),
                HasSubstr("does not answer: no answer in time"));
    EXPECT_THAT(problem_with("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno", false,
                             std::chrono::milliseconds(50)),
                HasSubstr("does not answer: no answer in time"));
}

TEST(HttpClient, AnAnswerThatEndsEarlyIsNone) {
    for (const char* answer :
         {"", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nno", "SSH-2.0-x\r\n"}) {
        EXPECT_THAT(problem_with(answer, true), HasSubstr("does not answer: ")) << answer;
    }
}

TEST(HttpClient, NamesOtherDaemonsOfTheHost) {
    const daemon::TemporaryDirectory directory;
    for (const char* name : {"5803.ctl", "4803.ctl", "4903.ctl", "4803.sock"}) {
        std::ofstream(directory.path() + "/" + name) << "";
    }
    EXPECT_EQ(other_daemons(directory.path() + "/4803.ctl"), "; here are others: -s 4903, -s 5803");
    EXPECT_EQ(other_daemons("/nonexistent/4803.ctl"), "");
}

TEST(HttpClient, SaysWhereNobodyAnswers) {
    const HttpClient client("/nonexistent/4803.ctl", std::chrono::seconds(1));
    try {
        (void)client.get("/livez");
        FAIL() << "it answered";
    } catch (const Unreachable& error) {
        EXPECT_STREQ(error.what(),
                     "cannot reach spreadd at /nonexistent/4803.ctl: No such file or directory; is "
                     "it running? systemctl status spreadd");
    }
    EXPECT_THROW((void)HttpClient("nonsense", std::chrono::seconds(1)).get("/"), Unreachable);
    EXPECT_THROW((void)HttpClient(std::string(200, '/'), std::chrono::seconds(1)).get("/"),
                 Unreachable);
}

}  // namespace
}  // namespace spread::spreadctl
