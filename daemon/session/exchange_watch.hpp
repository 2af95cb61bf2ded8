#pragma once

#include <cstdint>
#include <optional>
#include <utility>

#include "membership/groups/group_output.hpp"
#include "protocol/ids.hpp"
#include "protocol/time.hpp"

namespace spread::session {

/// Notices that a state exchange stands still: daemons are on our ring, but their state does not
/// come, so that nobody's messages flow. The ring has to go on without them.
class ExchangeWatch {
  public:
    /// How long nothing may come.
    explicit ExchangeWatch(protocol::Duration patience) : patience_(patience) {}

    /// To be called when ring events have been handled: the exchange that is under way, if any.
    void look(protocol::Instant now, std::optional<membership::PendingExchange> pending) {
        if (!pending) {
            pending_.reset();
        } else if (!pending_ || pending_->ring != pending->ring ||
                   pending_->parts != pending->parts) {
            pending_ = std::move(pending);
            due_ = now + patience_;
        }
    }
    /// When to call overdue().
    [[nodiscard]] std::optional<protocol::Instant> deadline() const {
        return pending_ ? std::optional(due_) : std::nullopt;
    }
    /// The exchange, if it has stood still for too long; once until something comes, or as long
    /// again has passed.
    [[nodiscard]] std::optional<membership::PendingExchange> overdue(protocol::Instant now) {
        if (!pending_ || now < due_) {
            return std::nullopt;
        }
        due_ = now + patience_;
        return pending_;
    }

  private:
    protocol::Duration patience_;
    std::optional<membership::PendingExchange> pending_;
    protocol::Instant due_{};
};

}  // namespace spread::session
