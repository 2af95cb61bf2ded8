#include "tests/support/admin_page.hpp"

#include <stdexcept>

#include <nlohmann/json.hpp>

#include "tests/support/test_client.hpp"

namespace spread::support {

std::string http_answer(RawConnection connection, const std::string& method,
                        const std::string& target, const std::string& host) {
    connection.send(bytes_of(method + " " + target + " HTTP/1.1\r\nHost: " + host +
                             "\r\nConnection: close\r\n\r\n"));
    std::string answer;
    for (;;) {
        const Bytes bytes = connection.read_once(65536);
        if (bytes.empty()) {
            return answer;
        }
        for (const std::byte byte : bytes) {
            answer += static_cast<char>(byte);
        }
    }
}

std::string admin_page(const DaemonProcess& daemon, const std::string& path) {
    const std::string answer =
        http_answer(RawConnection::unix_socket(daemon.control_socket()), "GET", path);
    const std::size_t body = answer.find("\r\n\r\n");
    if (body == std::string::npos) {
        throw std::runtime_error("no answer of " + daemon.spec().name + " to " + path);
    }
    return answer.substr(body + 4);
}

std::uint64_t configurations_of(const DaemonProcess& daemon) {
    return nlohmann::json::parse(admin_page(daemon, "/status.json"))
        .at("/counters/ring/memberships_installed"_json_pointer)
        .get<std::uint64_t>();
}

}  // namespace spread::support
