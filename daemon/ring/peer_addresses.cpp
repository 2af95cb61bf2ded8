#include "daemon/ring/peer_addresses.hpp"

#include <utility>

#include "config/identity.hpp"
#include "protocol/names.hpp"
#include "protocol/ring_wire.hpp"

namespace spread::daemon {

std::optional<PeerAddresses::Setup> PeerAddresses::Setup::of(
    const config::Configuration& configuration, std::size_t self, protocol::Duration patience) {
    if (!addresses::AddressBook::is_needed(configuration, self)) {
        return std::nullopt;
    }
    Setup setup{addresses::AddressBook(configuration, self, patience),
                {},
                config::configuration_hash(configuration)};
    for (const config::Daemon& daemon : configuration.daemons) {
        setup.names.push_back({daemon.host, daemon.address.family});
    }
    return setup;
}

PeerAddresses::PeerAddresses(Setup setup, protocol::Roster roster, UdpTransport& transport)
    : book_(std::move(setup.book)),
      roster_(std::move(roster)),
      transport_(transport),
      config_hash_(setup.config_hash),
      names_(setup.names),
      look_ups_(std::move(setup.names)),
      told_(book_.size()) {}

void PeerAddresses::work(protocol::Instant now) {
    if (std::exchange(has_answers_, false)) {
        take_answers(now);
    }
    if (now < book_.next_deadline()) {
        return;
    }
    has_worked_ = true;
    for (const addresses::AddressBook::Wanted& wanted : book_.take_wanted(now)) {
        look_ups_.ask(wanted.peer, wanted.at_once);
    }
    if (book_.tick(now)) {
        tell_transport();
    }
}

void PeerAddresses::take_answers(protocol::Instant now) {
    for (const LookUps::Answer& answer : look_ups_.take()) {
        book_.on_answer(now, answer.name, answer.found.addresses);
        if (answer.found.error.empty() || answer.found.is_unknown) {
            continue;  // a name that is not known is a daemon that is away
        }
        if (const auto more = failures_.admit(now)) {
            const std::string& host = names_[answer.name].host;
            log_event_with(LogEvent::kLookUpsFail,
                           {{"host", host}, {"reason", answer.found.error}, {"more", *more}},
                           "cannot look up {}: {}; known addresses stay in use ({} more)", host,
                           answer.found.error, *more);
        }
    }
}

void PeerAddresses::tell_transport() {
    for (protocol::DaemonIndex i = 0; i < book_.size(); ++i) {
        if (!book_.is_named(i)) {
            continue;
        }
        transport_.set_ways(i, book_.ways(i), book_.claim(i));
        const auto& proven = book_.proven(i);
        if (proven && proven != told_[i]) {
            const std::string before =
                told_[i] ? " (before: " + told_[i]->to_string() + ")" : std::string();
            log_event_with(LogEvent::kDaemonAddress,
                           {{"peer", protocol::escaped(roster_.describe(roster_.id(i)))},
                            {"address", proven->to_string()}},
                           "{} is at {}{}", roster_.describe(roster_.id(i)), proven->to_string(),
                           before);
            told_[i] = proven;
        }
    }
}

void PeerAddresses::on_authentic(protocol::Instant now, protocol::DaemonId sender,
                                 const Endpoint& source) {
    if (const auto peer = roster_.find(sender)) {
        book_.on_authentic(now, *peer, ip_of(source.address()));
        work(now);
    }
}

void PeerAddresses::on_claim(protocol::Instant now, protocol::DaemonId sender,
                             const Endpoint& source) {
    if (const auto peer = roster_.find(sender)) {
        book_.on_claim(now, *peer, ip_of(source.address()));
        work(now);
    }
}

bool PeerAddresses::admits(protocol::Instant now, std::span<const std::byte> datagram,
                           const Endpoint& source) {
    const auto header = protocol::decode_header(datagram);
    const auto peer = header ? roster_.find(header->sender) : std::nullopt;
    if (!peer || header->config_hash != config_hash_) {
        return true;  // the engine says what it is
    }
    const bool is_resent = header->kind == protocol::PacketKind::kData;
    const bool is_admitted =
        book_.on_plain(now, *peer, is_resent, ip_of(source.address()), source.port());
    work(now);
    if (!is_admitted) {
        transport_.count_unknown_source();
    }
    return is_admitted;
}

void PeerAddresses::set_members(protocol::Instant now, const protocol::MemberList& members) {
    book_.set_present(now, roster_.set_of(members));
    work(now);
}

bool PeerAddresses::is_unknown(protocol::DaemonId daemon) const {
    const auto peer = roster_.find(daemon);
    return peer && !book_.whereabouts(*peer);
}

bool PeerAddresses::take_unknown_change() {
    if (!std::exchange(has_worked_, false)) {
        return false;
    }
    protocol::DaemonSet unknown;
    for (protocol::DaemonIndex i = 0; i < book_.size(); ++i) {
        if (!book_.whereabouts(i)) {
            unknown.insert(i);
        }
    }
    return std::exchange(unknown_, unknown) != unknown;
}

std::vector<std::optional<config::IpAddress>> PeerAddresses::whereabouts() const {
    std::vector<std::optional<config::IpAddress>> out;
    for (protocol::DaemonIndex i = 0; i < book_.size(); ++i) {
        out.push_back(book_.whereabouts(i));
    }
    return out;
}

}  // namespace spread::daemon
