#include <algorithm>

#include "tests/checker/group_checker_impl.hpp"

namespace spread::checker {

namespace {

std::string_view service_name(ClientService service) {
    switch (service) {
        case ClientService::kUnreliable: return "unreliable";
        case ClientService::kReliable: return "reliable";
        case ClientService::kFifo: return "fifo";
        case ClientService::kCausal: return "causal";
        case ClientService::kAgreed: return "agreed";
        case ClientService::kSafe: return "safe";
    }
    return "?";
}

std::string facts(std::string_view who, std::string_view sender, const Multicast& multicast) {
    std::string text = std::string(who) + ": m" + std::to_string(multicast.message) + " from " +
                       std::string(sender) + ", " + std::string(service_name(multicast.service)) +
                       ", to";
    for (const std::string& destination : multicast.destinations) {
        text += " " + destination;
    }
    return text;
}

}  // namespace

void GroupChecker::Impl::on_send(ClientIndex index, const Multicast& multicast) {
    MessageIndex at = find_message(multicast.message);
    Client& client = clients[index];
    ++client.sent;
    const bool was_received = at != kNone;
    if (was_received) {
        const SentMessage& known = messages[at];
        if (known.author != kNone) {
            fail("P1b",
                 name(index) + " sends " + message(at) + ", which " + name(known.author) +
                     " has sent already",
                 {});
            return;
        }
        if (known.sender != client.name || !equal(known, multicast)) {
            fail("P1a", message(at) + " was received otherwise than " + name(index) + " sent it",
                 {facts(name(index), names.text(client.name), multicast)});
            return;
        }
    } else {
        at = add_message(multicast, client.name);
    }
    SentMessage& sent = messages[at];
    sent.author = index;
    sent.send_number = client.sent;
    sent.sent_at = tick();
    sent.previous = client.last_sent;
    client.last_sent = at;
    sent.self_discard = multicast.self_discard;
    if (was_received && times_received(index, at) != 0) {
        fail("P1a", name(index) + " received " + message(at) + " before it sent it", {tail(index)});
        return;
    }
    if (client.last_node != kNone) {
        const std::vector<Node> cycle = add_cause(at, client.last_node);
        if (!cycle.empty()) {
            fail_order(index, cycle);
            return;
        }
    }
    const auto all = destinations_of(sent);
    const bool comes_back =
        !sent.self_discard && std::any_of(all.begin(), all.end(), [&](NameId destination) {
            const Seat* own = find_seat(client, destination);
            return destination == client.name || (own != nullptr && own->will_be_in());
        });
    if (comes_back) {
        client.owed.push_back(at);
    }
}

void GroupChecker::Impl::on_message(ClientIndex index, std::string_view sender,
                                    const Multicast& multicast) {
    MessageIndex at = find_message(multicast.message);
    if (at == kNone) {
        at = add_message(multicast, names.id(sender));
        awaiting_send.push_back(at);
    } else if (names.text(messages[at].sender) != sender || !equal(messages[at], multicast)) {
        const SentMessage& known = messages[at];
        Multicast other;
        other.message = known.key;
        other.service = known.service;
        for (const NameId destination : destinations_of(known)) {
            other.destinations.push_back(names.text(destination));
        }
        fail("P1a",
             name(index) + " received " + message(at) +
                 (known.author == kNone ? " otherwise than others" : " otherwise than it was sent"),
             {facts(known.author == kNone ? "elsewhere" : name(known.author),
                    names.text(known.sender), other),
              facts(name(index), sender, multicast)});
        return;
    }
    check_addressee(index, at);
    if (has_failed()) {
        return;
    }
    const auto log_at = static_cast<std::uint32_t>(clients[index].log.size());
    const std::vector<Node> cycle =
        append(index, ReadEntry{.kind = ReadEntry::Kind::kMessage, .what = at});
    if (!cycle.empty()) {
        if (times_received(index, at) > 1) {
            fail("P1b", name(index) + " received " + message(at) + " twice", {tail(index)});
            return;
        }
        fail_order(index, cycle);
        return;
    }
    const SentMessage& received = messages[at];
    if (received.author == kNone) {
        needs_replay[index] = true;
    } else {
        if (received.author == index) {
            check_own(index, received);
        }
        check_fifo(index, at);
    }
    for (const NameId destination : destinations_of(received)) {
        Seat* seat = find_seat(clients[index], destination);
        if (seat == nullptr || !seat->is_in()) {
            continue;
        }
        seat->digest = folded(seat->digest, at + 1);
        seat->has_safe =
            seat->has_safe || (received.service == ClientService::kSafe && !seat->signalled);
        if (received.author != kNone) {
            check_gap(index, *seat, at, log_at);
        }
    }
}

void GroupChecker::Impl::check_addressee(ClientIndex index, MessageIndex message_index) {
    Client& client = clients[index];
    for (const NameId destination : destinations_of(messages[message_index])) {
        if (destination == client.name) {
            return;
        }
        const Seat* seat = find_seat(client, destination);
        // Whoever gets no views does not see when its join and its leave take effect.
        if (seat != nullptr && (client.wants_membership ? seat->is_in() : seat->asked > 0)) {
            return;
        }
    }
    fail("G1",
         name(index) + (client.has_ended ? " has ended and" : "") + " received " +
             message(message_index) + ", which goes to none of its groups",
         {tail(index)});
}

void GroupChecker::Impl::check_own(ClientIndex index, const SentMessage& received) {
    Client& client = clients[index];
    if (received.self_discard) {
        fail("G12",
             name(index) + " got its own m" + std::to_string(received.key) +
                 ", which it sent with self-discard",
             {tail(index)});
        return;
    }
    if (client.owed_at == client.owed.size()) {
        return;
    }
    const SentMessage& next = messages[client.owed[client.owed_at]];
    if (next.send_number == received.send_number) {
        ++client.owed_at;
    } else if (next.send_number < received.send_number) {
        fail("G12",
             name(index) + " did not get its own m" + std::to_string(next.key) + ", but got m" +
                 std::to_string(received.key) + ", which it sent later",
             {tail(index)});
    }
}

void GroupChecker::Impl::check_fifo(ClientIndex index, MessageIndex message_index) {
    Client& client = clients[index];
    const SentMessage& received = messages[message_index];
    if (received.author >= client.last_from.size()) {
        client.last_from.resize(clients.size(), 0);
    }
    std::uint32_t& last = client.last_from[received.author];
    if (received.send_number < last) {
        fail("G13",
             name(index) + " received " + message(message_index) + " of " + name(received.author) +
                 " after one that was sent later",
             {tail(index)});
    }
    last = received.send_number;
}

bool GroupChecker::Impl::were_together(ClientIndex index, NameId group, NameId author,
                                       std::uint32_t begin, std::uint32_t end) const {
    const std::vector<ReadEntry>& log = clients[index].log;
    for (std::uint32_t i = begin; i < end; ++i) {
        // A signal ends nothing yet: also of a lost author nothing comes behind a gap.
        const ReadEntry& entry = log[i];
        if (entry.group == group && entry.kind != ReadEntry::Kind::kSignal &&
            (entry.kind != ReadEntry::Kind::kView || views[entry.what].is_by_network() ||
             !views[entry.what].has(author))) {
            return false;
        }
    }
    for (std::uint32_t i = begin; i > 0; --i) {
        const ReadEntry& entry = log[i - 1];
        if (entry.kind == ReadEntry::Kind::kView && entry.group == group) {
            return views[entry.what].has(author);
        }
    }
    return false;
}

void GroupChecker::Impl::check_gap(ClientIndex index, Seat& seat, MessageIndex message_index,
                                   std::uint32_t at) {
    const SentMessage& received = messages[message_index];
    if (received.author >= seat.heard.size()) {
        seat.heard.resize(clients.size());
    }
    Seat::Heard& heard = seat.heard[received.author];
    const Seat::Heard last = heard;
    heard = {.number = received.send_number, .at = at};
    if (last.number == 0 || received.send_number <= last.number + 1 || received.author == index) {
        return;
    }
    // Some of the author's multicasts in between may have gone to this group.
    for (MessageIndex i = received.previous; i != kNone; i = messages[i].previous) {
        const SentMessage& missing = messages[i];
        if (missing.send_number <= last.number) {
            return;
        }
        if (goes_to(missing, seat.group) && times_received(index, i) == 0 &&
            were_together(index, seat.group, received.sender, last.at, at)) {
            fail("G13",
                 name(index) + " did not get " + message(i) + " of " + name(received.author) +
                     ", but those sent before and after it, in views with both",
                 {excerpt(index, last.at, at + 1, seat.group)});
            return;
        }
    }
}

void GroupChecker::Impl::replay_fifo(ClientIndex index) {
    Client& client = clients[index];
    client.last_from.assign(clients.size(), 0);
    for (Seat& seat : client.seats) {
        seat.heard.assign(clients.size(), Seat::Heard{});
    }
    for (std::uint32_t i = 0; i < client.log.size() && !has_failed(); ++i) {
        const ReadEntry entry = client.log[i];
        if (entry.kind != ReadEntry::Kind::kMessage) {
            continue;
        }
        const SentMessage received = messages[entry.what];
        check_fifo(index, entry.what);
        for (const NameId destination : destinations_of(received)) {
            if (Seat* seat = find_seat(client, destination)) {
                check_gap(index, *seat, entry.what, i);
            }
        }
    }
}

void GroupChecker::Impl::fail_order(ClientIndex index, std::span<const Node> cycle) {
    const auto text = [&](Node node) {
        return is_view(node) ? view(item(node)) : message(item(node));
    };
    std::vector<std::string> evidence = {tail(index)};
    bool by_cause = false;
    for (std::size_t i = 0; i + 1 < cycle.size(); ++i) {
        Step run = step(cycle[i], cycle[i + 1]);
        if (run.reader == kNone) {
            by_cause = true;
            evidence.push_back(names.text(messages[item(cycle[i + 1])].sender) + ": sent " +
                               text(cycle[i + 1]) + " after it had read " + text(cycle[i]));
            continue;
        }
        for (; i + 2 < cycle.size(); ++i) {
            const Step more = step(cycle[i + 1], cycle[i + 2]);
            if (more.reader != run.reader) {
                break;
            }
            run.second_at = more.second_at;
        }
        evidence.push_back(excerpt(run.reader, run.first_at, run.second_at + 1));
    }
    fail("G9",
         name(index) + (by_cause ? ": order and cause disagree on " : " and others disagree on ") +
             text(cycle.front()) + " and " + text(cycle.back()),
         std::move(evidence));
}

}  // namespace spread::checker
