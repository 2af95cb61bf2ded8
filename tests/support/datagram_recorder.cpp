#include "tests/support/datagram_recorder.hpp"

#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <utility>

namespace spread::support {
namespace {

constexpr std::size_t kUdpBytes = 8;
constexpr int kSocketBytes = 16 << 20;

unsigned number_at(std::span<const std::byte> packet, std::size_t at) {
    return std::to_integer<unsigned>(packet[at]) << 8U | std::to_integer<unsigned>(packet[at + 1]);
}

}  // namespace

DatagramRecorder::DatagramRecorder(std::uint16_t port, std::size_t most)
    : port_(port),
      most_(most),
      // All protocols: a bridge takes what it forwards before sockets of a single one see it.
      socket_(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, htons(ETH_P_ALL))) {
    if (!socket_) {
        return;
    }
    const timeval patience{0, 100000};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &kSocketBytes, sizeof kSocketBytes);
    thread_ = std::thread([this] { run(); });
}

DatagramRecorder::~DatagramRecorder() {
    is_over_ = true;
    if (thread_.joinable()) {
        thread_.join();
    }
}

std::vector<SeenDatagram> DatagramRecorder::stop() {
    is_over_ = true;
    thread_.join();
    return std::move(seen_);
}

void DatagramRecorder::run() {
    std::vector<std::byte> room(65536);
    while (!is_over_) {
        sockaddr_ll from{};
        socklen_t length = sizeof from;
        const ssize_t got = ::recvfrom(socket_.get(), room.data(), room.size(), 0,
                                       reinterpret_cast<sockaddr*>(&from), &length);
        if (got > 0 && from.sll_pkttype != PACKET_OUTGOING &&
            from.sll_protocol == htons(ETH_P_IP)) {
            note(std::span(room).first(static_cast<std::size_t>(got)));
        }
    }
}

void DatagramRecorder::note(std::span<const std::byte> packet) {
    constexpr unsigned kFragmentBits = 0x3fff;  // more follow, or there were some before
    const std::size_t head = (std::to_integer<std::size_t>(packet[0]) & 15U) * 4;
    if (packet.size() <= head + kUdpBytes || packet[9] != std::byte{IPPROTO_UDP} ||
        (number_at(packet, 6) & kFragmentBits) != 0 || seen_.size() == most_) {
        return;
    }
    const auto port = static_cast<std::uint16_t>(number_at(packet, head + 2));
    const auto text = packet.subspan(head + kUdpBytes);
    if (port == port_ || port == port_ + 1) {
        seen_.push_back({{text.begin(), text.end()}, static_cast<std::uint16_t>(port - port_)});
    }
}

}  // namespace spread::support
