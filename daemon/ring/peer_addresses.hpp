#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "config/configuration.hpp"
#include "daemon/addresses/address_book.hpp"
#include "daemon/host/endpoint.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/ring/look_ups.hpp"
#include "daemon/ring/udp_transport.hpp"
#include "protocol/ids.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::daemon {

/// Keeps the transport told where the daemons are, on a ring where some have names in place of
/// addresses: the address book, the look-ups that it wants, and the log. For the thread that does
/// the ring's work.
class PeerAddresses {
  public:
    struct Setup {
        addresses::AddressBook book;
        std::vector<LookUps::Name> names;  ///< by place in the configuration
        std::uint32_t config_hash = 0;

        /// None where all other daemons have literal addresses. A proven address that is silent for
        /// `patience` may be an old one.
        [[nodiscard]] static std::optional<Setup> of(const config::Configuration& configuration,
                                                     std::size_t self, protocol::Duration patience);
    };

    /// `transport` must outlive this object.
    PeerAddresses(Setup setup, protocol::Roster roster, UdpTransport& transport);

    /// Readable when a look-up has ended; then note_answers().
    [[nodiscard]] int fd() const { return look_ups_.fd(); }
    void note_answers() { has_answers_ = true; }
    /// What is due. Costs a comparison where nothing is.
    void work(protocol::Instant now);
    [[nodiscard]] protocol::Instant next_deadline() const { return book_.next_deadline(); }

    /// What has just arrived from `source`: a sealed datagram that is authentic and the newest of
    /// `sender`,
    void on_authentic(protocol::Instant now, protocol::DaemonId sender, const Endpoint& source);
    /// one that is authentic and may be old,
    void on_claim(protocol::Instant now, protocol::DaemonId sender, const Endpoint& source);
    /// or a plain one. False: its sender is not known to be there.
    [[nodiscard]] bool admits(protocol::Instant now, std::span<const std::byte> datagram,
                              const Endpoint& source);

    void set_members(protocol::Instant now, const protocol::MemberList& members);

    /// Whether nothing is known of where this daemon is, so that it may not exist at all.
    [[nodiscard]] bool is_unknown(protocol::DaemonId daemon) const;
    /// Whether other daemons are unknown than at the last call.
    [[nodiscard]] bool take_unknown_change();
    /// By place in the configuration; none where it is not known.
    [[nodiscard]] std::vector<std::optional<config::IpAddress>> whereabouts() const;

  private:
    void take_answers(protocol::Instant now);
    void tell_transport();

    addresses::AddressBook book_;
    protocol::Roster roster_;
    UdpTransport& transport_;
    std::uint32_t config_hash_;
    std::vector<LookUps::Name> names_;
    LookUps look_ups_;
    bool has_answers_ = false;
    std::vector<std::optional<config::IpAddress>> told_;  ///< proven addresses, in the log
    protocol::DaemonSet unknown_;
    bool has_worked_ = false;  ///< since take_unknown_change()
    RateLimit failures_{std::chrono::minutes(1)};
};

}  // namespace spread::daemon
