#pragma once

#include <span>
#include <string>

#include "config/configuration.hpp"
#include "membership/absence.hpp"
#include "protocol/roster.hpp"

namespace spread::daemon {

/// Says who is missing in a ring, why, and what an operator can do about it.
class AbsenceText {
  public:
    /// Of the daemon `self`.
    AbsenceText(const config::Configuration& configuration, std::size_t self);

    /// "node3 (the token port UDP 10.0.0.3:4804 of node3 gets nothing of node1 and node2, its data
    /// port does; on node3, let UDP 4804 in from 10.0.0.1 and 10.0.0.2, ...), node4 (has left)".
    [[nodiscard]] std::string describe(std::span<const membership::Absence> missing) const;

    /// The group addresses of our segment: "239.192.0.7, 239.192.0.8".
    [[nodiscard]] const std::string& groups() const { return groups_; }
    /// What stands in the brackets.
    [[nodiscard]] std::string why(const membership::Absence& absence) const;

  private:
    /// Of a bad link: what does not get through between which daemons, and where to let it in.
    [[nodiscard]] std::string closed_port(const membership::Absence& absence, bool is_token) const;
    /// Both ends of one: who does not hear, and who is not heard.
    struct Ends {
        std::vector<protocol::DaemonIndex> hearers;
        std::vector<protocol::DaemonIndex> speakers;
    };
    [[nodiscard]] Ends ends_of(const membership::Absence& absence) const;
    [[nodiscard]] std::string names(const std::vector<protocol::DaemonIndex>& daemons) const;

    /// "UDP 10.0.0.3:4803" of the daemon's data port, or of its token port.
    [[nodiscard]] std::string data_port(protocol::DaemonId daemon) const;
    [[nodiscard]] std::string token_port(protocol::DaemonId daemon) const;

    [[nodiscard]] std::string port_of(protocol::DaemonIndex place, std::uint16_t port) const;

    protocol::Roster roster_;
    std::vector<config::IpAddress> addresses_;  ///< by place in roster_
    std::vector<std::string> hosts_;            ///< the same: names in place of addresses, or none
    std::vector<std::uint16_t> ports_;
    std::string groups_;
};

}  // namespace spread::daemon
