#include "daemon/ring/multicast.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace spread::daemon {
namespace {

using Family = config::IpAddress::Family;

bool change_membership(int fd, const config::IpAddress& group, const LocalAddress& own,
                       bool joins) {
    if (group.family == Family::kV6) {
        ipv6_mreq request{};
        std::memcpy(&request.ipv6mr_multiaddr, group.bytes.data(), sizeof request.ipv6mr_multiaddr);
        request.ipv6mr_interface = own.interface_index;
        return ::setsockopt(fd, IPPROTO_IPV6, joins ? IPV6_JOIN_GROUP : IPV6_LEAVE_GROUP, &request,
                            sizeof request) == 0;
    }
    ip_mreqn request{};
    std::memcpy(&request.imr_multiaddr, group.bytes.data(), sizeof request.imr_multiaddr);
    std::memcpy(&request.imr_address, own.address.bytes.data(), sizeof request.imr_address);
    request.imr_ifindex = static_cast<int>(own.interface_index);
    return ::setsockopt(fd, IPPROTO_IP, joins ? IP_ADD_MEMBERSHIP : IP_DROP_MEMBERSHIP, &request,
                        sizeof request) == 0;
}

}  // namespace

bool join_group(int fd, const config::IpAddress& group, const LocalAddress& own) {
    return change_membership(fd, group, own, true);
}

bool rejoin_group(int fd, const config::IpAddress& group, const LocalAddress& own) {
    // The kernel keeps memberships of the address's family by interface, and the old one is gone
    // or, where only the address went, still there.
    static_cast<void>(change_membership(fd, group, own, false));
    return change_membership(fd, group, own, true) || errno == EADDRINUSE;
}

void send_groups_by(int fd, const LocalAddress& own) {
    if (own.address.family == Family::kV6) {
        const int index = static_cast<int>(own.interface_index);
        ::setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, &index, sizeof index);
        return;
    }
    ip_mreqn interface {};
    std::memcpy(&interface.imr_address, own.address.bytes.data(), sizeof interface.imr_address);
    interface.imr_ifindex = static_cast<int>(own.interface_index);
    ::setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof interface);
}

}  // namespace spread::daemon
