#include "tests/chaos/link_emulator.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <utility>

// linux/if_packet.h and netpacket/packet.h exclude each other; this is all we need of the former.
#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

namespace spread::chaos {
namespace {

constexpr std::uint16_t kAllProtocols = 0x0003;
constexpr std::size_t kEthernetBytes = 14;
constexpr std::size_t kFrameBytesMax = 1514;
constexpr std::size_t kWaitingMax = 50000;
constexpr int kSocketBufferBytes = 8 << 20;
constexpr std::size_t kFramesPerTurn = 64;
constexpr std::size_t kSlotBytes = 2048;
constexpr std::uint64_t kBroadcast = 0xffffffffffff;
constexpr std::uint64_t kGroupBit = 0x010000000000;
constexpr std::uint32_t kPerMille = 1000;
constexpr microseconds kLateMax{3'000'000};
constexpr microseconds kSecondCopyMax{2000};

enum EtherType : std::uint16_t { kIpv4 = 0x0800, kArp = 0x0806 };

std::uint64_t read_be(std::span<const std::byte> bytes) {
    std::uint64_t value = 0;
    for (const std::byte byte : bytes) {
        value = (value << 8U) | std::to_integer<std::uint64_t>(byte);
    }
    return value;
}

/// Where the UDP header of this IPv4 frame starts; 0 when it has none.
std::size_t udp_offset(std::span<const std::byte> frame) {
    constexpr std::size_t kIpBytesMin = 20;
    constexpr std::size_t kUdpBytes = 8;
    constexpr unsigned kUdp = 17;
    if (frame.size() < kEthernetBytes + kIpBytesMin) {
        return 0;
    }
    const auto ip = frame.subspan(kEthernetBytes);
    const std::size_t header = (std::to_integer<std::size_t>(ip[0]) & 0x0fU) * 4;
    const bool is_first_fragment = (read_be(ip.subspan(6, 2)) & 0x1fffU) == 0;
    if (std::to_integer<unsigned>(ip[9]) != kUdp || !is_first_fragment ||
        ip.size() < header + kUdpBytes) {
        return 0;
    }
    return kEthernetBytes + header;
}

void listen_on(const client::FileDescriptor& port, const std::string& interface) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(kAllProtocols);
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    // The socket interface takes every address family through the one generic type.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (address.sll_ifindex == 0 || bind(port.get(), generic, sizeof address) != 0) {
        throw std::runtime_error("cannot listen on interface " + interface + ": " +
                                 client::system_error_text(errno));
    }
}

client::FileDescriptor open_port(const std::string& interface) {
    client::FileDescriptor port(
        socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(kAllProtocols)));
    if (!port) {
        throw std::runtime_error("cannot open a packet socket: " +
                                 client::system_error_text(errno));
    }
    const int yes = 1;
    if (setsockopt(port.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof yes) != 0) {
        throw std::runtime_error("packet sockets cannot ignore what they send: " +
                                 client::system_error_text(errno));
    }
    // Without the right to force it the system's limit applies; what overflows is just lost.
    for (const int option : {SO_RCVBUFFORCE, SO_SNDBUFFORCE}) {
        static_cast<void>(setsockopt(port.get(), SOL_SOCKET, option, &kSocketBufferBytes,
                                     sizeof kSocketBufferBytes));
    }
    listen_on(port, interface);
    return port;
}

}  // namespace

LinkEmulator::LinkEmulator(const std::vector<std::string>& interfaces, std::uint64_t seed)
    : links_(interfaces.size() * interfaces.size()),
      addresses_(interfaces.size(), kBroadcast),
      rng_(seed),
      scratch_(kFramesPerTurn * kSlotBytes),
      outgoing_(interfaces.size()) {
    for (const std::string& interface : interfaces) {
        ports_.push_back(open_port(interface));
    }
    open_batches();
    thread_ = std::jthread([this](const std::stop_token& stop) { loop(stop); });
}

LinkEmulator::~LinkEmulator() = default;

