#pragma once

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/admin/formations.hpp"
#include "daemon/admin/history.hpp"
#include "daemon/ring/absence_text.hpp"
#include "daemon/ring/ring_facts.hpp"
#include "protocol/roster.hpp"

namespace spread::admin {

/// Watches the ring for the history: what was installed, how long that took, who is missing since
/// when, and why.
class RingWatch final : public daemon::RingObserver {
  public:
    struct Missing {
        membership::Absence absence;
        std::string text;  ///< why, and what to do
        WallTime since;    ///< it is not in the ring
    };
    struct Membership {
        WallTime installed_at;
        std::optional<std::chrono::microseconds> took;  ///< to form it
        std::vector<Missing> missing;                   ///< configuration order
        Formations formations;                          ///< all so far
    };

    /// `history` must outlive this object.
    RingWatch(const config::Configuration& configuration, std::size_t self, History& history);

    void on_state_change(const membership::StateChange& change) override;
    void on_installed(const membership::ConfigurationChange& change) override;
    void on_missing(std::span<const membership::Absence> missing) override;
    void on_without_group(const protocol::MemberList& daemons) override;
    void on_difference(protocol::DaemonId daemon, const std::string& difference) override;

    /// Of the ring installed last; nothing before the first. From any thread.
    [[nodiscard]] std::optional<Membership> membership() const;
    /// Whom the segment's group address does not reach now. From any thread.
    struct WithoutGroup {
        std::vector<std::string> daemons;
        std::string text;  ///< who and what to do; empty: nobody
    };
    [[nodiscard]] WithoutGroup without_group() const;

  private:
    [[nodiscard]] std::vector<Missing> described(std::span<const membership::Absence> missing,
                                                 WallTime now) const;

    [[nodiscard]] std::string news_of(protocol::DaemonId daemon) const;

    const protocol::Roster roster_;
    const daemon::AbsenceText texts_;
    const std::uint16_t port_;
    History& history_;
    // For the thread that does the ring's work.
    std::optional<protocol::Instant> left_at_;  ///< when the last ring was given up
    std::string why_;                           ///< that was
    protocol::MemberList members_;              ///< of the last ring

    mutable std::mutex mutex_;
    std::optional<Membership> membership_;  ///< guarded by mutex_
    WithoutGroup without_group_;            ///< the same
};

}  // namespace spread::admin
