#include "daemon/host/interface_watch.hpp"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>

namespace spread::daemon {

InterfaceWatch::InterfaceWatch()
    : fd_(::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE)) {
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the socket API's way
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (fd_ && ::bind(fd_.get(), generic, sizeof address) != 0) {
        fd_.reset();
    }
}

bool InterfaceWatch::changed() {
    std::array<std::byte, 8192> message{};
    bool any = false;
    for (;;) {
        const ssize_t count = ::recv(fd_.get(), message.data(), message.size(), MSG_DONTWAIT);
        // ENOBUFS: more changed than the socket holds.
        if (count > 0 || (count < 0 && errno == ENOBUFS)) {
            any = true;
        } else if (count == 0 || errno != EINTR) {
            return any;
        }
    }
}

}  // namespace spread::daemon