void LinkEmulator::open_batches() {
    slots_.resize(kFramesPerTurn);
    reads_.resize(kFramesPerTurn);
    for (std::size_t i = 0; i < kFramesPerTurn; ++i) {
        const auto slot = std::span(scratch_).subspan(i * kSlotBytes, kSlotBytes);
        slots_[i] = {slot.data(), slot.size()};
        reads_[i].msg_hdr.msg_iov = &slots_[i];
        reads_[i].msg_hdr.msg_iovlen = 1;
    }
}

void LinkEmulator::reopen(std::size_t port, const std::string& interface) {
    listen_on(ports_[port], interface);  // its new address is learned from its first frame
}

void LinkEmulator::set(std::size_t from, std::size_t to, const LinkQuality& quality) {
    const std::scoped_lock lock(mutex_);
    link(from, to).quality = quality;
}

LinkEmulator::Counts LinkEmulator::counts() const {
    return {.forwarded = forwarded_,
            .cut = cut_,
            .lost = lost_,
            .duplicated = duplicated_,
            .delayed = delayed_,
            .corrupted = corrupted_,
            .overflowed = overflowed_,
            .oversized = oversized_};
}

void LinkEmulator::loop(const std::stop_token& stop) {
    constexpr auto kTurn = std::chrono::milliseconds(20);  // how soon a stop is seen
    std::vector<pollfd> polled;
    for (const auto& port : ports_) {
        polled.push_back({port.get(), POLLIN, 0});
    }
    while (!stop.stop_requested()) {
        std::chrono::nanoseconds wait = kTurn;
        if (!waiting_.empty()) {
            wait = std::clamp<std::chrono::nanoseconds>(waiting_.front().due - Clock::now(),
                                                        std::chrono::nanoseconds(0), kTurn);
        }
        const timespec timeout{0, static_cast<long>(wait.count())};
        if (ppoll(polled.data(), polled.size(), &timeout, nullptr) > 0) {
            for (std::size_t port = 0; port < polled.size(); ++port) {
                if (polled[port].revents != 0) {
                    read_port(port);
                }
            }
        }
        send_due();
        waiting_count_ = waiting_.size();
    }
}

void LinkEmulator::read_port(std::size_t port) {
    // MSG_TRUNC: the true length of frames that are longer than a slot.
    const int count =
        recvmmsg(ports_[port].get(), reads_.data(), static_cast<unsigned>(reads_.size()),
                 MSG_DONTWAIT | MSG_TRUNC, nullptr);
    // Below zero: the link is down, which one read says and clears.
    for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
        if (reads_[i].msg_len > kFrameBytesMax) {
            ++oversized_;
            continue;
        }
        on_frame(port, std::span(scratch_).subspan(i * kSlotBytes, reads_[i].msg_len));
    }
    flush();
}

void LinkEmulator::on_frame(std::size_t from, std::span<std::byte> frame) {
    if (frame.size() < kEthernetBytes) {
        return;
    }
    const auto type = static_cast<std::uint16_t>(read_be(frame.subspan(12, 2)));
    if (type != kIpv4 && type != kArp) {
        return;
    }
    addresses_[from] = read_be(frame.subspan(6, 6));
    if (const std::size_t udp = type == kIpv4 ? udp_offset(frame) : 0; udp != 0) {
        frame[udp + 6] = std::byte{0};
        frame[udp + 7] = std::byte{0};
    }
    const std::uint64_t destination = read_be(frame.first(6));
    const auto known = std::ranges::find(addresses_, destination);
    if ((destination & kGroupBit) == 0 && known != addresses_.end()) {
        const auto to = static_cast<std::size_t>(known - addresses_.begin());
        if (to != from) {
            forward(from, to, frame);
        }
        return;
    }
    for (std::size_t to = 0; to < ports_.size(); ++to) {
        if (to != from) {
            forward(from, to, frame);
        }
    }
}

bool LinkEmulator::is_lost(Link& link) {
    if (link.burst_left > 0) {
        --link.burst_left;
        return true;
    }
    if (!rng_.chance(link.quality.loss, kPerMille)) {
        return false;
    }
    link.burst_left = static_cast<std::uint32_t>(rng_.below(link.quality.burst));
    return true;
}

