#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "daemon/addresses/address_book.hpp"
#include "protocol/ids.hpp"
#include "protocol/rng.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"
#include "tests/sim/names.hpp"

namespace spread::sim {

/// What PeerAddresses is in the daemon, for one life: the address book, and look-ups that take
/// their time.
class NameSide {
  public:
    struct Setup {
        std::size_t daemons;
        DaemonIndex self;
        protocol::Duration patience;  ///< with a proven address that is silent
        std::uint32_t config_hash;
        protocol::Rng luck;
        /// Where datagrams for `to` go from now on, and answers to challenges as well.
        std::function<void(DaemonIndex to, std::vector<Names::Address> ways, Names::Address claim)>
            tell;
    };

    /// `names` must outlive this object.
    NameSide(const Names& names, Setup setup);

    /// What is due.
    void work(protocol::Instant now);
    /// Nothing before that; Instant::max() if never.
    [[nodiscard]] protocol::Instant next_deadline() const;

    void on_authentic(protocol::Instant now, protocol::DaemonId sender, Names::Address source);
    void on_claim(protocol::Instant now, protocol::DaemonId sender, Names::Address source);
    /// Of a plain datagram. False: its sender is not known to be there.
    [[nodiscard]] bool admits(protocol::Instant now, std::span<const std::byte> datagram,
                              Names::Address source);
    void set_members(protocol::Instant now, const protocol::MemberList& members);

  private:
    [[nodiscard]] protocol::Duration pause();
    void tell();

    const Names& names_;
    Setup setup_;
    protocol::Roster roster_;
    addresses::AddressBook book_;
    std::multimap<protocol::Instant, DaemonIndex> asked_;  ///< by when they are answered
};

}  // namespace spread::sim
