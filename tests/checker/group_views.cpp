#include <algorithm>
#include <string>
#include <string_view>
#include <tuple>

#include "tests/checker/group_checker_impl.hpp"

namespace spread::checker {

// ---- Small things ----

void GroupChecker::Impl::mark(NameId id) {
    if (id >= marks.size()) {
        marks.resize(std::max<std::size_t>(names.size(), id + 1), 0);
    }
    marks[id] = stamp;
}

std::vector<NameId> GroupChecker::Impl::without(const std::vector<NameId>& a,
                                                const std::vector<NameId>& b) {
    ++stamp;
    std::for_each(b.begin(), b.end(), [&](NameId id) { mark(id); });
    std::vector<NameId> rest;
    std::copy_if(a.begin(), a.end(), std::back_inserter(rest),
                 [&](NameId id) { return !is_marked(id); });
    return rest;
}

std::string GroupChecker::Impl::list(const std::vector<NameId>& ids) const {
    std::string text;
    for (const NameId id : ids) {
        text += (text.empty() ? "" : " ") + names.text(id);
    }
    return text;
}

NameId GroupChecker::Impl::daemon_of(NameId member) {
    if (member >= daemon_of_member.size()) {
        daemon_of_member.resize(member + 1, kNone);
    }
    if (daemon_of_member[member] == kNone) {
        const std::string text = names.text(member);
        const std::size_t at = text.rfind('#');
        const NameId daemon =
            names.id(at == std::string::npos || at == 0 ? std::string_view()
                                                        : std::string_view(text).substr(at + 1));
        daemon_of_member[member] = daemon;
    }
    return daemon_of_member[member];
}

void GroupChecker::Impl::fail_view(std::string_view property, ClientIndex index,
                                   const ViewRecord& record, const std::string& what) {
    if (has_failed()) {
        return;
    }
    std::vector<std::string> evidence = {tail(index, record.group)};
    evidence.push_back(name(index) + ": now " + view_text(record));
    fail(property,
         name(index) + " in " + names.text(record.group) + ", " + id(record.id) + ": " + what,
         std::move(evidence));
}

// ---- Events ----

bool GroupChecker::Impl::check_wanted(ClientIndex index, std::string_view what) {
    const Client& client = clients[index];
    if (client.has_ended || !client.wants_membership) {
        fail("G1",
             name(index) + (client.has_ended ? " has ended" : " wants no memberships") +
                 " and gets " + std::string(what),
             {tail(index)});
        return false;
    }
    return true;
}

void GroupChecker::Impl::on_view(ClientIndex index, const View& view) {
    if (!check_wanted(index, "a view of " + view.group)) {
        return;
    }
    const NameId group = names.id(view.group);
    Reading reading;
    reading.own_index = view.own_index;
    reading.own_set = view.own_set;
    ViewRecord& record = reading.record;
    record.group = group;
    record.id = view.id;
    record.cause = view.cause;
    const auto interned = [&](const std::vector<std::string>& texts) {
        std::vector<NameId> ids;
        ids.reserve(texts.size());
        for (const std::string& text : texts) {
            ids.push_back(names.id(text));
        }
        return ids;
    };
    record.members = interned(view.members);
    for (const auto& set : view.sets) {
        record.sets.push_back(interned(set));
    }

    check_shape(index, record);
    if (!has_failed()) {
        check_reader(index, reading);
    }
    Seat& seat = this->seat(clients[index], group);
    if (!has_failed()) {
        if (seat.is_in()) {
            check_step(index, seat, reading);
        } else {
            check_first(index, seat, reading);
        }
    }
    if (has_failed()) {
        return;
    }
    const ViewIndex at = place_view(index, std::move(record));
    if (has_failed()) {
        return;
    }
    if (seat.is_in()) {
        const auto set = static_cast<std::uint32_t>(reading.own_set);
        close_passage(index, seat, at, set);
        check_past(index, seat, at, set);
    } else {
        ++seat.seen;
        seat.epochs.clear();
        seat.member_since = ticks + 1;
    }
    if (has_failed()) {
        return;
    }
    seat.view = at;
    seat.view_at = static_cast<std::uint32_t>(clients[index].log.size());
    seat.signalled = false;
    seat.has_safe = false;
    seat.digest = 0;
    if (seat.epochs.empty() || seat.epochs.back() != views[at].epoch) {
        seat.epochs.push_back(views[at].epoch);
    }
    views[at].seers.push_back(index);
    const std::vector<Node> cycle =
        append(index, ReadEntry{.kind = ReadEntry::Kind::kView, .what = at, .group = group});
    if (!cycle.empty()) {
        fail_order(index, cycle);
    }
}

/// Members without views are known by those of others, as long as nobody else has had their name.
void GroupChecker::Impl::note_silent_member(NameId member, NameId group) {
    const ClientIndex silent = only_connection(member);
    if (silent == kNone || clients[silent].wants_membership) {
        return;
    }
    if (Seat* seat = find_seat(clients[silent], group);
        seat != nullptr && seat->member_since == 0) {
        seat->member_since = ticks + 1;
    }
}

/// One id names one view, and who was in it under a name is not somebody who comes later.
ViewIndex GroupChecker::Impl::place_view(ClientIndex index, ViewRecord record) {
    const ViewIndex known = find_view(record.group, record.id);
    if (known == kNone) {
        has_network_sign = has_network_sign || record.is_by_network();
        for (const NameId member : record.members) {
            note_silent_member(member, record.group);
        }
        return add_view(std::move(record));
    }
    const ViewRecord& first = views[known];
    const bool is_same =
        first.cause == record.cause && first.members == record.members && first.sets == record.sets;
    const auto namesake =
        std::find_if(first.seers.begin(), first.seers.end(),
                     [&](ClientIndex seer) { return clients[seer].name == clients[index].name; });
    if (!is_same || namesake != first.seers.end()) {
        const ClientIndex other = is_same ? *namesake : first.seers.front();
        fail("G2", names.text(record.group) + ", " + id(record.id) + ": one id names two views",
             {name(other) + ": " + view_text(first), name(index) + ": " + view_text(record)});
    }
    return known;
}

void GroupChecker::Impl::on_signal(ClientIndex index, std::string_view group_name,
                                   const protocol::GroupId& id) {
    const std::string what = "a transitional signal of " + std::string(group_name);
    if (!check_wanted(index, what)) {
        return;
    }
    Seat& seat = this->seat(clients[index], names.id(group_name));
    if (!seat.is_in()) {
        fail("G1", name(index) + " is not in the group, and gets " + what, {tail(index)});
        return;
    }
    const ViewRecord& current = views[seat.view];
    if (seat.signalled) {
        fail("G11", name(index) + " gets a second time, without a view in between, " + what,
             {tail(index, seat.group)});
        return;
    }
    if (id != current.id) {
        fail(
            "G11",
            name(index) + " gets " + what + " " + this->id(id) + " in view " + this->id(current.id),
            {tail(index, seat.group)});
        return;
    }
    seat.signalled = true;
    has_network_sign = true;
    seat.digest = folded(seat.digest, 0);
    clients[index].log.push_back(ReadEntry{.kind = ReadEntry::Kind::kSignal, .group = seat.group});
}

void GroupChecker::Impl::on_self_leave(ClientIndex index, std::string_view group_name) {
    const std::string what = "a self-leave of " + std::string(group_name);
    if (!check_wanted(index, what)) {
        return;
    }
    Client& client = clients[index];
    Seat& seat = this->seat(client, names.id(group_name));
    if (!seat.is_in() || seat.seen >= seat.asked) {
        fail("G1",
             name(index) + (seat.is_in() ? " did not ask to leave" : " is not in the group") +
                 ", and gets " + what,
             {tail(index, seat.group)});
        return;
    }
    if (views[seat.view].is_interim() && !seat.signalled) {
        fail("G11", name(index) + " gets " + what + " instead of the signal after an interim view",
             {tail(index, seat.group)});
        return;
    }
    const std::uint32_t sent_before = seat.sent_before_leave[(seat.seen - 1) / 2];
    if (client.owed_at < client.owed.size()) {
        const MessageIndex next = client.owed[client.owed_at];
        if (messages[next].send_number <= sent_before) {
            fail("G12",
                 name(index) + " did not get its own " + message(next) +
                     ", sent before the leave that it now gets",
                 {tail(index)});
            return;
        }
    }
    close_passage(index, seat, kNone, client.name);
    ++seat.seen;
    seat.view = kNone;
    seat.signalled = false;
    client.log.push_back(ReadEntry{.kind = ReadEntry::Kind::kSelfLeave, .group = seat.group});
}

// ---- One view ----

void GroupChecker::Impl::check_shape(ClientIndex index, const ViewRecord& record) {
    if (record.id.index == 0) {
        fail_view("G4", index, record, "the index is 0");
    }
    if (!record.is_by_network()) {
        if (record.sets.size() != 1 || record.sets.front().size() != 1) {
            fail_view("G5", index, record, "not exactly one name is given as the cause");
        } else if (record.has(record.subject()) != (record.cause == Cause::kJoin)) {
            fail_view("G5", index, record,
                      names.text(record.subject()) + (record.cause == Cause::kJoin
                                                          ? " joined, and is not in the list"
                                                          : " is gone, and still in the list"));
        }
    } else if (record.id.index == 1 &&
               std::any_of(record.sets.begin(), record.sets.end(),
                           [](const std::vector<NameId>& set) { return set.empty(); })) {
        fail_view("G6", index, record, "an empty vs-set");
    }
    check_member_order(index, record);
    if (record.is_by_network()) {
        check_sets(index, record);
    }
}

void GroupChecker::Impl::check_sets(ClientIndex index, const ViewRecord& record) {
    std::size_t total = 0;
    for (const auto& set : record.sets) {
        total += set.size();
        // As ordered as the list: walking through the list finds them one by one.
        auto at = record.members.begin();
        for (const NameId id : set) {
            at = std::find(at, record.members.end(), id);
            if (at == record.members.end()) {
                fail_view("G6", index, record,
                          names.text(id) +
                              " stands in a vs-set, but not in the list or not in its "
                              "order");
                return;
            }
            ++at;
        }
    }
    ++stamp;
    for (const auto& set : record.sets) {
        for (const NameId id : set) {
            if (is_marked(id)) {
                fail_view("G6", index, record, names.text(id) + " is in two vs-sets");
                return;
            }
            mark(id);
        }
    }
    if (total != record.members.size()) {
        fail_view("G6", index, record, "the vs-sets do not add up to the list");
    }
}

void GroupChecker::Impl::check_member_order(ClientIndex index, const ViewRecord& record) {
    // Daemons count on: d2 stands before d10.
    const auto place = [&](NameId member) {
        const std::string& daemon = names.text(daemon_of(member));
        return std::tuple(daemon.size(), std::string_view(daemon),
                          std::string_view(names.text(member)));
    };
    for (std::size_t i = 1; i < record.members.size(); ++i) {
        const NameId before = record.members[i - 1];
        const NameId member = record.members[i];
        if (place(before) >= place(member)) {
            fail_view(
                "G3", index, record,
                names.text(member) + (before == member ? " is in the list twice"
                                                       : " stands behind " + names.text(before) +
                                                             ", against the order of daemons "
                                                             "or of names"));
            return;
        }
    }
}

void GroupChecker::Impl::check_reader(ClientIndex index, const Reading& reading) {
    const ViewRecord& record = reading.record;
    const NameId self = clients[index].name;
    const auto at = std::find(record.members.begin(), record.members.end(), self);
    if (at == record.members.end()) {
        fail_view("G3", index, record, "its reader is not in the list");
    } else if (reading.own_index != at - record.members.begin()) {
        fail_view("G3", index, record,
                  "its reader's index is given as " + std::to_string(reading.own_index));
    }
    if (!record.is_by_network()) {
        if (reading.own_set != 0) {
            fail_view("G6", index, record, "the offset does not point to the only set");
        }
    } else if (reading.own_set >= record.sets.size() ||
               std::find(reading.companions().begin(), reading.companions().end(), self) ==
                   reading.companions().end()) {
        fail_view("G6", index, record, "the vs-set given as its reader's does not contain it");
    }
}

// ---- A view and the one before it ----

void GroupChecker::Impl::check_first(ClientIndex index, const Seat& seat, const Reading& reading) {
    const ViewRecord& record = reading.record;
    const NameId self = clients[index].name;
    if (seat.seen >= seat.asked) {
        fail_view("G1", index, record, "its reader did not ask to join");
    } else if (record.is_by_network() ? !record.is_interim() || reading.companions().size() != 1 ||
                                            reading.own_set + 1 != record.sets.size()
                                      : record.cause != Cause::kJoin || record.subject() != self) {
        fail_view("G1", index, record, "the first view after a join does not tell of that join");
    }
}

void GroupChecker::Impl::check_step(ClientIndex index, const Seat& seat, const Reading& reading) {
    const ViewRecord& record = reading.record;
    if (views[seat.view].is_interim() && !seat.signalled) {
        fail_view("G11", index, record, "the interim view before it was not followed by a signal");
    } else if (!record.is_by_network()) {
        check_change_step(index, seat, record);
    } else if (record.is_interim()) {
        check_interim_step(index, seat, reading);
    } else {
        check_network_step(index, seat, reading);
    }
}

bool GroupChecker::Impl::was_in_epoch(const Seat& seat, const ViewRecord& record) {
    const std::uint32_t epoch = epoch_of(record.group, record.id);
    return std::find(seat.epochs.begin(), seat.epochs.end(), epoch) != seat.epochs.end();
}

void GroupChecker::Impl::check_change_step(ClientIndex index, const Seat& seat,
                                           const ViewRecord& record) {
    const ViewRecord& before = views[seat.view];
    const NameId subject = record.subject();
    if (seat.signalled) {
        fail_view("G11", index, record, "after a transitional signal it is not by the network");
    } else if (record.id.same_membership(before.id)
                   ? record.id != before.id.next()
                   : record.id.index != 1 || was_in_epoch(seat, record)) {
        // A quiet group may go on under its old id, or begin again under that of the new daemon
        // membership.
        fail_view("G4", index, record, "the id does not follow " + id(before.id));
    } else if (before.has(subject) == (record.cause == Cause::kJoin)) {
        fail_view("G5", index, record,
                  names.text(subject) + (record.cause == Cause::kJoin ? " was a member already"
                                                                      : " was not a member"));
    } else if (std::vector<NameId> expected = before.members; true) {
        std::vector<NameId> now = record.members;
        std::erase(expected, subject);
        std::erase(now, subject);
        if (now != expected) {
            fail_view("G4", index, record,
                      "it differs from the list before by more than its cause");
        }
    }
}

void GroupChecker::Impl::check_interim_step(ClientIndex index, const Seat& seat,
                                            const Reading& reading) {
    const ViewRecord& record = reading.record;
    const ViewRecord& before = views[seat.view];
    const std::vector<NameId> came = without(record.members, before.members);
    const std::vector<NameId> went = without(before.members, record.members);
    if (came.size() + went.size() != 1) {
        fail_view("G4", index, record, "an interim view differs by one member from the one before");
        return;
    }
    // The transitional id begins with the first view that needs it. A group that nobody was missing
    // from until somebody joined who is lost already had no signal (GS 2.5, J1).
    const bool goes_on = record.id.same_membership(before.id);
    if (goes_on ? record.id != before.id.next() || (seat.signalled && !before.is_interim())
                : record.id.index != 2 || before.is_interim() || was_in_epoch(seat, record)) {
        fail_view("G4", index, record, "the interim id does not follow " + id(before.id));
        return;
    }
    if (!seat.signalled && !went.empty()) {
        fail_view("G11", index, record, "an interim view without a signal before it");
        return;
    }
    if (!came.empty() && record.sets.back() != came) {
        fail_view("G6", index, record,
                  names.text(came.front()) + " joined and is not alone in the last vs-set");
        return;
    }
    if (const auto strangers = without(reading.companions(), before.members); !strangers.empty()) {
        fail_view("G8", index, record,
                  list(strangers) + " in its reader's vs-set was not in the view before");
    }
}

void GroupChecker::Impl::check_network_step(ClientIndex index, const Seat& seat,
                                            const Reading& reading) {
    const ViewRecord& record = reading.record;
    const ViewRecord& before = views[seat.view];
    if (was_in_epoch(seat, record)) {
        fail_view("G4", index, record, "a network view under an id that the group had before");
        return;
    }
    if (const auto strangers = without(reading.companions(), before.members); !strangers.empty()) {
        fail_view("G8", index, record,
                  list(strangers) + " in its reader's vs-set was not in the view before");
        return;
    }
    const std::vector<NameId> lost = without(before.members, reading.companions());
    if (!lost.empty() && !seat.signalled) {
        fail_view("G11", index, record,
                  list(lost) + " did not come along, but there was no signal");
    } else if (lost.empty() && seat.signalled && !before.is_interim()) {
        fail_view("G11", index, record, "there was a signal, but everybody came along");
    } else if (lost.empty() && !seat.signalled && record.sets.size() == 1) {
        fail_view("G14", index, record, "a network view although nobody was lost or found");
    }
}

}  // namespace spread::checker
