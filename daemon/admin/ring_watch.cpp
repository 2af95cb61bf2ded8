#include "daemon/admin/ring_watch.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "daemon/host/clock.hpp"
#include "daemon/ring/roster_of.hpp"

namespace spread::admin {

using membership::Absence;
using membership::RingState;

RingWatch::RingWatch(const config::Configuration& configuration, std::size_t self, History& history)
    : roster_(daemon::roster_of(configuration)),
      texts_(configuration, self),
      port_(configuration.segments[configuration.daemons[self].segment].port),
      history_(history) {}

void RingWatch::on_state_change(const membership::StateChange& change) {
    if (change.to != RingState::kGather || left_at_) {
        return;
    }
    left_at_ = change.at;
    why_ = std::string(membership::to_string(change.reason));
    if (change.peer) {
        why_ += ", daemon " + roster_.describe(change.peer);
    }
}

void RingWatch::on_installed(const membership::ConfigurationChange& change) {
    const WallTime now = std::chrono::system_clock::now();
    Membership membership{now, std::nullopt, described(change.missing, now),
                          membership_ ? membership_->formations : Formations()};
    if (left_at_) {
        membership.took =
            std::chrono::duration_cast<std::chrono::microseconds>(daemon::now() - *left_at_);
        membership.formations.add_time(*membership.took);
    }
    std::string lost;
    std::string came;
    std::string cause;
    for (const Missing& each : membership.missing) {
        if (std::find(members_.begin(), members_.end(), each.absence.daemon) != members_.end()) {
            lost += " " + roster_.describe(each.absence.daemon);
            cause = membership::to_string(each.absence.cause);
        }
    }
    for (const protocol::DaemonId member : change.members) {
        if (std::find(members_.begin(), members_.end(), member) == members_.end()) {
            came += " " + roster_.describe(member);
        }
    }
    if (cause.empty() && !came.empty()) {
        // The first ring of a daemon that finds nobody: nobody has joined anybody.
        cause = members_.empty() && change.members.size() == 1 ? "started" : "joined";
    }
    std::vector<std::string> names;
    for (const protocol::DaemonId member : change.members) {
        names.push_back(roster_.describe(member));
    }
    ++membership.formations.changes[cause.empty() ? "unchanged" : cause];
    history_.add(
        {0, now, "ring_changed", "", cause,
         fmt::format("ring {} -> {} of {}{}{} ({})", members_.size(), change.members.size(),
                     roster_.size(), lost.empty() ? "" : ", lost" + lost,
                     came.empty() ? "" : ", new" + came, why_),
         membership.took,
         fmt::format("{}.{}", change.ring_id.representative.value, change.ring_id.counter),
         std::move(names)});
    for (const Missing& each : membership.missing) {
        history_.add({0, now, "peer_missing", roster_.describe(each.absence.daemon),
                      std::string(membership::to_string(each.absence.cause)), each.text,
                      std::nullopt});
    }
    members_ = change.members;
    left_at_.reset();
    const std::lock_guard lock(mutex_);
    membership_ = std::move(membership);
}

void RingWatch::on_missing(std::span<const Absence> missing) {
    const WallTime now = std::chrono::system_clock::now();
    std::vector<Missing> next = described(missing, now);
    for (const Missing& each : next) {
        const auto same = [&](const Missing& before) { return before.absence == each.absence; };
        if (!membership_ ||
            std::none_of(membership_->missing.begin(), membership_->missing.end(), same)) {
            history_.add({0, now, "peer_missing", roster_.describe(each.absence.daemon),
                          std::string(membership::to_string(each.absence.cause)),
                          news_of(each.absence.daemon) + each.text, std::nullopt});
        }
    }
    const std::lock_guard lock(mutex_);
    if (membership_) {
        membership_->missing = std::move(next);
    }
}

void RingWatch::on_without_group(const protocol::MemberList& daemons) {
    WithoutGroup next;
    std::string names;
    for (const protocol::DaemonId daemon : daemons) {
        next.daemons.push_back(roster_.describe(daemon));
        names += (names.empty() ? "" : ", ") + next.daemons.back();
    }
    const std::string groups = fmt::format("multicast {} at UDP port {}", texts_.groups(), port_);
    if (!daemons.empty()) {
        next.text = fmt::format(
            "{} does not reach {}, which is sent everything by itself; let it through there, or "
            "write unicast in the file (a network without multicast, or IGMP snooping without a "
            "querier?)",
            groups, names);
    }
    const WallTime now = std::chrono::system_clock::now();
    if (daemons.empty()) {
        history_.add({0, now, "multicast_back", "", "", groups + " reaches all again", {}});
    } else {
        history_.add({0, now, "multicast_lost", names, "multicast", next.text, {}});
    }
    const std::lock_guard lock(mutex_);
    without_group_ = std::move(next);
}

void RingWatch::on_difference(protocol::DaemonId daemon, const std::string& difference) {
    const std::string name = roster_.describe(daemon);
    history_.add({0,
                  std::chrono::system_clock::now(),
                  "settings_differ",
                  name,
                  "",
                  fmt::format("{} runs another configuration file: {}", name, difference),
                  {}});
}

/// What stands before the reason, so that what is learnt later does not read like a second loss.
std::string RingWatch::news_of(protocol::DaemonId daemon) const {
    if (membership_) {
        for (const Missing& before : membership_->missing) {
            if (before.absence.daemon == daemon) {
                return before.absence.cause == membership::Cause::kUnknown
                           ? "still missing, now known why: "
                           : "still missing, more is known: ";
            }
        }
    }
    return "";
}

/// Who was missing before has been so since then. Only the ring's thread writes membership_, so it
/// may read it without the lock.
std::vector<RingWatch::Missing> RingWatch::described(std::span<const Absence> missing,
                                                     WallTime now) const {
    std::vector<Missing> out;
    for (const Absence& absence : missing) {
        WallTime since = now;
        if (membership_) {
            for (const Missing& before : membership_->missing) {
                if (before.absence.daemon == absence.daemon) {
                    since = before.since;
                }
            }
        }
        out.push_back({absence, texts_.why(absence), since});
    }
    return out;
}

std::optional<RingWatch::Membership> RingWatch::membership() const {
    const std::lock_guard lock(mutex_);
    return membership_;
}

RingWatch::WithoutGroup RingWatch::without_group() const {
    const std::lock_guard lock(mutex_);
    return without_group_;
}

}  // namespace spread::admin
