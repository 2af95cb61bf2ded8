#include <algorithm>

#include "tests/checker/group_checker_impl.hpp"

// A group that was emptied and is created again under the same daemon membership counts from 1
// again, so that the same id may name views of several lives of it. Views belong to one life when
// some client saw one after the other, or when they are the same view. Within a life an id names
// one view, and lives that cannot be told apart must have begun apart: only a first index of 1
// shows that, or members who could not tell.

namespace spread::checker {

namespace {

bool same_view(const ViewRecord& a, const ViewRecord& b) {
    return a.cause == b.cause && a.members == b.members && a.sets == b.sets;
}

bool is_creation(const ViewRecord& record) {
    return record.cause == Cause::kJoin && record.members.size() == 1;
}

ViewIndex view_at(const GroupLife& life, std::int32_t index) {
    return index < life.first_index || index >= life.end_index()
               ? kNone
               : life.views[static_cast<std::size_t>(index - life.first_index)];
}

/// Some index that names different views in the two lives.
std::optional<std::int32_t> conflict(const std::vector<ViewRecord>& views, const GroupLife& a,
                                     const GroupLife& b) {
    for (std::int32_t i = std::max(a.first_index, b.first_index);
         i < std::min(a.end_index(), b.end_index()); ++i) {
        if (!same_view(views[view_at(a, i)], views[view_at(b, i)])) {
            return i;
        }
    }
    return std::nullopt;
}

}  // namespace

bool GroupChecker::Impl::are_alike(ViewIndex one, ViewIndex other) const {
    return one == other ||
           (views[one].group == views[other].group && views[one].id == views[other].id &&
            same_view(views[one], views[other]));
}

void GroupChecker::Impl::fail_agreement(ViewIndex one, ViewIndex other) {
    const auto told = [&](ViewIndex at) {
        return (views[at].seers.empty() ? std::string("nobody") : name(views[at].seers.front())) +
               ": " + view(at);
    };
    fail("G2", names.text(views[one].group) + ", " + id(views[one].id) + ": one id names two views",
         {told(one), told(other)});
}

ViewIndex GroupChecker::Impl::extend_life(ViewRecord record, std::uint32_t life) {
    const std::uint32_t epoch = record.epoch;
    record.life = life;
    const ViewIndex at = add_view(std::move(record));
    epochs[epoch].lives[life].views.push_back(at);
    return at;
}

ViewIndex GroupChecker::Impl::begin_life(ViewRecord record) {
    std::vector<GroupLife>& lives = epochs[record.epoch].lives;
    lives.emplace_back().first_index = record.id.index;
    return extend_life(std::move(record), static_cast<std::uint32_t>(lives.size() - 1));
}

ViewIndex GroupChecker::Impl::place_view(ClientIndex index, const Seat& seat, ViewRecord record) {
    record.epoch = epoch_of(record.group, record.id);
    const std::uint32_t epoch = record.epoch;
    const std::int32_t number = record.id.index;
    std::vector<GroupLife>& lives = epochs[epoch].lives;
    const bool goes_on = seat.is_in() && views[seat.view].epoch == epoch;
    const std::uint32_t own_life = goes_on ? views[seat.view].life : kNone;
    if (goes_on) {
        if (const ViewIndex known = view_at(lives[own_life], number); known != kNone) {
            if (same_view(views[known], record)) {
                return known;
            }
            if (!may_be_another(known) && !may_be_another(seat.view)) {
                const ViewIndex own = begin_life(std::move(record));
                views[own].seers.push_back(index);
                fail_agreement(known, own);
                return own;
            }
            return begin_life(std::move(record));
        }
    }
    for (std::uint32_t i = 0; i < lives.size(); ++i) {
        GroupLife& life = lives[i];
        const ViewIndex known = i == own_life ? kNone : view_at(life, number);
        if (known == kNone) {
            continue;
        }
        const bool is_same = same_view(views[known], record);
        if (!is_same && number == 1 && !is_creation(record) && !is_creation(views[known])) {
            // Both came into this daemon membership with members; only one life can.
            const ViewIndex own = begin_life(std::move(record));
            views[own].seers.push_back(index);
            fail_agreement(known, own);
            return own;
        }
        if (!is_same || !may_be_read(index, seat, known)) {
            continue;
        }
        if (!goes_on) {
            return known;
        }
        if (life.first_index == number) {
            // It is what our own life goes on with.
            std::vector<ViewIndex> rest = std::move(life.views);
            life.views.clear();
            for (const ViewIndex at : rest) {
                views[at].life = own_life;
                lives[own_life].views.push_back(at);
            }
            return known;
        }
    }
    return goes_on ? extend_life(std::move(record), own_life) : begin_life(std::move(record));
}

bool GroupChecker::Impl::may_be_read(ClientIndex index, const Seat& seat,
                                     ViewIndex candidate) const {
    const ViewRecord& record = views[candidate];
    const NameId self = clients[index].name;
    const std::vector<GroupLife>& lives = epochs[record.epoch].lives;
    const std::uint32_t own_life = seat.is_in() && views[seat.view].epoch == record.epoch
                                       ? views[seat.view].life
                                       : record.life;
    // One view has one reader of a name, and whoever comes back comes back to a later one.
    for (const ClientIndex seer : record.seers) {
        if (clients[seer].name == self) {
            return false;
        }
    }
    for (const std::uint32_t stay : stays_of(self, record.group)) {
        const ViewRecord& last = views[stays[stay].last_view];
        if (stay != seat.stay && last.epoch == record.epoch && last.life == record.life &&
            last.id.index >= record.id.index) {
            return false;
        }
    }
    // A member that ended in another life may have been in the candidate without reading it; then
    // the candidate belongs to that life, and the one of that name who reads now is another.
    const auto others = std::count_if(lives.begin(), lives.end(), [&](const GroupLife& life) {
        return !life.views.empty() && &life != &lives[record.life] && &life != &lives[own_life];
    });
    if (others == 0 && own_life == record.life) {
        return true;
    }
    return std::none_of(record.members.begin(), record.members.end(), [&](NameId member) {
        const auto all = stays_of(member, record.group);
        return std::any_of(all.begin(), all.end(), [&](std::uint32_t at) {
            const GroupStay& stay = stays[at];
            const ViewRecord& last = views[stay.last_view];
            if (stay.has_left || !clients[stay.client].has_ended) {
                return false;
            }
            return last.epoch == record.epoch
                       ? last.id.index < record.id.index && last.life != record.life &&
                             last.life != own_life
                       : own_life != record.life;
        });
    });
}

bool GroupChecker::Impl::may_be_another(ViewIndex at) const {
    const ViewRecord& record = views[at];
    if (record.members.size() < 2) {
        return false;
    }
    const std::vector<GroupLife>& lives = epochs[record.epoch].lives;
    const bool lived_again = std::count_if(lives.begin(), lives.end(), [](const GroupLife& life) {
                                 return !life.views.empty();
                             }) > 1;
    const auto has_seen = [&](ClientIndex client) {
        return std::find(record.seers.begin(), record.seers.end(), client) != record.seers.end();
    };
    for (const NameId member : record.members) {
        for (const ClientIndex other : connections_of(member)) {
            const Client& client = clients[other];
            if (!client.wants_membership || !client.has_ended || has_seen(other) ||
                record.group >= client.seat_of.size() || client.seat_of[record.group] == kNone) {
                continue;
            }
            const Seat& seat = client.seats[client.seat_of[record.group]];
            const bool joined_unseen = seat.seen % 2 == 0 && seat.seen < seat.asked;
            const bool ended_inside = lived_again && seat.is_in() &&
                                      (views[seat.view].epoch != record.epoch ||
                                       views[seat.view].id.index < record.id.index);
            if (joined_unseen || ended_inside) {
                return true;
            }
        }
    }
    return false;
}

bool GroupChecker::Impl::is_explained(const Epoch& epoch, std::size_t which) const {
    const GroupLife& life = epoch.lives[which];
    for (const GroupLife& other : epoch.lives) {
        if (&other != &life && !other.views.empty() && other.first_index == 1 &&
            !conflict(views, life, other)) {
            return true;  // they may be one, and the members in between did not live to tell
        }
    }
    // Nobody saw it begin: then somebody was there who could not see.
    const ViewRecord& first = views[life.views.front()];
    return std::any_of(first.members.begin(), first.members.end(), [&](NameId member) {
        const auto all = connections_of(member);
        return all.empty() || std::any_of(all.begin(), all.end(), [&](ClientIndex at) {
                   const Client& client = clients[at];
                   if (first.group >= client.seat_of.size() ||
                       client.seat_of[first.group] == kNone) {
                       return false;
                   }
                   const Seat& seat = client.seats[client.seat_of[first.group]];
                   // Without views, or without having read the view of its join, or since an
                   // earlier
                   // daemon membership.
                   const bool joined_unseen = seat.seen % 2 == 0 && seat.seen < seat.asked;
                   const bool was_in = seat.is_in() && views[seat.view].epoch != first.epoch;
                   return client.wants_membership ? client.has_ended && (joined_unseen || was_in)
                                                  : seat.asked > 0;
               });
    });
}

void GroupChecker::Impl::finish_lives() {
    for (const Epoch& epoch : epochs) {
        for (std::size_t a = 0; a + 1 < epoch.lives.size(); ++a) {
            for (std::size_t b = a + 1; b < epoch.lives.size(); ++b) {
                const GroupLife& one = epoch.lives[a];
                const GroupLife& other = epoch.lives[b];
                const auto at = conflict(views, one, other);
                if (!at) {
                    continue;
                }
                const bool apart = (one.first_index == 1 || is_explained(epoch, a)) &&
                                   (other.first_index == 1 || is_explained(epoch, b));
                if (!apart) {
                    fail_agreement(view_at(one, *at), view_at(other, *at));
                    return;
                }
            }
        }
    }
}

}  // namespace spread::checker