void LinkEmulator::forward(std::size_t from, std::size_t to, std::span<const std::byte> frame) {
    LinkQuality quality;
    {
        const std::scoped_lock lock(mutex_);
        Link& way = link(from, to);
        quality = way.quality;
        if (quality.cut) {
            ++cut_;
            return;
        }
        if (is_lost(way)) {
            ++lost_;
            return;
        }
    }
    const auto now = Clock::now();
    auto due = now + quality.delay;
    if (quality.jitter.count() > 0) {
        constexpr std::uint64_t kSteps = 1U << 20U;
        const double uniform =
            static_cast<double>(rng_.below(kSteps) + 1) / static_cast<double>(kSteps);
        due += microseconds(
            std::llround(-std::log(uniform) * static_cast<double>(quality.jitter.count())));
    }
    due = std::max(due, quality.clogged);
    const std::size_t udp = udp_offset(frame);
    if (udp != 0 && rng_.chance(quality.corrupt, kPerMille) && frame.size() > udp + 8) {
        Frame damaged(frame.begin(), frame.end());
        const std::size_t at = udp + 8 + rng_.below(frame.size() - udp - 8);
        damaged[at] ^= std::byte{1} << static_cast<int>(rng_.below(8));
        kept_.push_back(std::move(damaged));
        frame = kept_.back();
        ++corrupted_;
    }
    ++forwarded_;
    const auto random_part = [&](microseconds most) {
        return microseconds(rng_.below(static_cast<std::uint64_t>(most.count())));
    };
    if (rng_.chance(quality.duplicate, kPerMille)) {
        ++duplicated_;
        send_at(due + random_part(kSecondCopyMax), to, frame);
    }
    if (rng_.chance(quality.late, kPerMille)) {
        ++duplicated_;
        send_at(due + random_part(kLateMax), to, frame);
    }
    if (due > now) {
        ++delayed_;
        send_at(due, to, frame);
    } else {
        transmit(to, frame);
    }
}

void LinkEmulator::send_at(Clock::time_point due, std::size_t port,
                           std::span<const std::byte> frame) {
    if (waiting_.size() >= kWaitingMax) {
        ++overflowed_;
        return;
    }
    waiting_.push_back({due, next_number_++, port, {frame.begin(), frame.end()}});
    std::ranges::push_heap(waiting_, std::greater<>());
}

void LinkEmulator::send_due() {
    const auto now = Clock::now();
    while (!waiting_.empty() && waiting_.front().due <= now) {
        std::ranges::pop_heap(waiting_, std::greater<>());
        kept_.push_back(std::move(waiting_.back().bytes));
        transmit(waiting_.back().port, kept_.back());
        waiting_.pop_back();
    }
    flush();
}

void LinkEmulator::transmit(std::size_t port, std::span<const std::byte> frame) {
    // The kernel only reads, but its interface has one type for both ways.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast)
    outgoing_[port].push_back({const_cast<std::byte*>(frame.data()), frame.size()});
}

void LinkEmulator::flush() {
    for (std::size_t port = 0; port < ports_.size(); ++port) {
        auto& frames = outgoing_[port];
        sends_.assign(frames.size(), mmsghdr{});
        for (std::size_t i = 0; i < frames.size(); ++i) {
            sends_[i].msg_hdr.msg_iov = &frames[i];
            sends_[i].msg_hdr.msg_iovlen = 1;
        }
        auto rest = std::span(sends_);
        while (!rest.empty()) {
            const int sent =
                sendmmsg(ports_[port].get(), rest.data(), static_cast<unsigned>(rest.size()),
                         MSG_DONTWAIT | MSG_NOSIGNAL);
            if (sent <= 0) {
                ++overflowed_;  // also while the link is down
            }
            rest = rest.subspan(static_cast<std::size_t>(std::max(1, sent)));
        }
        frames.clear();
    }
    kept_.clear();
}

}  // namespace spread::chaos
