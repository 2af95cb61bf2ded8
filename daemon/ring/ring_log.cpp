#include "daemon/ring/ring_log.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "daemon/ring/settings_text.hpp"

namespace spread::daemon {
namespace {

using membership::Absence;
using membership::Cause;
using protocol::Instant;

constexpr auto kRemindEvery = std::chrono::seconds(60);
/// What is over sooner is not worth a line: a join or probe was lost.
constexpr auto kGroupPatience = std::chrono::seconds(3);

/// Lasts until somebody does something about it. A daemon that was stopped or has died does not
/// call for a line a minute.
bool is_trouble(Cause cause) {
    switch (cause) {
        case Cause::kUnknown:
        case Cause::kLeft:
        case Cause::kPortClosed:
        case Cause::kSilent:
        case Cause::kOwnPause:
        case Cause::kPartition: return false;
        case Cause::kTokenPort:
        case Cause::kDataPort:
        case Cause::kMulticast:
        case Cause::kLargePackets:
        case Cause::kOneWay:
        case Cause::kNoProgress:
        case Cause::kOtherConfig:
        case Cause::kOtherWire:
        case Cause::kSameIdentity:
        case Cause::kOwnAddress:
        case Cause::kSendError: return true;
    }
    return false;
}

void write(const LogRecord& line) {
    const LogEventSpec& spec = spec_of(line.event);
    if (is_logged(spec.level, spec.type)) {
        write_log_record(line);
    }
}

/// "node1 silent, node2 left"
std::string causes_of(const protocol::Roster& roster, std::span<const Absence> missing) {
    std::string out;
    for (const Absence& absence : missing) {
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", roster.describe(absence.daemon),
                           membership::to_string(absence.cause));
    }
    return out;
}

}  // namespace

void RingLog::say(Instant now, const std::string& kind, const LogRecord& line) {
    if (lines_.admit(now, kind, line)) {
        write(line);
    }
}

void RingLog::on_state_change(Instant now, const membership::StateChange& change) {
    const std::string what =
        fmt::format("ring {} -> {}: {}", membership::to_string(change.from),
                    membership::to_string(change.to), membership::to_string(change.reason));
    const std::string peer = change.peer ? roster_.describe(change.peer) : std::string();
    say(now, what,
        {LogEvent::kRingState,
         fmt::format("{}{}{} ({}, {})", what, change.peer ? ", daemon " : "", peer,
                     change.members.size() == 1 ? std::string("1 daemon")
                                                : fmt::format("{} daemons", change.members.size()),
                     roster_.describe(change.members)),
         {{"from", membership::to_string(change.from)},
          {"to", membership::to_string(change.to)},
          {"reason", membership::to_string(change.reason)}}});
}

void RingLog::on_configuration(Instant now, const membership::ConfigurationChange& change) {
    const protocol::RingId& ring = change.ring_id;
    set_log_ring(fmt::format("{}.{}", ring.representative.value, ring.counter));
    say(now, "id",
        {LogEvent::kMembershipId,
         fmt::format("Membership id is ( {}, {})", ring.representative.value, ring.counter),
         {}});
    std::string text =
        fmt::format("installed configuration of {} of {} daemons: {}", change.members.size(),
                    roster_.size(), roster_.describe(change.members));
    const bool is_complete = change.missing.empty();
    if (!is_complete && absences_) {
        text += ". Missing: " + absences_->describe(change.missing);
    }
    LogFields fields{{"members", change.members.size()}, {"configured", roster_.size()}};
    if (!is_complete) {
        fields.emplace_back("missing", causes_of(roster_, change.missing));
    }
    say(now, "configuration",
        {is_complete ? LogEvent::kRingComplete : LogEvent::kRingIncomplete, std::move(text),
         std::move(fields)});
    keep_troubles(now, change.missing);
}

void RingLog::on_missing(Instant now, std::span<const Absence> missing) {
    if (absences_) {
        say(now, "missing",
            {LogEvent::kRingMissing,
             "missing in the ring: " + absences_->describe(missing),
             {{"missing", causes_of(roster_, missing)}}});
    }
    keep_troubles(now, missing);
}

void RingLog::keep_troubles(Instant now, std::span<const Absence> missing) {
    std::vector<Trouble> kept;
    for (const Absence& absence : missing) {
        if (!is_trouble(absence.cause)) {
            continue;
        }
        const auto known = std::ranges::find_if(troubles_, [&](const Trouble& trouble) {
            return trouble.absence.daemon == absence.daemon;
        });
        kept.push_back({absence, known == troubles_.end() ? now : known->since, now});
    }
    troubles_ = std::move(kept);
}

