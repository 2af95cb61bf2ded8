#include <algorithm>
#include <iterator>

#include "tests/checker/group_checker_impl.hpp"

// A passage is what a client reads of a group from one view to the next. All who take the same step
// from the same view must have read the same (G7); those who take different steps must at least
// all have the safe messages that one of them got before the signal (G10).

namespace spread::checker {

bool GroupChecker::Impl::may_be_discarded(MessageIndex message, NameId name) const {
    const SentMessage& sent = messages[message];
    return sent.sender == name && (sent.author == kNone || sent.self_discard);
}

std::vector<std::uint64_t> GroupChecker::Impl::content(const Passage::Witness& witness,
                                                       NameId group) const {
    std::vector<std::uint64_t> all;
    const std::vector<ReadEntry>& log = clients[witness.client].log;
    std::uint64_t signalled = 0;
    for (std::uint32_t i = witness.begin; i < witness.end; ++i) {
        if (log[i].kind == ReadEntry::Kind::kSignal && log[i].group == group) {
            signalled = 1;
        } else if (log[i].kind == ReadEntry::Kind::kMessage &&
                   goes_to(messages[log[i].what], group)) {
            all.push_back(std::uint64_t{log[i].what} * 2 + signalled);
        }
    }
    std::sort(all.begin(), all.end());
    return all;
}

void GroupChecker::Impl::close_passage(ClientIndex index, Seat& seat, ViewIndex to,
                                       std::uint32_t set) {
    std::uint32_t detail = set;
    if (to != kNone) {
        switch (views[to].cause) {
            case Cause::kLeave:
                // The leaver takes the same step.
                detail = views[to].subject();
                to = kNone;
                break;
            case Cause::kJoin:
            case Cause::kDisconnect: detail = 0; break;
            case Cause::kNetwork: break;
        }
    }
    const Passage::Witness witness{.client = index,
                                   .begin = seat.view_at,
                                   .end = static_cast<std::uint32_t>(clients[index].log.size())};
    std::vector<Passage>& passages = views[seat.view].passages;
    // Behind a signal a leaver may be alone on its side of a partition; only safe messages count.
    const bool is_apart = to == kNone && seat.signalled;
    const auto found = std::find_if(passages.begin(), passages.end(), [&](const Passage& passage) {
        return !is_apart && !passage.is_apart() && passage.to == to && passage.detail == detail;
    });
    if (found != passages.end()) {
        compare_passage(*found, seat.view, witness, seat, "G7");
        return;
    }
    Passage& made = passages.emplace_back();
    made.to = to;
    made.detail = detail;
    made.digest = seat.digest;
    made.signalled = seat.signalled;
    made.has_safe = seat.has_safe;
    made.witnesses.push_back(witness);
    for (std::size_t i = 0; i + 1 < passages.size() && !has_failed(); ++i) {
        compare_safe(seat.view, passages[i], passages.back());
        compare_safe(seat.view, passages.back(), passages[i]);
    }
}

void GroupChecker::Impl::check_past(ClientIndex index, const Seat& seat, ViewIndex to,
                                    std::uint32_t set) {
    if (has_failed() || !views[to].is_by_network()) {
        return;
    }
    auto& [past, witness, is_quiet] = views[to].pasts[set];
    if (past == kNone) {
        past = seat.view;
        witness = index;
        is_quiet = !seat.signalled && !views[past].is_interim();
        check_set_order(index, views[to], set);
    } else if (past != seat.view) {
        fail("G8",
             name(index) + " and " + name(witness) + " share a vs-set of " + view(to) +
                 " and come from different views",
             {tail(witness, seat.group), tail(index, seat.group)});
    }
}

/// The sides of a merge stand in the order of the ids that they had.
void GroupChecker::Impl::check_set_order(ClientIndex index, const ViewRecord& record,
                                         std::uint32_t set) {
    if (!record.pasts[set].is_quiet || record.is_interim()) {
        return;
    }
    const auto id_of = [&](std::uint32_t side) {
        const protocol::GroupId& before = views[record.pasts[side].view].id;
        return std::pair(before.proc_id, before.time);
    };
    for (std::uint32_t other = 0; other < record.pasts.size() && !has_failed(); ++other) {
        if (other != set && record.pasts[other].is_quiet &&
            (other < set ? id_of(set) < id_of(other) : id_of(other) < id_of(set))) {
            fail_view("G6", index, record,
                      "its vs-sets do not stand in the order of the ids that their sides had, " +
                          id(views[record.pasts[set].view].id) + " and " +
                          id(views[record.pasts[other].view].id));
        }
    }
}

void GroupChecker::Impl::compare_passage(Passage& passage, ViewIndex from,
                                         const Passage::Witness& witness, const Seat& seat,
                                         std::string_view property) {
    const NameId group = views[from].group;
    const auto differ = [&](const Passage::Witness& other, const std::string& how) {
        fail(property,
             name(other.client) + " and " + name(witness.client) + " went on together from view " +
                 id(views[from].id) + " of " + names.text(group) + ", but " + how,
             {excerpt(other.client, other.begin, other.end + 1, group),
              excerpt(witness.client, witness.begin, witness.end + 1, group)});
    };
    const Passage::Witness first = passage.witnesses.front();
    if (passage.signalled != seat.signalled) {
        differ(first, "only one of them got the signal");
        return;
    }
    if (passage.digest == seat.digest && passage.all.empty()) {
        passage.witnesses.push_back(witness);
        return;
    }
    // What senders discard for themselves is missing there, and only there. The order of the rest
    // is held by G9 anyway.
    if (passage.all.empty()) {
        passage.all = content(first, group);
    }
    const std::vector<std::uint64_t> own = content(witness, group);
    std::vector<std::uint64_t> missing;
    std::vector<std::uint64_t> extra;
    std::set_difference(passage.all.begin(), passage.all.end(), own.begin(), own.end(),
                        std::back_inserter(missing));
    std::set_difference(own.begin(), own.end(), passage.all.begin(), passage.all.end(),
                        std::back_inserter(extra));
    const auto is_moved = [&](std::uint64_t key, const std::vector<std::uint64_t>& others) {
        return std::binary_search(others.begin(), others.end(), key ^ 1U);
    };
    for (const std::uint64_t key : missing) {
        const auto at = static_cast<MessageIndex>(key / 2);
        if (is_moved(key, extra)) {
            differ(first, message(at) + " came before the signal at one, after it at the other");
            return;
        }
        if (!may_be_discarded(at, clients[witness.client].name)) {
            const auto has_it = std::find_if(passage.witnesses.begin(), passage.witnesses.end(),
                                             [&](const Passage::Witness& other) {
                                                 return times_received(other.client, at) != 0;
                                             });
            differ(has_it == passage.witnesses.end() ? first : *has_it,
                   name(witness.client) + " did not get " + message(at));
            return;
        }
    }
    for (const std::uint64_t key : extra) {
        const auto at = static_cast<MessageIndex>(key / 2);
        for (const Passage::Witness& other : passage.witnesses) {
            if (!may_be_discarded(at, clients[other.client].name)) {
                differ(other, name(other.client) + " did not get " + message(at));
                return;
            }
        }
    }
    if (missing.empty() && extra.empty() && passage.digest != seat.digest &&
        passage.witnesses.size() == 1) {
        differ(first, "in different orders");
        return;
    }
    std::vector<std::uint64_t> all;
    std::set_union(passage.all.begin(), passage.all.end(), own.begin(), own.end(),
                   std::back_inserter(all));
    passage.all = std::move(all);
    passage.witnesses.push_back(witness);
}

void GroupChecker::Impl::compare_safe(ViewIndex from, const Passage& one, const Passage& other) {
    if (!one.has_safe || has_failed()) {
        return;
    }
    const NameId group = views[from].group;
    const Passage::Witness& has = one.witnesses.front();
    const Passage::Witness& lacks = other.witnesses.front();
    const std::vector<std::uint64_t> got = content(has, group);
    const std::vector<std::uint64_t> others = content(lacks, group);
    for (const std::uint64_t key : got) {
        const auto at = static_cast<MessageIndex>(key / 2);
        if (key % 2 != 0 || messages[at].service != ClientService::kSafe ||
            std::binary_search(others.begin(), others.end(), key) ||
            std::binary_search(others.begin(), others.end(), key + 1) ||
            may_be_discarded(at, clients[lacks.client].name)) {
            continue;
        }
        fail("G10",
             name(has.client) + " got safe " + message(at) + " in view " + id(views[from].id) +
                 " of " + names.text(group) + " without a signal before it, but " +
                 name(lacks.client) + " did not get it before its next view",
             {excerpt(has.client, has.begin, has.end + 1, group),
              excerpt(lacks.client, lacks.begin, lacks.end + 1, group)});
        return;
    }
}

}  // namespace spread::checker
