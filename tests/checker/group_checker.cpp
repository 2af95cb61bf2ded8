#include "tests/checker/group_checker.hpp"

#include <algorithm>

#include "protocol/assert.hpp"
#include "tests/checker/group_checker_impl.hpp"

namespace spread::checker {

void GroupChecker::Impl::fail(std::string_view property, std::string summary,
                              std::vector<std::string> evidence) {
    if (!violation) {
        violation = Violation{.property = std::string(property),
                              .summary = std::move(summary),
                              .evidence = std::move(evidence)};
    }
}

GroupChecker::GroupChecker(Feed feed) : impl_(std::make_unique<Impl>()) {
    impl_->feed = feed;
}

GroupChecker::~GroupChecker() = default;

const std::optional<Violation>& GroupChecker::violation() const {
    return impl_->violation;
}

ClientId GroupChecker::on_connect(std::string_view private_name, bool wants_membership) {
    const auto index = static_cast<ClientIndex>(impl_->clients.size());
    Client& client = impl_->clients.emplace_back();
    impl_->needs_replay.push_back(false);
    client.name = impl_->names.id(private_name);
    client.daemon = impl_->daemon_of(client.name);
    client.wants_membership = wants_membership;
    client.connected_at = impl_->tick();
    impl_->add_connection(client.name, index);
    return ClientId{index};
}

// Requests of one client take effect in the order in which they are written, and one that changes
// nothing (a join of a member, a leave of somebody else) is not answered. So views that begin a
// stay and self-leaves must answer, one by one, the requests that change something.

void GroupChecker::on_join(ClientId client, std::string_view group) {
    if (impl_->has_failed()) {
        return;
    }
    Seat& seat = impl_->seat(impl_->clients[client.value], impl_->names.id(group));
    if (!seat.will_be_in()) {
        ++seat.asked;
    }
}

void GroupChecker::on_leave(ClientId client, std::string_view group) {
    if (impl_->has_failed()) {
        return;
    }
    Client& author = impl_->clients[client.value];
    Seat& seat = impl_->seat(author, impl_->names.id(group));
    if (seat.will_be_in()) {
        ++seat.asked;
        seat.sent_before_leave.push_back(author.sent);
    }
}

void GroupChecker::on_send(ClientId client, const Multicast& multicast) {
    if (!impl_->has_failed()) {
        impl_->on_send(client.value, multicast);
    }
}

void GroupChecker::on_view(ClientId client, const View& view) {
    if (!impl_->has_failed()) {
        impl_->on_view(client.value, view);
    }
}

void GroupChecker::on_transitional(ClientId client, std::string_view group,
                                   const protocol::GroupId& id) {
    if (!impl_->has_failed()) {
        impl_->on_signal(client.value, group, id);
    }
}

void GroupChecker::on_self_leave(ClientId client, std::string_view group) {
    if (!impl_->has_failed()) {
        impl_->on_self_leave(client.value, group);
    }
}

void GroupChecker::on_message(ClientId client, std::string_view sender,
                              const Multicast& multicast) {
    if (!impl_->has_failed()) {
        impl_->on_message(client.value, sender, multicast);
    }
}

void GroupChecker::on_end(ClientId client, ClientEnd end) {
    if (impl_->has_failed()) {
        return;
    }
    if (end == ClientEnd::kDropped) {
        impl_->fail("D3", impl_->name(client.value) + " was dropped by its daemon without a reason",
                    {impl_->tail(client.value)});
        return;
    }
    // However it ends, what was owed to it lapses.
    impl_->clients[client.value].has_ended = true;
    impl_->has_network_sign = impl_->has_network_sign || end == ClientEnd::kDaemonLost;
}

void GroupChecker::on_daemon_configuration(std::string_view daemon, bool transitional,
                                           std::span<const std::string> members) {
    if (impl_->has_failed()) {
        return;
    }
    std::vector<NameId> ids;
    for (const std::string& member : members) {
        ids.push_back(impl_->names.id(member));
    }
    const auto is_in = [](const std::vector<NameId>& list, NameId id) {
        return std::find(list.begin(), list.end(), id) != list.end();
    };
    DaemonConfigurations& known = impl_->daemons[impl_->names.id(daemon)];
    if (transitional) {
        std::vector<NameId>& losses = known.losses.emplace_back();
        std::copy_if(known.current.begin(), known.current.end(), std::back_inserter(losses),
                     [&](NameId id) { return !is_in(ids, id); });
    } else {
        std::copy_if(ids.begin(), ids.end(), std::back_inserter(known.found),
                     [&](NameId id) { return !is_in(known.current, id); });
    }
    known.history.push_back({impl_->tick(), ids});
    known.current = std::move(ids);
}

void GroupChecker::finish(bool quiet) {
    SPREAD_ASSERT(!impl_->is_finished);
    impl_->is_finished = true;
    if (!impl_->has_failed()) {
        impl_->finish(quiet);
    }
}

}  // namespace spread::checker