void RingLog::remind(Instant now) {
    std::vector<Absence> due;
    Instant since = now;
    for (Trouble& trouble : troubles_) {
        if (now - trouble.told >= kRemindEvery) {
            trouble.told = now;
            due.push_back(trouble.absence);
            since = std::min(since, trouble.since);
        }
    }
    if (!due.empty() && absences_) {
        const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(now - since);
        log_event_with(LogEvent::kRingStillMissing, {{"minutes", minutes.count()}},
                       "still missing in the ring after {} min: {}", minutes.count(),
                       absences_->describe(due));
    }
}

void RingLog::on_one_by_one(Instant now, const protocol::MemberList& daemons) {
    one_by_one_ = daemons;
    one_by_one_since_ = now;
}

void RingLog::tell_of_groups(Instant now) {
    if (one_by_one_ == one_by_one_told_ || now - one_by_one_since_ < kGroupPatience) {
        return;
    }
    one_by_one_told_ = one_by_one_;
    const std::string groups = absences_ ? absences_->groups() : std::string("multicast");
    if (one_by_one_.empty()) {
        log_event(LogEvent::kMulticastBack, "{} reaches all daemons of the segment again", groups);
        return;
    }
    log_event_with(
        LogEvent::kMulticastLost, {{"daemons", roster_.describe(one_by_one_)}},
        "multicast: {} does not reach {}, other ways do: sending to each of them by itself "
        "(IGMP snooping without a querier, or a network without multicast?)",
        groups, roster_.describe(one_by_one_));
}

void RingLog::on_unreadable(Instant now, const Endpoint& source, const ForeignDatagram& foreign) {
    refused_ = {now, source, foreign};
    const auto more = unreadable_limits_[static_cast<std::size_t>(foreign.what)].admit(now);
    if (!more) {
        return;
    }
    const std::string daemon =
        foreign.sender ? fmt::format(" (daemon {})", roster_.describe(foreign.sender)) : "";
    log_event_with(LogEvent::kDatagramUnreadable, {{"source", source.to_string()}, {"more", *more}},
                   "{}{} {} ({} more dropped since the last warning)", source.to_string(), daemon,
                   foreign.describe(), *more);
}

void RingLog::on_other_configuration(Instant now, const Endpoint& source, protocol::DaemonId sender,
                                     std::uint32_t hash) {
    if (const auto more = mismatch_limit_.admit(now)) {
        log_event_with(LogEvent::kOtherConfiguration,
                       {{"source", source.to_string()},
                        {"hash", hash},
                        {"own_hash", own_hash_},
                        {"more", *more}},
                       "{} (daemon {}) runs another configuration: its hash is {}, ours {}; it is "
                       "ignored until both use the same file ({} more since the last warning)",
                       source.to_string(), roster_.describe(sender), hash, own_hash_, *more);
    }
}

void RingLog::on_narrow_path(protocol::DaemonId peer, std::size_t bytes) {
    log_event_with(
        LogEvent::kPathNarrow, {{"peer", roster_.describe(peer)}, {"bytes", bytes}},
        "datagrams of more than {} bytes to {} are lost, smaller ones arrive (MTU?): this "
        "ring sends smaller ones",
        bytes, roster_.describe(peer));
}

std::optional<std::string> RingLog::on_settings(Instant now, protocol::DaemonId sender,
                                                std::string_view settings) {
    std::string difference = describe_difference(own_settings_, settings);
    if (differences_.size() >= protocol::kDaemonsMax && !differences_.contains(sender.value)) {
        differences_.clear();  // nobody honest has that many
    }
    Difference& known = differences_[sender.value];
    const bool is_news = difference != known.told && !difference.empty();
    known = {difference, summarize_difference(own_settings_, settings)};
    if (is_news) {
        say(now, "settings",
            {LogEvent::kSettingsDiffer,
             fmt::format("{} runs another configuration file: {}", roster_.describe(sender),
                         difference),
             {{"peer", roster_.describe(sender)}}});
    }
    return is_news ? std::optional(std::move(difference)) : std::nullopt;
}

SettingsDifferences RingLog::differences() const {
    SettingsDifferences out;
    for (const auto& [id, each] : differences_) {
        if (!each.summary.empty()) {
            out.emplace_back(protocol::DaemonId{id}, each.summary);
        }
    }
    return out;
}

void RingLog::tick(Instant now) {
    for (const LogRecord& line : lines_.take_due(now)) {
        write(line);
    }
    remind(now);
    tell_of_groups(now);
}

}  // namespace spread::daemon
