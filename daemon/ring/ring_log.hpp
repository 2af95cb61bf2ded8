#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "daemon/host/endpoint.hpp"
#include "daemon/host/logging.hpp"
#include "daemon/host/repeated_lines.hpp"
#include "daemon/ring/absence_text.hpp"
#include "daemon/ring/foreign_datagram.hpp"
#include "daemon/ring/ring_facts.hpp"
#include "membership/events.hpp"
#include "membership/ring_config.hpp"
#include "membership/trace.hpp"
#include "protocol/roster.hpp"
#include "protocol/time.hpp"

namespace spread::daemon {

/// What operators read of a ring: its states, who is in it, who is missing and why, and who sends
/// what is not of it. A state of affairs that somebody has to mend is told when it begins, once a
/// minute while it lasts, and by the next configuration when it is over.
class RingLog {
  public:
    /// Without `absences` nothing is said of who is missing.
    RingLog(protocol::Roster roster, const membership::RingConfig& ring,
            std::optional<AbsenceText> absences)
        : roster_(std::move(roster)),
          own_hash_(ring.config_hash),
          own_settings_(ring.settings),
          absences_(std::move(absences)) {}

    void on_state_change(protocol::Instant now, const membership::StateChange& change);
    void on_configuration(protocol::Instant now, const membership::ConfigurationChange& change);
    /// Who is missing, or why, is not what was told last.
    void on_missing(protocol::Instant now, std::span<const membership::Absence> missing);
    /// Whom a group address does not reach.
    void on_one_by_one(protocol::Instant now, const protocol::MemberList& daemons);
    void on_unreadable(protocol::Instant now, const Endpoint& source,
                       const ForeignDatagram& foreign);
    void on_other_configuration(protocol::Instant now, const Endpoint& source,
                                protocol::DaemonId sender, std::uint32_t hash);
    /// Datagrams are no longer than `bytes` from now on, because of `peer`.
    void on_narrow_path(protocol::DaemonId peer, std::size_t bytes);
    /// A daemon has shown its settings: see RingConfig::settings.
    /// Returns what it has otherwise; nothing: that has been told.
    std::optional<std::string> on_settings(protocol::Instant now, protocol::DaemonId sender,
                                           std::string_view settings);
    /// Whom a group address does not reach, as the log has told.
    [[nodiscard]] const protocol::MemberList& without_group() const { return one_by_one_told_; }
    /// The unreadable datagram that came last.
    [[nodiscard]] const std::optional<RefusedDatagram>& refused() const { return refused_; }
    /// How the settings that daemons have shown last differ from ours, in short; by id. Those of a
    /// daemon that has been given ours since are among them.
    [[nodiscard]] SettingsDifferences differences() const;
    /// Says what has become due; call a few times a second.
    void tick(protocol::Instant now);

  private:
    /// Somebody has to mend this.
    struct Trouble {
        membership::Absence absence;
        protocol::Instant since;
        protocol::Instant told;
    };

    void say(protocol::Instant now, const std::string& kind, const LogRecord& line);
    void keep_troubles(protocol::Instant now, std::span<const membership::Absence> missing);
    void remind(protocol::Instant now);
    void tell_of_groups(protocol::Instant now);

    protocol::Roster roster_;
    std::uint32_t own_hash_;
    std::string own_settings_;
    std::optional<AbsenceText> absences_;
    RepeatedLines lines_;
    struct Difference {
        std::string told;
        std::string summary;
    };
    std::map<std::uint32_t, Difference> differences_;  ///< by daemon id
    std::optional<RefusedDatagram> refused_;
    std::vector<Trouble> troubles_;

    protocol::MemberList one_by_one_;
    protocol::MemberList one_by_one_told_;
    protocol::Instant one_by_one_since_{};

    std::array<RateLimit, ForeignDatagram::kWhats> unreadable_limits_{
        RateLimit{std::chrono::seconds(10)}, RateLimit{std::chrono::seconds(60)},
        RateLimit{std::chrono::seconds(60)}, RateLimit{std::chrono::seconds(10)},
        RateLimit{std::chrono::seconds(60)}};
    RateLimit mismatch_limit_{std::chrono::seconds(10)};
};

}  // namespace spread::daemon
