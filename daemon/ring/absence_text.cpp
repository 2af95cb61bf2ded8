#include "daemon/ring/absence_text.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <string_view>

#include <fmt/format.h>

#include "daemon/host/endpoint.hpp"
#include "daemon/ring/roster_of.hpp"
#include "protocol/routing.hpp"

namespace spread::daemon {

using membership::Absence;
using membership::Cause;
using protocol::DaemonId;

namespace {

/// An incarnation is the time of the start, unless the clock was set back.
std::string start_of(protocol::Incarnation life) {
    const auto seconds = static_cast<std::time_t>(life.value / 1000);
    std::tm local{};
    ::localtime_r(&seconds, &local);
    std::array<char, 32> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &local);
    return fmt::format("{}.{:03}", std::string_view(text.data(), length), life.value % 1000);
}

/// "a, b and c", of many the first few.
template <typename Text>
std::string listed(std::size_t count, Text text) {
    constexpr std::size_t kNamed = 4;
    const std::size_t named = count > kNamed + 1 ? kNamed : count;
    std::string out;
    for (std::size_t i = 0; i < named; ++i) {
        out += fmt::format("{}{}", i == 0 ? "" : i + 1 == count ? " and " : ", ", text(i));
    }
    return count > named ? fmt::format("{} and {} more", out, count - named) : out;
}

}  // namespace

AbsenceText::AbsenceText(const config::Configuration& configuration, std::size_t self)
    : roster_(roster_of(configuration)) {
    for (const config::Daemon& daemon : configuration.daemons) {
        addresses_.push_back(daemon.address);
        hosts_.push_back(daemon.host);
        ports_.push_back(configuration.segments[daemon.segment].port);
    }
    const auto& own = configuration.daemons[self];
    for (const config::IpAddress& address : configuration.segments[own.segment].addresses) {
        groups_ += (groups_.empty() ? "" : ", ") + address.to_string();
    }
}

std::string AbsenceText::data_port(DaemonId daemon) const {
    const auto place = roster_.find(daemon);
    return place ? port_of(*place, ports_[*place]) : "";
}

std::string AbsenceText::token_port(DaemonId daemon) const {
    const auto place = roster_.find(daemon);
    return place ? port_of(*place, protocol::token_port_of(ports_[*place])) : "";
}

std::string AbsenceText::port_of(protocol::DaemonIndex place, std::uint16_t port) const {
    return hosts_[place].empty() ? "UDP " + make_endpoint(addresses_[place], port).to_string()
                                 : fmt::format("UDP {}:{}", hosts_[place], port);
}

AbsenceText::Ends AbsenceText::ends_of(const Absence& absence) const {
    Ends out;
    const auto add = [this](std::vector<protocol::DaemonIndex>& list, DaemonId daemon) {
        if (const auto place = roster_.find(daemon)) {
            list.push_back(*place);
        }
    };
    add(out.hearers, absence.hearer);
    add(out.speakers, absence.speaker);
    auto& members = absence.hearer == absence.daemon ? out.speakers : out.hearers;
    for (const protocol::DaemonIndex other : absence.others) {
        members.push_back(other);
    }
    std::ranges::sort(members);
    return out;
}

std::string AbsenceText::names(const std::vector<protocol::DaemonIndex>& daemons) const {
    return listed(daemons.size(),
                  [&](std::size_t i) { return roster_.describe(roster_.id(daemons[i])); });
}

std::string AbsenceText::closed_port(const Absence& absence, bool is_token) const {
    const Ends ends = ends_of(absence);
    if (ends.hearers.empty() || ends.speakers.empty()) {
        return "";
    }
    const bool is_one = ends.hearers.size() == 1;
    const auto port_at = [&](protocol::DaemonIndex place) {
        return is_token ? protocol::token_port_of(ports_[place]) : ports_[place];
    };
    const std::string ports = listed(ends.hearers.size(), [&](std::size_t i) {
        const protocol::DaemonIndex place = ends.hearers[i];
        return fmt::format("{} of {}", port_of(place, port_at(place)),
                           roster_.describe(roster_.id(place)));
    });
    const std::string sources = listed(ends.speakers.size(), [&](std::size_t i) {
        const protocol::DaemonIndex place = ends.speakers[i];
        return hosts_[place].empty() ? addresses_[place].to_string() : hosts_[place];
    });
    const char* const way = is_token ? "token" : "data";
    const char* const other = is_token ? "data" : "token";
    return fmt::format(
        "the {} port{} {} {} nothing of {}, {} {} port{}; on {}, let UDP {} in from {} (or look at "
        "what is between); {} joins by itself then",
        way, is_one ? "" : "s", ports, is_one ? "gets" : "get", names(ends.speakers),
        is_one ? "its" : "their", other, is_one ? " does" : "s do", names(ends.hearers),
        port_at(ends.hearers.front()), sources, roster_.describe(absence.daemon));
}

std::string AbsenceText::why(const Absence& absence) const {
    const std::string hearer = roster_.describe(absence.hearer);
    const std::string speaker = roster_.describe(absence.speaker);
    const Ends ends = ends_of(absence);
    const std::string hearers = names(ends.hearers);
    const std::string speakers = names(ends.speakers);
    switch (absence.cause) {
        case Cause::kUnknown: return "not known yet why";
        case Cause::kLeft: return "has left";
        case Cause::kPortClosed:
            return fmt::format("its host says that nobody listens on {} or {}; is it running?",
                               data_port(absence.daemon), token_port(absence.daemon));
        case Cause::kSilent:
            return fmt::format("nothing heard of it; is it running, with {} and {} open?",
                               data_port(absence.daemon), token_port(absence.daemon));
        case Cause::kTokenPort: return closed_port(absence, true);
        case Cause::kDataPort: return closed_port(absence, false);
        case Cause::kLargePackets:
            return fmt::format("large packets of {} to {} are lost, small ones arrive; MTU?",
                               speakers, hearers);
        case Cause::kOneWay:
            return fmt::format("{} {} nothing of {}; are {} and {} open there?", hearers,
                               ends.hearers.size() > 1 ? "hear" : "hears", speakers,
                               data_port(absence.hearer), token_port(absence.hearer));
        case Cause::kNoProgress: return "rings with it fail; left out for a while";
        case Cause::kOtherConfig:
            return "it runs another configuration file; make the files the same: spreadctl config "
                   "diff says how they differ, each daemon's log the line";
        case Cause::kMulticast:
            return fmt::format("{} of {} does not reach {}; trying each by itself", groups_,
                               speaker, hearer);
        case Cause::kOtherWire:
            return "it speaks another version of the ring's wire; install the same release there";
        case Cause::kSameIdentity:
            return fmt::format(
                "two hosts claim to be it: one started at {}, the other at {}; stop one of them, "
                "or give it a name and an address of its own",
                start_of(absence.claimants[0]), start_of(absence.claimants[1]));
        case Cause::kOwnPause: return "this daemon was not run";
        case Cause::kOwnAddress:
            return "this host has lost this daemon's address, or its interface has no link";
        case Cause::kSendError:
            return fmt::format(
                "this host refuses to send to {}; does its own packet filter "
                "forbid it, or is there no route?",
                data_port(absence.daemon));
        case Cause::kPartition:
            return "an operator has cut it off; that ends after a minute, or with heal";
    }
    return "";
}

std::string AbsenceText::describe(std::span<const Absence> missing) const {
    std::string out;
    for (const Absence& absence : missing) {
        out += fmt::format("{}{} ({})", out.empty() ? "" : ", ", roster_.describe(absence.daemon),
                           why(absence));
    }
    return out;
}

}  // namespace spread::daemon
