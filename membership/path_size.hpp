#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <optional>

#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::membership {

/// How long datagrams of ours may be. At first as long as the interfaces take in one piece. Where
/// long ones to a daemon are lost and short ones arrive, because the path between is narrower than
/// both its ends and does not say so, shorter ones are tried; the long ones again after a while.
class PathSize {
  public:
    static constexpr protocol::Duration kTryAgainAfter = std::chrono::minutes(10);

    /// A daemon that does not get datagrams of our size.
    struct Narrow {
        protocol::DaemonId peer;
        std::size_t bytes = 0;  ///< what is sent instead

        friend bool operator==(const Narrow&, const Narrow&) = default;
    };

    explicit PathSize(std::size_t bytes_max) : bytes_max_(bytes_max), bytes_(bytes_max) {}

    [[nodiscard]] std::size_t bytes(protocol::Instant now) const {
        return is_narrow(now) ? bytes_ : bytes_max_;
    }
    /// Long datagrams to `peer` were lost, and short ones were not. One may be lost by chance, so
    /// only the second time in a row counts, and what is said within `settle` after the last step
    /// may be older than it. True: shorter ones are tried from now on.
    [[nodiscard]] bool suspect(protocol::Instant now, protocol::DaemonId peer,
                               protocol::Duration settle) {
        if (is_narrow(now) && now - since_ < settle) {
            return false;
        }
        if (suspect_ != peer) {
            suspect_ = peer;
            return false;
        }
        suspect_.reset();
        // What tunnels, other technologies and IPv6 let through at least.
        constexpr std::array<std::size_t, 4> kSmaller{1452, 1352, 1232, 512};
        const std::size_t current = bytes(now);
        for (const std::size_t bytes : kSmaller) {
            if (bytes < current) {
                bytes_ = bytes;
                since_ = now;
                peer_ = peer;
                return true;
            }
        }
        return false;
    }
    void trust() { suspect_.reset(); }
    /// Whom datagrams are shorter for.
    [[nodiscard]] std::optional<Narrow> narrow(protocol::Instant now) const {
        return is_narrow(now) ? std::optional(Narrow{peer_, bytes_}) : std::nullopt;
    }

  private:
    [[nodiscard]] bool is_narrow(protocol::Instant now) const {
        return bytes_ < bytes_max_ && now - since_ < kTryAgainAfter;
    }

    std::size_t bytes_max_;
    std::size_t bytes_;
    protocol::Instant since_{};
    protocol::DaemonId peer_;
    std::optional<protocol::DaemonId> suspect_;
};

}  // namespace spread::membership
