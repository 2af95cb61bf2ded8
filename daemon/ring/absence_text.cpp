#include "daemon/ring/absence_text.hpp"

#include <fmt/format.h>

#include "daemon/host/endpoint.hpp"
#include "daemon/ring/roster_of.hpp"
#include "protocol/routing.hpp"

namespace spread::daemon {

using membership::Absence;
using membership::Cause;
using protocol::DaemonId;

AbsenceText::AbsenceText(const config::Configuration& configuration)
    : roster_(roster_of(configuration)) {
    for (const config::Daemon& daemon : configuration.daemons) {
        addresses_.push_back(daemon.address);
        ports_.push_back(configuration.segments[daemon.segment].port);
    }
}

std::string AbsenceText::data_port(DaemonId daemon) const {
    const auto place = roster_.find(daemon);
    return place ? "UDP " + make_endpoint(addresses_[*place], ports_[*place]).to_string() : "";
}

std::string AbsenceText::token_port(DaemonId daemon) const {
    const auto place = roster_.find(daemon);
    if (!place) {
        return "";
    }
    const std::uint16_t port = protocol::token_port_of(ports_[*place]);
    return "UDP " + make_endpoint(addresses_[*place], port).to_string();
}

std::string AbsenceText::why(const Absence& absence) const {
    const std::string hearer = roster_.describe(absence.hearer);
    const std::string speaker = roster_.describe(absence.speaker);
    switch (absence.cause) {
        case Cause::kUnknown: return "not known yet why";
        case Cause::kLeft: return "has left";
        case Cause::kPortClosed:
            return fmt::format("its host says that nobody listens on {} or {}; is it running?",
                               data_port(absence.daemon), token_port(absence.daemon));
        case Cause::kSilent:
            return fmt::format("nothing heard of it; is it running, with {} and {} open?",
                               data_port(absence.daemon), token_port(absence.daemon));
        case Cause::kTokenPort:
            return fmt::format(
                "the token port {} of {} gets nothing of {}, its data port does; open it there",
                token_port(absence.hearer), hearer, speaker);
        case Cause::kDataPort:
            return fmt::format(
                "the data port {} of {} gets nothing of {}, its token port does; open it there",
                data_port(absence.hearer), hearer, speaker);
        case Cause::kLargePackets:
            return fmt::format("large packets of {} to {} are lost, small ones arrive; MTU?",
                               speaker, hearer);
        case Cause::kOneWay:
            return fmt::format("{} hears nothing of {}; are {} and {} open there?", hearer, speaker,
                               data_port(absence.hearer), token_port(absence.hearer));
        case Cause::kNoProgress: return "the ring stood still because of it";
        case Cause::kOtherConfig: return "it runs another configuration file";
        case Cause::kMulticast: return "multicast does not get through";
        case Cause::kOtherWire: return "it speaks another version of the wire";
        case Cause::kSameIdentity: return "several hosts claim to be it";
        case Cause::kOwnPause: return "this daemon was not run";
        case Cause::kOwnAddress: return "this daemon has lost its address";
        case Cause::kSendError: return "this host refuses to send to it";
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
