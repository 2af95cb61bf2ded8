#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "daemon/access/access_rules.hpp"
#include "daemon/access/address_rules.hpp"
#include "daemon/access/peer_address.hpp"

namespace spread::session {

/// A client as the rules see it.
struct Requester {
    access::Identity who;  ///< complete before the first request
    access::AccessRules::Standing standing{};
    std::uint64_t rules = 0;  ///< those that `standing` is of; see Permissions
};

/// Who may connect, and what clients may do: the rules now in force, which may be replaced at any
/// time. Without address rules nobody is admitted by address; without access rules everybody may do
/// everything.
class Permissions {
  public:
    void set_address_rules(std::shared_ptr<const access::AddressRules> rules) {
        address_rules_ = std::move(rules);
    }
    void set_access_rules(std::shared_ptr<const access::AccessRules> rules) {
        access_rules_ = std::move(rules);
        has_limits_ = access_rules_ != nullptr && access_rules_->has_limits();
        ++rules_number_;
    }

    [[nodiscard]] bool admits(const access::PeerAddress& peer) const {
        return address_rules_ != nullptr && address_rules_->admits(peer);
    }
    [[nodiscard]] bool may_connect(const access::Identity& who) const {
        return access_rules_ == nullptr || access_rules_->may_connect(who);
    }
    /// Of somebody who may not.
    [[nodiscard]] std::string why_not_connect(const access::Identity& who) const {
        return access_rules_ == nullptr ? std::string() : access_rules_->why_not_connect(who);
    }
    /// Whether anybody's sending is limited.
    [[nodiscard]] bool has_limits() const { return has_limits_; }
    [[nodiscard]] const access::SendLimit& send_limit(Requester& client) const {
        return standing_of(client).send_limit();
    }
    [[nodiscard]] bool may_join(Requester& client, std::string_view group) const {
        return access_rules_ == nullptr || access_rules_->may_join(standing_of(client), group);
    }
    /// Whether may_send() can return false at all.
    [[nodiscard]] bool look_at_messages() const { return access_rules_ != nullptr; }
    /// `frame`: a checked multicast of the session wire, little-endian. Every group must be
    /// allowed.
    [[nodiscard]] bool may_send(Requester& client, std::span<const std::byte> frame) const;

  private:
    [[nodiscard]] const access::AccessRules::Standing& standing_of(Requester& client) const;

    std::shared_ptr<const access::AddressRules> address_rules_;
    std::shared_ptr<const access::AccessRules> access_rules_;
    bool has_limits_ = false;
    std::uint64_t rules_number_ = 0;  ///< grows with each set of access rules
};

}  // namespace spread::session
