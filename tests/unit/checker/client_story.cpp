#include "client_story.hpp"

#include <algorithm>
#include <sstream>
#include <utility>

namespace spread::checker {

namespace {

std::vector<std::string> words(std::string_view text) {
    std::istringstream in{std::string(text)};
    std::vector<std::string> all;
    for (std::string word; in >> word;) {
        all.push_back(word);
    }
    return all;
}

std::ptrdiff_t position(const std::vector<std::string>& list, const std::string& name) {
    return std::find(list.begin(), list.end(), name) - list.begin();
}

}  // namespace

std::string ClientStory::name(std::string_view client) {
    return "#" + std::string(client.substr(0, client.size() - 1)) + "#d" + client.back();
}

std::vector<std::string> ClientStory::names(std::string_view clients) {
    std::vector<std::string> all;
    for (const std::string& client : words(clients)) {
        all.push_back(name(client));
    }
    return all;
}

void ClientStory::add(const std::string& client, std::function<void(GroupChecker&, ClientId)> act) {
    const std::size_t connection = connections_.at(client);
    events_.push_back({client, [act = std::move(act), connection](
                                   GroupChecker& checker, std::map<std::size_t, ClientId>& ids) {
                           act(checker, ids.at(connection));
                       }});
}

ClientStory& ClientStory::connect(std::string_view clients, bool wants_membership) {
    for (const std::string& client : words(clients)) {
        const std::size_t connection = connected_++;
        connections_[client] = connection;
        events_.push_back(
            {client, [=](GroupChecker& checker, std::map<std::size_t, ClientId>& ids) {
                 ids[connection] = checker.on_connect(name(client), wants_membership);
             }});
    }
    return *this;
}

ClientStory& ClientStory::join(std::string_view clients, const std::string& group) {
    for (const std::string& client : words(clients)) {
        add(client, [=](GroupChecker& checker, ClientId id) { checker.on_join(id, group); });
    }
    return *this;
}

ClientStory& ClientStory::leave(std::string_view clients, const std::string& group) {
    for (const std::string& client : words(clients)) {
        add(client, [=](GroupChecker& checker, ClientId id) { checker.on_leave(id, group); });
    }
    return *this;
}

ClientStory& ClientStory::send(const std::string& client, std::uint64_t message,
                               std::string_view destinations, ClientService service,
                               bool self_discard) {
    Multicast multicast;
    multicast.message = message;
    multicast.service = service;
    multicast.self_discard = self_discard;
    for (const std::string& word : words(destinations)) {
        const bool is_client = word.size() > 1 && word.back() >= '0' && word.back() <= '9';
        multicast.destinations.push_back(is_client ? name(word) : word);
    }
    sent_[message] = {name(client), multicast};
    add(client, [=](GroupChecker& checker, ClientId id) { checker.on_send(id, multicast); });
    return *this;
}

ClientStory& ClientStory::change(std::string_view readers, GroupId id, Cause cause,
                                 std::string_view members, const std::string& subject,
                                 const std::string& group) {
    for (const std::string& reader : words(readers)) {
        View made;
        made.group = group;
        made.id = id;
        made.cause = cause;
        made.members = names(members);
        made.own_index = position(made.members, name(reader));
        made.sets = {{name(subject)}};
        view(reader, std::move(made));
    }
    return *this;
}

ClientStory& ClientStory::joined(std::string_view readers, GroupId id, std::string_view members,
                                 const std::string& subject, const std::string& group) {
    return change(readers, id, Cause::kJoin, members, subject, group);
}

ClientStory& ClientStory::gone(std::string_view readers, GroupId id, std::string_view members,
                               const std::string& subject, const std::string& group) {
    return change(readers, id, Cause::kLeave, members, subject, group);
}

ClientStory& ClientStory::killed(std::string_view readers, GroupId id, std::string_view members,
                                 const std::string& subject, const std::string& group) {
    return change(readers, id, Cause::kDisconnect, members, subject, group);
}

ClientStory& ClientStory::network(std::string_view readers, GroupId id, std::string_view members,
                                  std::string_view sets, const std::string& group) {
    for (const std::string& reader : words(readers)) {
        View made;
        made.group = group;
        made.id = id;
        made.cause = Cause::kNetwork;
        made.members = names(members);
        made.own_index = position(made.members, name(reader));
        std::string_view rest = sets.empty() ? members : sets;
        while (true) {
            const std::size_t bar = rest.find('|');
            made.sets.push_back(names(rest.substr(0, bar)));
            if (bar == std::string_view::npos) {
                break;
            }
            rest.remove_prefix(bar + 1);
        }
        made.own_set = static_cast<std::size_t>(
            std::find_if(made.sets.begin(), made.sets.end(),
                         [&](const std::vector<std::string>& set) {
                             return position(set, name(reader)) !=
                                    static_cast<std::ptrdiff_t>(set.size());
                         }) -
            made.sets.begin());
        view(reader, std::move(made));
    }
    return *this;
}

ClientStory& ClientStory::view(const std::string& client, View view) {
    add(client, [view = std::move(view)](GroupChecker& checker, ClientId id) {
        checker.on_view(id, view);
    });
    return *this;
}

ClientStory& ClientStory::signal(std::string_view readers, GroupId group_id,
                                 const std::string& group) {
    for (const std::string& reader : words(readers)) {
        add(reader, [=](GroupChecker& checker, ClientId id) {
            checker.on_transitional(id, group, group_id);
        });
    }
    return *this;
}

ClientStory& ClientStory::left(const std::string& client, const std::string& group) {
    add(client, [=](GroupChecker& checker, ClientId id) { checker.on_self_leave(id, group); });
    return *this;
}

ClientStory& ClientStory::got(std::string_view readers, std::vector<std::uint64_t> messages) {
    for (const std::string& reader : words(readers)) {
        for (const std::uint64_t message : messages) {
            received(reader, sent_.at(message).first, sent_.at(message).second);
        }
    }
    return *this;
}

ClientStory& ClientStory::received(const std::string& client, const std::string& sender,
                                   const Multicast& multicast) {
    add(client,
        [=](GroupChecker& checker, ClientId id) { checker.on_message(id, sender, multicast); });
    return *this;
}

ClientStory& ClientStory::end(std::string_view clients, ClientEnd end) {
    for (const std::string& client : words(clients)) {
        add(client, [=](GroupChecker& checker, ClientId id) { checker.on_end(id, end); });
    }
    return *this;
}

ClientStory& ClientStory::configuration(const std::string& daemon, bool transitional,
                                        std::string_view members) {
    const std::vector<std::string> all = words(members);
    events_.push_back({daemon, [=](GroupChecker& checker, std::map<std::size_t, ClientId>&) {
                           checker.on_daemon_configuration(daemon, transitional, all);
                       }});
    return *this;
}

void ClientStory::judge(GroupChecker& checker, Order order, bool quiet) const {
    std::vector<const Event*> events;
    for (const Event& event : events_) {
        events.push_back(&event);
    }
    if (order != Order::kAsWritten) {
        std::stable_sort(events.begin(), events.end(), [&](const Event* a, const Event* b) {
            return order == Order::kByClient ? a->who < b->who : b->who < a->who;
        });
    }
    std::map<std::size_t, ClientId> ids;
    for (const Event* event : events) {
        event->act(checker, ids);
    }
    checker.finish(quiet);
}

std::string ClientStory::verdict(Order order, bool quiet) const {
    GroupChecker checker(order == Order::kAsWritten ? Feed::kAsItHappens : Feed::kByClient);
    judge(checker, order, quiet);
    return checker.violation() ? checker.violation()->property : "";
}

Violation ClientStory::violation() const {
    GroupChecker checker;
    judge(checker, Order::kAsWritten, true);
    return checker.violation().value_or(Violation{});
}

}  // namespace spread::checker
