#include "tools/spreadctl/path_probe.hpp"

#include <poll.h>

#include <algorithm>
#include <array>

#include "config/identity.hpp"
#include "daemon/engine_config.hpp"
#include "daemon/ring/udp_transport.hpp"
#include "protocol/buffer.hpp"
#include "tools/spreadctl/path_report.hpp"

namespace spread::spreadctl {
namespace {

using membership::Arrival;
using membership::Channel;
using membership::Destination;
using std::chrono::steady_clock;

constexpr auto kSendEvery = std::chrono::milliseconds(200);
/// After all is well, so that the other doctors hear that as well.
constexpr auto kLinger = std::chrono::milliseconds(1000);
constexpr std::size_t kBlockBytes = 65536;
constexpr std::size_t kBlocks = 64;
constexpr std::uint8_t kAllWays = kToken | kData | kFullSized;

std::int64_t wall_ms() {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
}

class Exchange {
  public:
    explicit Exchange(const daemon::Loaded& loaded)
        : configuration_(loaded.configuration),
          self_(*loaded.self.daemon),
          hash_(config::configuration_hash(configuration_)),
          full_bytes_(daemon::wire_bytes_of(configuration_, self_, loaded.locals)),
          transport_(configuration_, self_, loaded.locals),
          pool_(kBlockBytes, kBlocks),
          by_group_(configuration_.daemons.size(), false) {
        paths_.heard.resize(configuration_.daemons.size(), 0);
        paths_.hears_us.resize(configuration_.daemons.size());
        paths_.ahead_ms.resize(configuration_.daemons.size());
        for (const protocol::DaemonId mate : transport_.group_mates()) {
            for (std::size_t i = 0; i < configuration_.daemons.size(); ++i) {
                by_group_[i] = by_group_[i] || configuration_.daemons[i].id == mate.value;
            }
        }
    }

    void run(std::chrono::milliseconds patience) {
        const auto end = steady_clock::now() + patience;
        auto last_unwell = steady_clock::now();
        while (steady_clock::now() < end) {
            const auto at = steady_clock::now();
            if (!is_well()) {
                last_unwell = at;
            } else if (at - last_unwell > kLinger) {
                return;
            }
            send();
            receive_until(std::min(at + kSendEvery, end));
        }
    }
    [[nodiscard]] std::vector<Finding> findings() const {
        return path_findings(configuration_, self_, paths_, by_group_);
    }

  private:
    [[nodiscard]] bool is_well() const {
        for (std::size_t i = 0; i < by_group_.size(); ++i) {
            const std::uint8_t wanted = by_group_[i] ? kAllWays | kGroup : kAllWays;
            if (i != self_ && (paths_.heard[i] != wanted || paths_.hears_us[i] != wanted)) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] protocol::Slice packet(std::size_t bytes) {
        const auto encoded = encode({hash_, self_, paths_.heard, wall_ms()}, bytes);
        auto buffer = protocol::BufferRef::allocate(encoded.size());
        std::ranges::copy(encoded, buffer->data());
        return {std::move(buffer), 0, static_cast<std::uint32_t>(encoded.size())};
    }

    void send() {
        std::vector<membership::OutboundPacket> out;
        for (std::size_t i = 0; i < by_group_.size(); ++i) {
            if (i == self_) {
                continue;
            }
            const protocol::DaemonId to{configuration_.daemons[i].id};
            out.push_back({Destination::kDaemon, Channel::kData, to, packet(0)});
            out.push_back({Destination::kDaemon, Channel::kToken, to, packet(0)});
            out.push_back({Destination::kDaemon, Channel::kData, to, packet(full_bytes_)});
        }
        out.push_back({Destination::kAll, Channel::kData, {}, packet(0)});
        transport_.send(out);
    }

    void receive_until(steady_clock::time_point end) {
        std::vector<pollfd> waiting;
        for (const auto& socket : transport_.sockets()) {
            waiting.push_back({socket.fd.get(), POLLIN, 0});
        }
        for (auto now = steady_clock::now(); now < end; now = steady_clock::now()) {
            const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - now);
            if (::poll(waiting.data(), waiting.size(), static_cast<int>(left.count())) <= 0) {
                continue;
            }
            for (std::size_t i = 0; i < waiting.size(); ++i) {
                if ((waiting[i].revents & POLLIN) != 0) {
                    receive(transport_.sockets()[i]);
                }
            }
        }
    }

    void receive(const daemon::UdpTransport::Socket& socket) {
        const auto take = [this](const protocol::Slice& datagram, Arrival arrival,
                                 const daemon::Endpoint& source) {
            const auto said = decode_doctor_packet(datagram.bytes());
            if (!said || said->config_hash != hash_ || said->sender == self_ ||
                said->heard.size() != by_group_.size() ||
                daemon::ip_of(source.address()) != configuration_.daemons[said->sender].address) {
                return;
            }
            const bool is_full = datagram.length >= full_bytes_;
            paths_.heard[said->sender] |= arrival == Arrival::kToken   ? kToken
                                          : arrival == Arrival::kGroup ? kGroup
                                          : is_full                    ? kFullSized | kData
                                                                       : kData;
            paths_.hears_us[said->sender] = said->heard[self_];
            // What took longest on the way seems furthest behind.
            auto& ahead = paths_.ahead_ms[said->sender];
            const std::int64_t seems = said->clock_ms - wall_ms();
            ahead = std::max(ahead.value_or(seems), seems);
        };
        while (transport_.receive_from(socket, pool_, take)) {
        }
    }

    const config::Configuration& configuration_;
    std::size_t self_;
    std::uint32_t hash_;
    std::size_t full_bytes_;
    daemon::UdpTransport transport_;
    protocol::BufferPool pool_;
    std::vector<bool> by_group_;
    PathsHeard paths_;
};

}  // namespace

std::vector<Finding> probe_paths(const daemon::Loaded& loaded, std::chrono::milliseconds patience) {
    Exchange exchange(loaded);
    exchange.run(patience);
    return exchange.findings();
}

}  // namespace spread::spreadctl
