#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/ids.hpp"

namespace spread::session {

/// Who holds which user name on this daemon, and who waits for it. A name is held until its
/// session's disconnect has been delivered in agreed order (CP 3.1); one newcomer may
/// wait for that.
class NameRegistry {
  public:
    /// False when somebody holds the name.
    bool take(const std::string& name, protocol::SessionId session) {
        return claims_.try_emplace(name, Claim{session, {}}).second;
    }

    [[nodiscard]] bool is_taken(const std::string& name) const { return claims_.contains(name); }
    /// The name must be taken.
    [[nodiscard]] protocol::SessionId holder(const std::string& name) const {
        return claims_.at(name).holder;
    }

    /// Waits for a taken name. False when somebody else waits already.
    bool wait(const std::string& name, protocol::SessionId session) {
        auto& waiter = claims_.at(name).waiter;
        if (waiter) {
            return false;
        }
        waiter = session;
        return true;
    }
    void stop_waiting(const std::string& name) { claims_.at(name).waiter.reset(); }

    /// The holder is gone. If a session waits for the name, it holds it now, and is one of
    /// the heirs.
    void release(const std::string& name) {
        const auto found = claims_.find(name);
        const auto waiter = std::exchange(found->second.waiter, std::nullopt);
        if (waiter) {
            found->second.holder = *waiter;
            heirs_.push_back(*waiter);
        } else {
            claims_.erase(found);
        }
    }
    /// Are there sessions that have got the name they waited for and have not been told yet?
    [[nodiscard]] bool has_heirs() const { return !heirs_.empty(); }
    /// One of them. It may have ended meanwhile.
    [[nodiscard]] protocol::SessionId take_heir() {
        const protocol::SessionId heir = heirs_.back();
        heirs_.pop_back();
        return heir;
    }

  private:
    struct Claim {
        protocol::SessionId holder;
        std::optional<protocol::SessionId> waiter;
    };
    std::unordered_map<std::string, Claim> claims_;
    std::vector<protocol::SessionId> heirs_;
};

}  // namespace spread::session
