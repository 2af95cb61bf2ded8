#include "daemon/ring/error_queue.hpp"

#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace spread::daemon {
namespace {

bool is_port_unreachable(const sock_extended_err& error) {
    return (error.ee_origin == SO_EE_ORIGIN_ICMP && error.ee_type == ICMP_DEST_UNREACH &&
            error.ee_code == ICMP_PORT_UNREACH) ||
           (error.ee_origin == SO_EE_ORIGIN_ICMP6 && error.ee_type == ICMP6_DST_UNREACH &&
            error.ee_code == ICMP6_DST_UNREACH_NOPORT);
}

/// Who sent the message: its address stands behind the error.
Endpoint offender_of(const cmsghdr* option) {
    Endpoint offender;
    const std::size_t length = option->cmsg_len - CMSG_LEN(sizeof(sock_extended_err));
    offender.length = static_cast<socklen_t>(std::min(length, sizeof offender.storage));
    std::memcpy(&offender.storage, CMSG_DATA(option) + sizeof(sock_extended_err), offender.length);
    return offender;
}

}  // namespace

std::optional<SendError> next_error(int fd) {
    SendError out;
    std::byte ignored{};
    iovec slice{&ignored, sizeof ignored};
    alignas(cmsghdr) std::array<std::byte, 512> control{};
    msghdr header{};
    header.msg_name = &out.destination.storage;
    header.msg_namelen = sizeof out.destination.storage;
    header.msg_iov = &slice;
    header.msg_iovlen = 1;
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    if (::recvmsg(fd, &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) {
        return std::nullopt;
    }
    out.destination.length = header.msg_namelen;
    for (cmsghdr* option = CMSG_FIRSTHDR(&header); option != nullptr;
         option = CMSG_NXTHDR(&header, option)) {
        const bool is_error =
            (option->cmsg_level == IPPROTO_IP && option->cmsg_type == IP_RECVERR) ||
            (option->cmsg_level == IPPROTO_IPV6 && option->cmsg_type == IPV6_RECVERR);
        if (!is_error || option->cmsg_len < CMSG_LEN(sizeof(sock_extended_err))) {
            continue;
        }
        sock_extended_err error{};
        std::memcpy(&error, CMSG_DATA(option), sizeof error);
        if (is_port_unreachable(error)) {
            const Endpoint offender = offender_of(option);
            out.port_unreachable = true;
            out.by_destination = offender.family() == out.destination.family() &&
                                 ip_of(offender.address()) == ip_of(out.destination.address());
        }
    }
    return out;
}

}  // namespace spread::daemon
