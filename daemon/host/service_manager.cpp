#include "daemon/host/service_manager.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {
namespace {

template <typename Number>
std::optional<Number> number_in(const char* variable) {
    const char* value = std::getenv(variable);
    if (value == nullptr) {
        return std::nullopt;
    }
    Number number{};
    const char* end = value + std::strlen(value);
    const auto [stop, error] = std::from_chars(value, end, number);
    return error == std::errc() && stop == end ? std::optional(number) : std::nullopt;
}

}  // namespace

bool has_manager() {
    return std::getenv("NOTIFY_SOCKET") != nullptr;
}

std::optional<std::chrono::microseconds> manager_patience() {
    const auto microseconds = number_in<std::int64_t>("WATCHDOG_USEC");
    if (!has_manager() || !microseconds || *microseconds <= 0) {
        return std::nullopt;
    }
    if (std::getenv("WATCHDOG_PID") != nullptr && number_in<pid_t>("WATCHDOG_PID") != ::getpid()) {
        return std::nullopt;  // it watches another process
    }
    return std::chrono::microseconds(*microseconds);
}

void notify_manager(std::string_view lines) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    if (path == nullptr || (path[0] != '/' && path[0] != '@')) {
        return;
    }
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::size_t length = std::strlen(path);
    if (length >= sizeof address.sun_path) {
        return;
    }
    std::memcpy(address.sun_path, path, length);
    if (path[0] == '@') {
        address.sun_path[0] = '\0';  // the abstract name space
    }
    const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) {
        return;
    }
    const auto address_length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's way
    const auto* to = reinterpret_cast<const sockaddr*>(&address);
    (void)::sendto(fd.get(), lines.data(), lines.size(), MSG_NOSIGNAL, to, address_length);
}

}  // namespace spread::daemon
