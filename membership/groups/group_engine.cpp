#include "membership/groups/group_engine.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <utility>
#include <variant>

#include "membership/groups/frame_router.hpp"
#include "membership/groups/group_epoch.hpp"
#include "membership/groups/group_messages.hpp"
#include "membership/groups/group_notices.hpp"
#include "membership/groups/group_phases.hpp"
#include "membership/groups/group_table.hpp"
#include "membership/groups/group_wire.hpp"
#include "membership/groups/local_sessions.hpp"
#include "protocol/assert.hpp"
#include "protocol/names.hpp"

namespace spread::membership {

using protocol::DaemonIndex;
using protocol::Message;
using protocol::MessageKind;
using protocol::NameField;
using protocol::Service;
using protocol::SessionId;

namespace {

bool fits_name_field(std::string_view group) {
    return group.size() <= protocol::kGroupNameMax && group.find('\0') == std::string_view::npos;
}

void submit(GroupOutput& out, MessageKind kind, Service service, Message body) {
    out.submissions.push_back(
        Submission{.service = service, .kind = kind, .control = false, .body = std::move(body)});
}

}  // namespace

/// The parts, and the events that wait their turn.
struct GroupEngine::Impl {
    explicit Impl(GroupConfig config)
        : roster(std::move(config.daemons)),
          self(roster.find(config.self).value_or(roster.size())),
          epoch(roster, self, config.index_before_first),
          notices(sessions, stats),
          messages(roster, self, sessions, table, epoch, notices, stats),
          phases(roster, self, config.state_message_bytes_max, table, epoch, notices, messages,
                 stats) {
        SPREAD_ASSERT(self < roster.size());
    }

    /// One event at a time, whatever its length.
    void work(GroupOutput& out) {
        while (!out.budget.is_spent()) {
            if (phases.has_work()) {
                phases.work(out);
            } else if (messages.is_leaving()) {
                messages.leave_more(out);
            } else if (!waiting.empty()) {
                DeliveryEvent event = std::move(waiting.front());
                waiting.pop_front();
                apply(std::move(event), out);
            } else {
                return;
            }
        }
    }

    void apply(DeliveryEvent&& event, GroupOutput& out) {
        out.budget.spend(1);
        if (const auto* change = std::get_if<ConfigurationChange>(&event)) {
            phases.on_configuration(*change);
            return;
        }
        auto& delivery = std::get<Delivery>(event);
        const auto origin = roster.find(delivery.origin);
        if (!origin) {
            ++stats.malformed_messages;
        } else if (delivery.kind == MessageKind::kGroupState) {
            phases.on_state(delivery, *origin);
            out.budget.spend(delivery.body.size() / kStateBytesPerUnit);
        } else if (phases.is_exchanging()) {
            phases.hold(std::move(delivery), *origin);
        } else {
            messages.apply(std::move(delivery), *origin, out);
        }
    }

    [[nodiscard]] bool has_work() const {
        return phases.has_work() || messages.is_leaving() || !waiting.empty();
    }

    /// Bytes of group state that are decoded in about a microsecond.
    static constexpr std::size_t kStateBytesPerUnit = 64;

