#include "daemon/addresses/address_book.hpp"

#include <algorithm>

namespace spread::addresses {

using protocol::Duration;
using protocol::Instant;

AddressBook::AddressBook(const config::Configuration& configuration, std::size_t self,
                         Duration patience)
    : self_(self), patience_(patience) {
    for (const config::Daemon& daemon : configuration.daemons) {
        Entry entry;
        entry.port = configuration.segments[daemon.segment].port;
        entry.family = daemon.address.family;
        entry.is_named = !daemon.host.empty();
        if (!entry.is_named) {
            entry.proven = daemon.address;
            entry.ways = {daemon.address};
        } else if (entries_.size() != self_) {
            ++named_;
        }
        entries_.push_back(std::move(entry));
    }
}

bool AddressBook::is_needed(const config::Configuration& configuration, std::size_t self) {
    for (std::size_t i = 0; i < configuration.daemons.size(); ++i) {
        if (i != self && !configuration.daemons[i].host.empty()) {
            return true;
        }
    }
    return false;
}

// What datagrams show -------------------------------------------------------------------------

void AddressBook::on_authentic(Instant now, Peer peer, const Address& source) {
    Entry& entry = entries_[peer];
    if (!entry.is_named) {
        return;
    }
    if (entry.proven == source) {
        entry.heard_at = now;
        return;
    }
    prove(now, peer, source);
}

void AddressBook::on_claim(Instant now, Peer peer, const Address& source) {
    Entry& entry = entries_[peer];
    if (!entry.is_named || entry.proven == source) {
        return;
    }
    entry.claim_ends = now + kClaimCounts;
    if (entry.claim != source) {
        entry.claim = source;
        next_deadline_ = now;
    }
}

bool AddressBook::on_plain(Instant now, Peer peer, bool resent, const Address& source,
                           std::uint16_t port) {
    Entry& entry = entries_[peer];
    if (!entry.is_named) {
        return true;
    }
    const auto is_at_source = [&](const Entry& each) {
        return each.port == port && each.proven == source;
    };
    if (is_at_source(entry)) {
        entry.heard_at = now;
        return true;
    }
    if (resent) {
        const auto sender = std::find_if(entries_.begin(), entries_.end(), is_at_source);
        if (sender != entries_.end()) {
            sender->heard_at = now;
            return true;
        }
    } else if (port == entry.port && std::any_of(entry.candidates.begin(), entry.candidates.end(),
                                                 [&](const Candidate& each) {
                                                     return each.address == source &&
                                                            now - each.known_at <= kAnswerCounts;
                                                 })) {
        prove(now, peer, source);
        return true;
    }
    want_at_once(now, entry);
    return false;
}

/// Nobody else with that port can be there, then.
void AddressBook::prove(Instant now, Peer peer, const Address& source) {
    Entry& entry = entries_[peer];
    for (Entry& other : entries_) {
        if (&other != &entry && other.is_named && other.port == entry.port &&
            other.proven == source) {
            other.proven.reset();
        }
    }
    entry.proven = source;
    entry.claim.reset();
    entry.heard_at = now;
    next_deadline_ = now;
}

// What names stand for ------------------------------------------------------------------------

void AddressBook::set_present(Instant now, const protocol::DaemonSet& present) {
    for (Peer peer = 0; peer < entries_.size(); ++peer) {
        Entry& entry = entries_[peer];
        if (entry.is_present != present.contains(peer)) {
            entry.is_present = present.contains(peer);
            entry.next_look = std::max(now, entry.looked_at + pause_of(entry));
            next_deadline_ = now;
        }
    }
}

void AddressBook::want_at_once(Instant now, Entry& entry) {
    const Instant at = std::max(now, entry.looked_at + kAtOnceEvery);
    if (!entry.is_asked && (!entry.at_once || at < entry.next_look)) {
        entry.at_once = true;
        entry.next_look = std::min(entry.next_look, at);
        next_deadline_ = std::min(next_deadline_, entry.next_look);
    }
}

std::vector<AddressBook::Wanted> AddressBook::take_wanted(Instant now) {
    std::vector<Wanted> wanted;
    for (Peer peer = 0; peer < entries_.size(); ++peer) {
        Entry& entry = entries_[peer];
        if (entry.is_named && peer != self_ && !entry.is_asked && entry.next_look <= now) {
            wanted.push_back({peer, entry.at_once});
            entry.is_asked = true;
            entry.at_once = false;
        }
    }
    return wanted;
}

Duration AddressBook::pause_of(const Entry& entry) const {
    if (entry.is_present) {
        return kPresentEvery;
    }
    Duration pause = kAbsentEvery;
    for (std::size_t rounds = failures_ / std::max<std::size_t>(named_, 1);
         rounds > 0 && pause < kFailingEveryMax; --rounds) {
        pause *= 2;
    }
    return std::min(pause, kFailingEveryMax);
}

void AddressBook::on_answer(Instant now, Peer peer, std::span<const Address> found) {
    Entry& entry = entries_[peer];
    failures_ = found.empty() ? failures_ + 1 : 0;
    entry.is_asked = false;
    entry.looked_at = now;
    entry.next_look = now + pause_of(entry);
    next_deadline_ = now;
    std::vector<Candidate> candidates;
    for (const Address& address : found) {
        if (address.family == entry.family && !address.is_unspecified() &&
            !address.is_multicast() && candidates.size() < kCandidatesMax) {
            candidates.push_back({address, now});
        }
    }
    if (!candidates.empty()) {
        entry.candidates = std::move(candidates);
    }
}

// What follows --------------------------------------------------------------------------------

bool AddressBook::tick(Instant now) {
    bool changed = false;
    Instant deadline = Instant::max();
    for (Peer peer = 0; peer < entries_.size(); ++peer) {
        Entry& entry = entries_[peer];
        if (!entry.is_named || peer == self_) {
            continue;
        }
        if (entry.claim && entry.claim_ends <= now) {
            entry.claim.reset();
            changed = true;
        }
        if (entry.next_turn <= now) {
            entry.next_turn = now + kTurnEvery;
            ++entry.turn;
        }
        std::vector<Address> ways = ways_of(now, entry);
        if (ways != entry.ways || entry.claim != entry.told_claim) {
            entry.ways = std::move(ways);
            entry.told_claim = entry.claim;
            changed = true;
        }
        deadline = std::min(deadline, deadline_of(now, entry));
    }
    next_deadline_ = deadline;
    return changed;
}

/// The name stands for the proven address, among others perhaps.
bool AddressBook::is_confirmed(const Entry& entry) {
    return entry.proven &&
           std::any_of(entry.candidates.begin(), entry.candidates.end(),
                       [&entry](const Candidate& each) { return each.address == entry.proven; });
}

bool AddressBook::is_silent(Instant now, const Entry& entry) const {
    return now - entry.heard_at >= patience_;
}

std::vector<AddressBook::Address> AddressBook::ways_of(Instant now, const Entry& entry) const {
    std::vector<Address> ways;
    if (entry.proven) {
        ways.push_back(*entry.proven);
        if (!is_silent(now, entry) || is_confirmed(entry)) {
            return ways;
        }
    }
    if (!entry.candidates.empty()) {
        ways.push_back(entry.candidates[entry.turn % entry.candidates.size()].address);
    }
    return ways;
}

Instant AddressBook::deadline_of(Instant now, const Entry& entry) const {
    Instant at = entry.is_asked ? Instant::max() : entry.next_look;
    if (entry.claim) {
        at = std::min(at, entry.claim_ends);
    }
    if (is_confirmed(entry)) {
        return at;
    }
    if (entry.proven && !is_silent(now, entry)) {
        return std::min(at, entry.heard_at + patience_);
    }
    return std::min(at, entry.next_turn);
}

std::optional<AddressBook::Address> AddressBook::whereabouts(Peer peer) const {
    const Entry& entry = entries_[peer];
    if (entry.proven || entry.candidates.empty()) {
        return entry.proven;
    }
    return entry.candidates.front().address;
}

}  // namespace spread::addresses
