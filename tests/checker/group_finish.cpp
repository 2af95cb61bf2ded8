#include <algorithm>
#include <vector>

#include "tests/checker/group_checker_impl.hpp"

namespace spread::checker {

void GroupChecker::Impl::finish(bool quiet) {
    for (const MessageIndex at : awaiting_send) {
        if (messages[at].author == kNone) {
            fail("P1a",
                 message(at) + " was received, but " + names.text(messages[at].sender) +
                     " never sent it",
                 {});
            return;
        }
    }
    for (ClientIndex i = 0; i < clients.size() && !has_failed(); ++i) {
        if (needs_replay[i]) {
            replay_fifo(i);
        }
    }
    for (ClientIndex i = 0; i < clients.size() && !has_failed(); ++i) {
        finish_signals(i);
    }
    for (ClientIndex i = 0; i < clients.size() && !has_failed(); ++i) {
        finish_gaps(i);
    }
    if (!quiet) {
        return;
    }
    received_by.resize(clients.size());
    for (ClientIndex i = 0; i < clients.size() && !has_failed(); ++i) {
        if (!clients[i].has_ended) {
            finish_client(i);
            received_by[i].resize(messages.size());
            for (const ReadEntry& entry : clients[i].log) {
                if (entry.kind == ReadEntry::Kind::kMessage) {
                    received_by[i][entry.what] = true;
                }
            }
        }
    }
    if (!has_failed()) {
        finish_open_views();
    }
    if (!has_failed()) {
        finish_safe();
    }
    for (ClientIndex i = 0; i < clients.size() && !has_failed(); ++i) {
        if (clients[i].wants_membership) {
            finish_silent_members(i);
        }
    }
    if (!has_failed()) {
        finish_dues();
    }
}

/// What a client was promised and has not got.
void GroupChecker::Impl::finish_client(ClientIndex index) {
    Client& client = clients[index];
    if (client.owed_at < client.owed.size()) {
        fail("G12", name(index) + " never got its own " + message(client.owed[client.owed_at]),
             {tail(index)});
        return;
    }
    if (!client.wants_membership) {
        return;
    }
    for (const Seat& seat : client.seats) {
        const std::string group = names.text(seat.group);
        if (seat.seen < seat.asked) {
            fail("G1",
                 name(index) + (seat.seen % 2 == 0 ? " joined " : " left ") + group +
                     " and was never told",
                 {tail(index, seat.group)});
            return;
        }
        if (!seat.is_in()) {
            continue;
        }
        if (seat.signalled || views[seat.view].is_interim()) {
            fail("G11",
                 name(index) + (seat.signalled
                                    ? " got a signal of " + group + " and no view after it"
                                    : " stays in an interim view of " + group),
                 {tail(index, seat.group)});
            return;
        }
        for (const NameId member : views[seat.view].members) {
            const auto all = connections_of(member);
            if (all.empty()) {
                continue;  // not recorded
            }
            const ClientIndex other = all.back();
            const Seat* theirs = find_seat(clients[other], seat.group);
            const bool agrees =
                !clients[other].has_ended && theirs != nullptr &&
                (clients[other].wants_membership ? theirs->is_in() && theirs->view == seat.view
                                                 : theirs->will_be_in());
            if (!agrees) {
                fail("G2",
                     "at the end " + name(index) + " is in " + view(seat.view) + ", but " +
                         name(other) + " is not",
                     {tail(index, seat.group), tail(other, seat.group)});
                return;
            }
        }
    }
}

/// Those who stay in one view to the end must have read the same in it.
void GroupChecker::Impl::finish_open_views() {
    std::vector<std::pair<ViewIndex, Passage>> open;
    std::vector<std::uint32_t> open_of(views.size(), kNone);
    for (ClientIndex i = 0; i < clients.size(); ++i) {
        const Client& client = clients[i];
        if (client.has_ended) {
            continue;
        }
        for (const Seat& seat : client.seats) {
            if (!seat.is_in()) {
                continue;
            }
            const Passage::Witness witness{.client = i,
                                           .begin = seat.view_at,
                                           .end = static_cast<std::uint32_t>(client.log.size())};
            if (open_of[seat.view] == kNone) {
                open_of[seat.view] = static_cast<std::uint32_t>(open.size());
                Passage& made = open.emplace_back(seat.view, Passage{}).second;
                made.to = kOpen;
                made.digest = seat.digest;
                made.signalled = seat.signalled;
                made.has_safe = seat.has_safe;
                made.witnesses.push_back(witness);
            } else {
                compare_passage(open[open_of[seat.view]].second, seat.view, witness, seat, "G13");
            }
            if (has_failed()) {
                return;
            }
        }
    }
    for (auto& [view, passage] : open) {
        for (const Passage& closed : views[view].passages) {
            compare_safe(view, closed, passage);
        }
        if (has_failed()) {
            return;
        }
        views[view].passages.push_back(std::move(passage));  // for finish_safe()
    }
}

ClientIndex GroupChecker::Impl::only_connection(NameId name) const {
    const auto all = connections_of(name);
    return all.size() == 1 ? all.front() : kNone;
}

/// Whatever the others do, a safe message that one member got before a signal comes to all (G10).
/// Those of them who never installed that view, and those without views, are looked at here.
void GroupChecker::Impl::finish_safe() {
    for (ViewIndex at = 0; at < views.size(); ++at) {
        for (const Passage& passage : views[at].passages) {
            if (!passage.has_safe) {
                continue;
            }
            const Passage::Witness& witness = passage.witnesses.front();
            for (const std::uint64_t key : content(witness, views[at].group)) {
                const auto message_at = static_cast<MessageIndex>(key / 2);
                if (key % 2 != 0 || messages[message_at].service != ClientService::kSafe) {
                    continue;
                }
                for (const NameId member : views[at].members) {
                    const ClientIndex other = only_connection(member);
                    if (other == kNone || clients[other].has_ended || has(other, message_at) ||
                        may_be_discarded(message_at, member)) {
                        continue;
                    }
                    fail("G10",
                         name(witness.client) + " got safe " + message(message_at) + " in view " +
                             id(views[at].id) + " of " + names.text(views[at].group) + ", " +
                             name(other) + ", a member, never did",
                         {excerpt(witness.client, witness.begin, witness.end + 1, views[at].group),
                          tail(other)});
                    return;
                }
            }
        }
    }
}

/// Whom a view means by the name of a member without views. Where the name had several connections
/// it means the last one, which is still there, from the reader's last view on that `member` came
/// into; a reader that is still in the group has read all there was.
ClientIndex GroupChecker::Impl::silent_member(const Client& reader, NameId member, NameId group,
                                              std::uint32_t at) const {
    const auto all = connections_of(member);
    if (all.empty() || clients[all.back()].wants_membership || clients[all.back()].has_ended) {
        return kNone;
    }
    if (all.size() == 1) {
        return all.back();
    }
    const Seat& seat = reader.seats[reader.seat_of[group]];
    if (reader.has_ended || !seat.is_in() || !views[seat.view].has(member)) {
        return kNone;
    }
    for (std::size_t i = reader.log.size(); i-- > at;) {
        const ReadEntry& entry = reader.log[i];
        if (entry.group == group &&
            (entry.kind == ReadEntry::Kind::kSelfLeave ||
             (entry.kind == ReadEntry::Kind::kView && !views[entry.what].has(member)))) {
            return kNone;  // it came later
        }
    }
    return all.back();
}

/// Members without views are named in those of others. What somebody reads in views with such a
/// member is that member's as well, once both have come through the next network view together, or
/// to the end (G13).
void GroupChecker::Impl::finish_silent_members(ClientIndex index) {
    struct Shared {
        std::vector<MessageIndex> messages;
        std::vector<std::pair<ClientIndex, std::size_t>> since;  // where each came into the group
        ViewIndex view = kNone;
    };
    const Client& client = clients[index];
    std::vector<Shared> shared(client.seats.size());
    const auto check = [&](const Shared& seat, ClientIndex silent, std::size_t since,
                           std::uint32_t end) {
        for (std::size_t i = since; i < seat.messages.size() && !has_failed(); ++i) {
            const MessageIndex at = seat.messages[i];
            if (!has(silent, at) && !may_be_discarded(at, clients[silent].name)) {
                const NameId group = views[seat.view].group;
                fail("G13",
                     name(silent) + ", a member of " + names.text(group) +
                         " without views, did not get " + message(at) + ", but came along with " +
                         name(index) + ", which did",
                     {excerpt(index, end > 40 ? end - 40 : 0, end + 1, group), tail(silent)});
            }
        }
    };
    const auto on_view = [&](Shared& seat, ViewIndex to, std::uint32_t at) {
        const ViewRecord& now = views[to];
        const std::vector<NameId>* along = &now.members;
        if (now.is_by_network()) {
            for (const auto& set : now.sets) {
                if (std::find(set.begin(), set.end(), client.name) != set.end()) {
                    along = &set;
                }
            }
        }
        std::vector<std::pair<ClientIndex, std::size_t>> since;
        for (const NameId member : now.members) {
            const ClientIndex silent = silent_member(client, member, now.group, at);
            if (silent == kNone) {
                continue;
            }
            const auto before =
                std::find_if(seat.since.begin(), seat.since.end(),
                             [&](const auto& entry) { return entry.first == silent; });
            if (before == seat.since.end() || now.is_by_network()) {
                if (before != seat.since.end() &&
                    std::find(along->begin(), along->end(), member) != along->end()) {
                    check(seat, silent, before->second, at);
                }
                since.emplace_back(silent, seat.messages.size());
            } else {
                since.push_back(*before);
            }
        }
        seat.since = std::move(since);
        seat.view = to;
    };
    for (std::uint32_t i = 0; i < client.log.size() && !has_failed(); ++i) {
        const ReadEntry& entry = client.log[i];
        switch (entry.kind) {
            case ReadEntry::Kind::kView:
                on_view(shared[client.seat_of[entry.group]], entry.what, i);
                break;
            case ReadEntry::Kind::kSelfLeave: shared[client.seat_of[entry.group]] = Shared{}; break;
            case ReadEntry::Kind::kSignal: break;
            case ReadEntry::Kind::kMessage:
                for (const NameId destination : destinations_of(messages[entry.what])) {
                    if (destination < client.seat_of.size() &&
                        client.seat_of[destination] != kNone) {
                        Shared& seat = shared[client.seat_of[destination]];
                        if (!seat.since.empty()) {
                            seat.messages.push_back(entry.what);
                        }
                    }
                }
                break;
        }
    }
    if (client.has_ended) {
        return;
    }
    for (const Shared& seat : shared) {
        for (const auto& [silent, since] : seat.since) {
            check(seat, silent, since, static_cast<std::uint32_t>(client.log.size()));
        }
    }
}

/// Where configurations of daemons are known: each signal has its own loss (G11), and a network
/// view without a signal brings somebody whose daemon was found (G14).
void GroupChecker::Impl::finish_signals(ClientIndex index) {
    const Client& client = clients[index];
    const auto known = daemons.find(client.daemon);
    if (known == daemons.end()) {
        return;
    }
    const DaemonConfigurations& configurations = known->second;
    struct Reached {
        ViewIndex view = kNone;
        bool signalled = false;
        std::size_t losses = 0;
    };
    std::vector<Reached> reached(client.seats.size());
    const auto touches = [&](const std::vector<NameId>& lost, const std::vector<NameId>& members) {
        return std::any_of(members.begin(), members.end(), [&](NameId member) {
            return std::find(lost.begin(), lost.end(), daemon_of(member)) != lost.end();
        });
    };
    for (std::uint32_t i = 0; i < client.log.size(); ++i) {
        const ReadEntry& entry = client.log[i];
        if (entry.kind == ReadEntry::Kind::kMessage) {
            continue;
        }
        Reached& state = reached[client.seat_of[entry.group]];
        if (entry.kind == ReadEntry::Kind::kSelfLeave) {
            state.view = kNone;
        } else if (entry.kind == ReadEntry::Kind::kSignal) {
            state.signalled = true;
            if (views[state.view].is_interim()) {
                continue;
            }
            const auto& losses = configurations.losses;
            while (state.losses < losses.size() &&
                   !touches(losses[state.losses], views[state.view].members)) {
                ++state.losses;
            }
            if (state.losses == losses.size()) {
                fail("G11",
                     name(index) + " got a signal of " + names.text(entry.group) + ", but " +
                         names.text(client.daemon) + " lost no daemon of a member",
                     {excerpt(index, 0, i + 1, entry.group)});
                return;
            }
            ++state.losses;
        } else {
            const ViewRecord& now = views[entry.what];
            if (state.view != kNone && now.is_by_network() && !now.is_interim() &&
                !state.signalled && !touches(configurations.found, now.members)) {
                fail("G14",
                     name(index) + " got a network view of " + names.text(entry.group) +
                         ", but its daemon lost and found nobody of it",
                     {excerpt(index, 0, i + 1, entry.group)});
                return;
            }
            state.view = entry.what;
            state.signalled = false;
        }
    }
}

}  // namespace spread::checker