    protocol::Roster roster;
    DaemonIndex self;
    GroupStats stats;
    LocalSessions sessions;
    GroupTable table;
    GroupEpoch epoch;
    GroupNotices notices;
    GroupMessages messages;
    GroupPhases phases;
    std::deque<DeliveryEvent> waiting;
};

GroupEngine::GroupEngine(GroupConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
GroupEngine::~GroupEngine() = default;

void GroupEngine::on_session_open(SessionId session, std::string_view private_name,
                                  bool wants_membership, protocol::MembershipLayout layout) {
    LocalSessions::Session opened;
    opened.name = NameField(private_name);
    opened.wants_membership = wants_membership;
    opened.layout = layout;
    SPREAD_ASSERT(is_client_of(impl_->roster, opened.name, impl_->self));
    impl_->sessions.open(session, opened);
}

void GroupEngine::request_join(SessionId session, std::string_view group, GroupOutput& out) {
    LocalSessions::Session* joiner = impl_->sessions.find(session);
    if (joiner == nullptr || joiner->closing || !fits_name_field(group)) {
        return;
    }
    const GroupRequest request{.group = NameField(group), .member = joiner->name};
    impl_->sessions.note_join_requested(*joiner);
    submit(out, MessageKind::kGroupJoin, Service::kAgreed, encode_group_request(request));
}

std::size_t GroupEngine::groups_of(SessionId session) const {
    const LocalSessions::Session* found = impl_->sessions.find(session);
    return found == nullptr ? 0 : impl_->table.group_count(found->name) + found->joins_under_way;
}

std::size_t GroupEngine::memberships() const {
    return impl_->table.membership_count() + impl_->sessions.joins_under_way();
}

void GroupEngine::request_leave(SessionId session, std::string_view group, GroupOutput& out) {
    const LocalSessions::Session* leaver = impl_->sessions.find(session);
    if (leaver != nullptr && !leaver->closing && fits_name_field(group)) {
        submit(out, MessageKind::kGroupLeave, Service::kAgreed,
               encode_group_request({.group = NameField(group), .member = leaver->name}));
    }
}

void GroupEngine::request_disconnect(SessionId session, bool orderly, GroupOutput& out) {
    const LocalSessions::Session* found = impl_->sessions.find(session);
    if (found == nullptr || found->closing) {
        return;
    }
    impl_->sessions.begin_close(session);
    // An abrupt end waits for stability and holds back what is behind it (GS 2.2).
    submit(out, MessageKind::kDisconnect, orderly ? Service::kAgreed : Service::kSafe,
           encode_disconnect(found->name));
}

void GroupEngine::on_event(DeliveryEvent&& event, GroupOutput& out) {
    if (impl_->has_work()) {
        impl_->waiting.push_back(std::move(event));
    } else {
        impl_->apply(std::move(event), out);
    }
    impl_->work(out);
}

bool GroupEngine::has_work() const {
    return impl_->has_work();
}

void GroupEngine::work(GroupOutput& out) {
    impl_->work(out);
}

GroupPhase GroupEngine::phase() const {
    return impl_->epoch.phase;
}

std::optional<PendingExchange> GroupEngine::pending_exchange() const {
    return impl_->phases.pending_exchange();
}

GroupStats GroupEngine::stats() const {
    GroupStats stats = impl_->stats;
    stats.groups = impl_->table.groups().size();
    return stats;
}

std::vector<std::string> GroupEngine::members(std::string_view group) const {
    std::vector<std::string> names;
    if (!fits_name_field(group)) {
        return names;
    }
    if (const Group* found = impl_->table.find(NameField(group))) {
        for (const Member* member : found->members) {
            names.push_back(member->name.string());
        }
    }
    return names;
}

std::vector<std::string> GroupEngine::group_names() const {
    std::vector<std::string> names;
    for (const auto& group : impl_->table.groups()) {
        names.push_back(group->name.string());
    }
    return names;
}

std::vector<GroupEngine::GroupSize> GroupEngine::groups_behind(std::string_view after,
                                                               std::size_t most) const {
    std::vector<GroupSize> out;
    if (!fits_name_field(after)) {
        return out;
    }
    const auto& groups = impl_->table.groups();
    for (auto at = groups.upper_bound(NameField(after)); at != groups.end() && out.size() < most;
         ++at) {
        out.push_back({(*at)->name.string(), (*at)->members.size(), (*at)->traffic});
    }
    return out;
}

GroupEngine::Busiest GroupEngine::busiest_groups(std::string_view after, std::size_t look_at,
                                                 std::size_t most) const {
    using Since = std::pair<GroupTraffic, const Group*>;
    const auto is_busier = [](const Since& a, const Since& b) {
        return a.first.messages > b.first.messages;
    };
    Busiest out;
    std::vector<Since> busiest;  // a heap, the least busy one on top
    const auto& groups = impl_->table.groups();
    auto at = groups.upper_bound(NameField(after));
    for (; at != groups.end() && look_at > 0; ++at, --look_at) {
        const Group& group = **at;
        const GroupTraffic before = std::exchange(group.traffic_before, group.traffic);
        const GroupTraffic since{group.traffic.messages - before.messages,
                                 group.traffic.bytes - before.bytes};
        if (since.messages > 0) {
            busiest.emplace_back(since, &group);
            std::push_heap(busiest.begin(), busiest.end(), is_busier);
        }
        if (busiest.size() > most) {
            std::pop_heap(busiest.begin(), busiest.end(), is_busier);
            busiest.pop_back();
        }
    }
    if (at != groups.end() && at != groups.begin()) {
        out.last = (*std::prev(at))->name.string();
    }
    std::sort_heap(busiest.begin(), busiest.end(), is_busier);
    for (const auto& [since, group] : busiest) {
        out.groups.push_back({group->name.string(), group->members.size(), since});
    }
    return out;
}

}  // namespace spread::membership
