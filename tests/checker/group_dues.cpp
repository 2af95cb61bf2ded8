#include <algorithm>
#include <span>
#include <vector>

#include "tests/checker/group_checker_impl.hpp"

// What is due to a client whoever sent it, in a view with the author or not, to a group or to
// itself: as long as the author's daemon and the client's own stay together they deliver the same
// (P4). It takes a feed in the order of time to know that they did.

namespace spread::checker {

bool GroupChecker::Impl::is_addressed(const Client& client, const SentMessage& message,
                                      std::span<const KnownStay> stays,
                                      std::uint32_t before) const {
    const auto all = destinations_of(message);
    return std::any_of(all.begin(), all.end(), [&](NameId destination) {
        return destination == client.name ||
               std::any_of(stays.begin(), stays.end(), [&](const KnownStay& stay) {
                   return stay.group == destination && stay.begin < before;
               });
    });
}

void GroupChecker::Impl::finish_gaps(ClientIndex index) {
    if (feed != Feed::kAsItHappens) {
        return;
    }
    struct Last {
        MessageIndex message = kNone;
        std::uint32_t at = 0;  // in the log
    };
    const Client& client = clients[index];
    std::vector<Last> last(clients.size());
    std::vector<KnownStay> stays;
    for (std::uint32_t i = 0; i < client.log.size(); ++i) {
        const ReadEntry& entry = client.log[i];
        if (entry.kind == ReadEntry::Kind::kView || entry.kind == ReadEntry::Kind::kSelfLeave) {
            const auto known = std::find_if(stays.begin(), stays.end(), [&](const KnownStay& stay) {
                return stay.group == entry.group;
            });
            if (entry.kind == ReadEntry::Kind::kSelfLeave) {
                stays.erase(known);
            } else if (known == stays.end()) {
                stays.push_back({.group = entry.group, .begin = i});
            }
        }
        if (entry.kind != ReadEntry::Kind::kMessage) {
            continue;
        }
        const SentMessage& received = messages[entry.what];
        const Last before = std::exchange(last[received.author], Last{entry.what, i});
        if (before.message == kNone || received.author == index) {
            continue;
        }
        const SentMessage& first = messages[before.message];
        for (MessageIndex at = received.previous; at != before.message && at != kNone;
             at = messages[at].previous) {
            if (is_addressed(client, messages[at], stays, before.at) &&
                times_received(index, at) == 0 &&
                stayed_together(client.daemon, clients[received.author].daemon, first.sent_at,
                                entry.at)) {
                fail("G13",
                     name(index) + " did not get " + message(at) + " of " + name(received.author) +
                         ", but those sent before and after it, and their daemons stayed together",
                     {excerpt(index, before.at, i + 1)});
                return;
            }
        }
    }
}

bool GroupChecker::Impl::is_due(const SentMessage& message, ClientIndex reader) const {
    const Client& client = clients[reader];
    if (client.has_ended || client.connected_at > message.sent_at) {
        return false;
    }
    const auto all = destinations_of(message);
    return std::any_of(all.begin(), all.end(), [&](NameId destination) {
        if (destination == client.name) {
            return true;
        }
        if (destination >= client.seat_of.size() || client.seat_of[destination] == kNone) {
            return false;
        }
        const Seat& seat = client.seats[client.seat_of[destination]];
        return seat.member_since != 0 && seat.member_since <= message.sent_at &&
               (client.wants_membership ? seat.is_in() && seat.seen == seat.asked
                                        : seat.asked == 1);
    });
}

void GroupChecker::Impl::finish_dues() {
    if (feed != Feed::kAsItHappens) {
        return;
    }
    for (MessageIndex at = 0; at < messages.size(); ++at) {
        const SentMessage& sent = messages[at];
        if (sent.author == kNone || clients[sent.author].has_ended) {
            continue;
        }
        const NameId daemon = clients[sent.author].daemon;
        for (ClientIndex reader = 0; reader < clients.size(); ++reader) {
            if (reader != sent.author && is_due(sent, reader) && !has(reader, at) &&
                stayed_together(daemon, clients[reader].daemon, sent.sent_at, ticks)) {
                fail("L2",
                     name(reader) + " never got " + message(at) + " of " + name(sent.author) +
                         ", which is still there, and their daemons stayed together",
                     {tail(reader), tail(sent.author)});
                return;
            }
        }
    }
}

}  // namespace spread::checker
