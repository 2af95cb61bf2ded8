#include "tests/interop/segment_sniffer.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace spread::interop {

SegmentSniffer::SegmentSniffer(std::uint16_t port)
    : port_(port), fd_(socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_IP))) {
    if (fd_ < 0) {
        throw std::runtime_error(std::string("no raw sockets: ") + std::strerror(errno));
    }
    sockaddr_ll loopback{};
    loopback.sll_family = AF_PACKET;
    loopback.sll_protocol = htons(ETH_P_IP);
    loopback.sll_ifindex = static_cast<int>(if_nametoindex("lo"));
    // NOLINTNEXTLINE(*-reinterpret-cast): the socket interface has one type for all families
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&loopback), sizeof loopback) != 0) {
        close(fd_);
        throw std::runtime_error(std::string("cannot listen on lo: ") + std::strerror(errno));
    }
    const int room = 8 << 20;
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
}

SegmentSniffer::~SegmentSniffer() {
    close(fd_);
}

std::vector<std::size_t> SegmentSniffer::take() {
    std::vector<std::size_t> sizes;
    std::array<std::uint8_t, 128> packet{};
    while (true) {
        sockaddr_ll from{};
        socklen_t from_size = sizeof from;
        // MSG_TRUNC: the real length, whatever fits.
        const auto length = recvfrom(fd_, packet.data(), packet.size(), MSG_DONTWAIT | MSG_TRUNC,
                                     // NOLINTNEXTLINE(*-reinterpret-cast): as above
                                     reinterpret_cast<sockaddr*>(&from), &from_size);
        if (length < 0) {
            return sizes;
        }
        // Loopback shows every packet twice, once on its way out.
        if (from.sll_pkttype == PACKET_OUTGOING || length < 40 || packet[9] != IPPROTO_TCP) {
            continue;
        }
        const std::size_t ip_header = (packet[0] & 0x0fU) * std::size_t{4};
        const auto number = [&packet](std::size_t at) {
            return static_cast<std::size_t>(packet[at] << 8U | packet[at + 1]);
        };
        const std::size_t total = number(2);
        const std::size_t tcp_header = (packet[ip_header + 12] >> 4U) * std::size_t{4};
        if (number(ip_header) == port_ && total > ip_header + tcp_header) {
            sizes.push_back(total - ip_header - tcp_header);
        }
    }
}

}  // namespace spread::interop
