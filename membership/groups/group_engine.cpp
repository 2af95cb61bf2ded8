#include "membership/groups/group_engine.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <unordered_map>
#include <utility>
#include <variant>

#include "membership/groups/ended_groups.hpp"
#include "membership/groups/group_exchange.hpp"
#include "membership/groups/group_table.hpp"
#include "membership/groups/group_view.hpp"
#include "membership/groups/group_wire.hpp"
#include "protocol/assert.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/names.hpp"
#include "protocol/roster.hpp"
#include "protocol/session_wire.hpp"

namespace spread::membership {

using protocol::DaemonIndex;
using protocol::DaemonSet;
using protocol::GroupId;
using protocol::MemberChange;
using protocol::Message;
using protocol::MessageKind;
using protocol::NameField;
using protocol::NameRun;
using protocol::Service;
using protocol::SessionHeader;
using protocol::SessionId;

namespace {

/// Client frames that may wait for the end of a state exchange. No daemon in order sends any, since
/// each resumes at the place where all do; the bound is for those that are not.
constexpr std::size_t kHeldFramesMax = 10000;

/// What a delivered multicast may carry in its type word.
constexpr std::uint32_t kFrameBits =
    protocol::kRequestBits & ~(protocol::kJoinMess | protocol::kLeaveMess | protocol::kKillMess);

/// Header and groups of a client frame: all that routing looks at.
constexpr std::size_t kFrameHeadMax =
    protocol::kSessionHeaderBytes + protocol::kGroupsPerMessageMax * protocol::kNameFieldBytes;

/// Clients see 31 bits of the ring's counter, so that it is never negative (client protocol 6).
std::int32_t group_time(std::uint64_t counter) {
    return static_cast<std::int32_t>(counter & 0x7fffffffU);
}

std::int32_t group_proc_id(protocol::DaemonId daemon) {
    return static_cast<std::int32_t>(daemon.value);
}

bool fits_name_field(std::string_view group) {
    return group.size() <= protocol::kGroupNameMax && group.find('\0') == std::string_view::npos;
}

void submit(GroupOutput& out, MessageKind kind, Service service, Message body) {
    out.submissions.push_back(
        Submission{.service = service, .kind = kind, .control = false, .body = std::move(body)});
}

}  // namespace

/// Phases (group semantics 5.1) and what each configuration does in them:
///
///   phase                   transitional                  regular
///   kStable                 split -> kTransitional        (only with an engine in error)
///   kTransitional           split again                   settle -> kStable or kExchange
///   kExchange               remember -> kExchangeTrans.   (only with an engine in error)
///   kExchangeTransitional   remember                      split, settle -> kStable or kExchange
///
/// The end of an exchange leads from kExchange to kStable, and from kExchangeTransitional through
/// the remembered split to kTransitional.
struct GroupEngine::Impl {
    struct Session {
        NameField name;
        bool wants_membership = false;
        bool closing = false;  ///< gets nothing more; its disconnect is on the way
        protocol::MembershipLayout layout = protocol::MembershipLayout::kVsSets;
        std::size_t joins_under_way = 0;  ///< requested, not delivered yet
    };

    explicit Impl(GroupConfig config)
        : roster(std::move(config.daemons)),
          self(roster.find(config.self).value_or(roster.size())),
          state_message_bytes_max(config.state_message_bytes_max),
          synced{self},
          reachable{self} {
        SPREAD_ASSERT(self < roster.size());
    }

    // ---- Deliveries ----

    void on_delivery(Delivery delivery, GroupOutput& out) {
        const auto origin = roster.find(delivery.origin);
        if (!origin) {
            ++stats.malformed_messages;
            return;
        }
        if (delivery.kind == MessageKind::kGroupState) {
            on_state(delivery, *origin, out);
        } else if (exchange) {
            hold(std::move(delivery));
        } else {
            apply(std::move(delivery), *origin, out);
        }
    }

    void hold(Delivery delivery) {
        if (delivery.kind == MessageKind::kClientFrame && ++held_frames > kHeldFramesMax) {
            ++stats.malformed_messages;
            return;
        }
        held.push_back(std::move(delivery));
    }

    void apply(Delivery delivery, DaemonIndex origin, GroupOutput& out) {
        switch (delivery.kind) {
            case MessageKind::kClientFrame: apply_frame(std::move(delivery), origin, out); return;
            case MessageKind::kGroupJoin:
            case MessageKind::kGroupLeave: {
                std::vector<std::byte> scratch;
                const auto request = decode_group_request(delivery.body.contiguous(scratch));
                if (!request || !is_client_of(request->member, origin)) {
                    ++stats.malformed_messages;
                } else if (delivery.kind == MessageKind::kGroupJoin) {
                    apply_join(origin, *request, out);
                } else {
                    apply_leave(origin, *request, out);
                }
                return;
            }
            case MessageKind::kDisconnect: {
                std::vector<std::byte> scratch;
                const auto member = decode_disconnect(delivery.body.contiguous(scratch));
                if (!member || !is_client_of(*member, origin)) {
                    ++stats.malformed_messages;
                } else {
                    apply_disconnect(origin, *member, out);
                }
                return;
            }
            case MessageKind::kGroupState:
            case MessageKind::kRecoveryPacket: break;
        }
        ++stats.malformed_messages;
    }

    [[nodiscard]] bool is_client_of(const NameField& member, DaemonIndex daemon) const {
        const auto parts = protocol::parse_private_group(member.view());
        return parts && parts->daemon == roster.name(daemon);
    }

    // ---- Client frames ----

    void apply_frame(Delivery delivery, DaemonIndex origin, GroupOutput& out) {
        const Message& body = delivery.body;
        std::array<std::byte, kFrameHeadMax> scratch;
        std::span<const std::byte> head;
        // The head is almost always whole in the first slice; else it is copied.
        const auto head_of = [&](std::size_t size) {
            head = body.slice(0).bytes();
            if (head.size() < size) {
                body.copy_to(std::span(scratch).first(size));
                head = std::span(scratch).first(size);
            }
        };
        if (body.size() < protocol::kSessionHeaderBytes) {
            ++stats.malformed_messages;
            return;
        }
        head_of(protocol::kSessionHeaderBytes);
        const SessionHeader header =
            protocol::decode_session_header(head.first<protocol::kSessionHeaderBytes>());
        if (!is_deliverable(header, body.size(), origin)) {
            ++stats.malformed_messages;
            return;
        }
        const auto group_count = static_cast<std::size_t>(header.num_groups);
        head_of(protocol::kSessionHeaderBytes + group_count * protocol::kNameFieldBytes);

        std::vector<SessionId> recipients;
        bool several_sources = false;
        for (std::size_t i = 0; i < group_count; ++i) {
            const NameField destination(protocol::group_field(head, i));
            if (destination.view().starts_with('#')) {
                if (const auto found = private_recipient(destination);
                    found != by_name.end() && !sessions.at(found->second).closing) {
                    several_sources = several_sources || !recipients.empty();
                    recipients.push_back(found->second);
                }
            } else if (const Group* group = table.find(destination);
                       group != nullptr && !group->receivers.empty()) {
                several_sources = several_sources || !recipients.empty();
                recipients.insert(recipients.end(), group->receivers.begin(),
                                  group->receivers.end());
            }
        }
        if (several_sources) {
            std::sort(recipients.begin(), recipients.end());
            recipients.erase(std::unique(recipients.begin(), recipients.end()), recipients.end());
        }
        if ((header.type & protocol::kSelfDiscard) != 0) {
            // Other daemons' clients have no session here, so only our own sender is found.
            if (const auto sender = by_name.find(header.private_group_name);
                sender != by_name.end()) {
                std::erase(recipients, sender->second);
            }
        }
        if (!recipients.empty()) {
            ++stats.messages_delivered;
            out.events.push_back(ClientEvent{.recipients = std::move(recipients),
                                             .frame = std::move(delivery.body)});
        }
    }

    /// The session of a private group, if it is one of ours.
    [[nodiscard]] std::unordered_map<NameField, SessionId>::const_iterator private_recipient(
        const NameField& destination) const {
        return by_name.find(destination);
    }

    /// A peer's bytes: everything that routing or a client relies on is checked.
    [[nodiscard]] bool is_deliverable(const SessionHeader& header, std::size_t size,
                                      DaemonIndex origin) const {
        return header.order == protocol::ByteOrder::kLittle &&
               std::popcount(header.type & protocol::kRegularMess) == 1 &&
               (header.type & ~kFrameBits) == 0 && header.num_groups >= 0 &&
               static_cast<std::size_t>(header.num_groups) <= protocol::kGroupsPerMessageMax &&
               header.data_len >= 0 && protocol::frame_bytes(header) == size &&
               is_client_of(header.private_group_name, origin);
    }

    // ---- Joins, leaves, disconnects ----

    void apply_join(DaemonIndex origin, const GroupRequest& request, GroupOutput& out) {
        if (origin == self) {
            note_join_arrived(request.member);
        }
        Group* group = table.find(request.group);
        if (group != nullptr && group->has_member(origin, request.member)) {
            return;  // stock ignores it as well (client protocol 5.3)
        }
        if (group == nullptr) {
            GroupId id = current_id;
            id.index = ended_groups.last_index(request.group);
            group = &table.create(request.group, id);
        }
        table.add_member(*group, origin, request.member);
        if (origin == self) {
            bind_receiver(*group, request.member);
        }
        if (phase == GroupPhase::kTransitional && !reachable.contains(origin) && !group->changed) {
            // Its members will lose the joiner (group semantics 1.4). Stock lets the old id count
            // on here; but where the join came before the transitional point, that very id names
            // a view with other vs-sets, so the group takes the transitional id like all others.
            hit(*group);
        }
        advance(*group);
        announce(MemberChange::kJoin, *group, origin, request.member, out);
    }

    void note_join_arrived(const NameField& member) {
        if (const auto found = by_name.find(member); found != by_name.end()) {
            std::size_t& under_way = sessions.at(found->second).joins_under_way;
            under_way -= std::min<std::size_t>(under_way, 1);
        }
    }

    void apply_leave(DaemonIndex origin, const GroupRequest& request, GroupOutput& out) {
        Group* group = table.find(request.group);
        if (group == nullptr || !table.remove_member(*group, origin, request.member)) {
            return;
        }
        if (origin == self) {
            if (const auto found = by_name.find(request.member); found != by_name.end()) {
                const Session& session = sessions.at(found->second);
                group->remove_receiver(found->second);
                if (session.wants_membership && !session.closing) {
                    out.events.push_back(
                        ClientEvent{.recipients = {found->second},
                                    .frame = protocol::encode_self_leave(group->name)});
                }
            }
        }
        after_removal(MemberChange::kLeave, *group, origin, request.member, out);
    }

    void apply_disconnect(DaemonIndex origin, const NameField& member, GroupOutput& out) {
        const auto local = origin == self ? by_name.find(member) : by_name.end();
        std::vector<Group*> groups = table.groups_of(member);
        for (Group* group : groups) {
            table.remove_member(*group, origin, member);
            if (local != by_name.end()) {
                group->remove_receiver(local->second);
            }
            after_removal(MemberChange::kDisconnect, *group, origin, member, out);
        }
        if (local != by_name.end()) {
            out.disconnected.push_back(local->second);
            const auto session = sessions.find(local->second);
            if (session->second.layout == protocol::MembershipLayout::kOwnSet) {
                --sessions_3x;
            }
            sessions.erase(session);
            by_name.erase(local);
        }
    }

    void after_removal(MemberChange change, Group& group, DaemonIndex origin,
                       const NameField& member, GroupOutput& out) {
        advance(group);
        if (group.daemons.empty()) {
            ended_groups.note(group.name, group.id.index);
            table.erase(group);
        } else {
            announce(change, group, origin, member, out);
        }
    }

    /// The id of the view that one member's coming or going makes. It counts on only within one
    /// configuration: under the id of an earlier one, daemons we have lost since may have counted
    /// on for a change that we shall never hear of, and an id must not name two views.
    void advance(Group& group) const {
        if (!group.id.same_membership(current_id)) {
            group.id = current_id;
        }
        ++group.id.index;
    }

    /// Tells local members of a join, leave or disconnect: the light form in a quiet group, a
    /// network view and another signal in one that a membership change has hit (group semantics
    /// 2.5).
    void announce(MemberChange change, Group& group, DaemonIndex origin, const NameField& member,
                  GroupOutput& out) {
        if (phase == GroupPhase::kExchangeTransitional) {
            group.changed = true;  // see release_held(): the next network view tells it
            return;
        }
        if (group.changed) {
            std::optional<InterimJoiner> joiner;
            if (change == MemberChange::kJoin) {
                joiner = InterimJoiner{.daemon = origin, .name = member};
            }
            if (!group.view_receivers.empty()) {
                emit_network_view(group, interim_view(group, reachable, joiner), out, member);
            }
            signal(group, out);
            return;
        }
        if (!group.view_receivers.empty()) {
            const auto runs = member_runs(group);
            const auto encode = [&](auto encoder) {
                return encoder(change, group.name, group.id, std::span<const NameRun>(runs),
                               member);
            };
            const std::size_t first = out.events.size();
            emit_views(
                group.view_receivers, [&] { return encode(protocol::encode_member_change); },
                [&] { return encode(protocol::encode_member_change_3x); }, out);
            for (std::size_t i = first; i < out.events.size(); ++i) {
                mark_notice(change, origin, member, out.events[i]);
            }
        }
    }

    void mark_notice(MemberChange change, DaemonIndex origin, const NameField& member,
                     ClientEvent& event) const {
        event.is_notice = change != MemberChange::kDisconnect;
        if (change == MemberChange::kJoin && origin == self) {
            if (const auto found = by_name.find(member); found != by_name.end()) {
                event.subject = found->second;
            }
        }
    }

    // ---- Frames to local members ----

    void emit_view(std::vector<SessionId> recipients, Message frame, GroupOutput& out) {
        ++stats.views_delivered;
        out.events.push_back(
            ClientEvent{.recipients = std::move(recipients), .frame = std::move(frame)});
    }

    /// One frame per layout that somebody here reads.
    template <typename Encode, typename Encode3x>
    void emit_views(std::vector<SessionId> recipients, Encode encode, Encode3x encode_3x,
                    GroupOutput& out) {
        if (sessions_3x > 0) {
            const auto old =
                std::stable_partition(recipients.begin(), recipients.end(), [this](SessionId id) {
                    return sessions.at(id).layout == protocol::MembershipLayout::kVsSets;
                });
            if (old != recipients.end()) {
                emit_view({old, recipients.end()}, encode_3x(), out);
                recipients.erase(old, recipients.end());
            }
        }
        if (!recipients.empty()) {
            emit_view(std::move(recipients), encode(), out);
        }
    }

    /// One frame per distinct vs-set: this daemon's clients, and a local joiner by itself.
    void emit_network_view(const Group& group, const NetworkView& view, GroupOutput& out,
                           const NameField& joiner = {}) {
        const auto emit = [&](std::vector<SessionId> recipients, std::size_t own_set) {
            emit_views(
                std::move(recipients),
                [&] {
                    return protocol::encode_network_view(group.name, group.id, view.members,
                                                         view.sets, own_set);
                },
                [&] {
                    return protocol::encode_network_view_3x(group.name, group.id, view.members,
                                                            view.sets[own_set]);
                },
                out);
        };
        std::vector<SessionId> others = group.view_receivers;
        if (view.joiner_set) {
            const auto found = by_name.find(joiner);
            if (found != by_name.end() && std::erase(others, found->second) != 0) {
                emit({found->second}, *view.joiner_set);
            }
        }
        if (!others.empty()) {
            SPREAD_ASSERT(view.own_set.has_value());
            emit(std::move(others), *view.own_set);
        }
    }

    void signal(Group& group, GroupOutput& out) {
        group.signalled = true;
        if (!group.view_receivers.empty()) {
            out.events.push_back(
                ClientEvent{.recipients = group.view_receivers,
                            .frame = protocol::encode_transitional_signal(group.name, group.id)});
        }
    }

    void bind_receiver(Group& group, const NameField& member) {
        const auto found = by_name.find(member);
        if (found == by_name.end()) {
            return;
        }
        const Session& session = sessions.at(found->second);
        if (!session.closing) {
            group.add_receiver(found->second, session.wants_membership);
        }
    }

    // ---- Configurations ----

    void on_configuration(const ConfigurationChange& change, GroupOutput& out) {
        DaemonSet members = roster.set_of(change.members);
        members.insert(self);
        if (change.kind == ConfigurationKind::kTransitional) {
            on_transitional(members, change.ring_id, out);
        } else {
            on_regular(members, change.ring_id, out);
        }
    }

    void on_transitional(const DaemonSet& members, const protocol::RingId& next, GroupOutput& out) {
        if (!exchange) {
            split(members, next, out);
            return;
        }
        if (phase == GroupPhase::kExchangeTransitional) {
            remembered &= members;
        } else {
            remembered = members;
        }
        remembered_next = next;
        phase = GroupPhase::kExchangeTransitional;
    }

    /// The old configuration shrinks to `members`; the ring `next` will follow. Groups that lose a
    /// daemon are told that their view ends, unless they know already.
    void split(const DaemonSet& members, const protocol::RingId& next, GroupOutput& out) {
        reachable = members;
        synced &= members;
        synced.insert(self);
        // The first daemon of the synced set makes the id unique among all sets that go through
        // this change, also when several of them share one transitional configuration.
        current_id = GroupId{.proc_id = group_proc_id(roster.id(synced.front())),
                             .time = group_time(next.counter - 1),
                             .index = 0};
        ended_groups.clear();
        phase = GroupPhase::kTransitional;
        for (auto& [name, group] : table.groups()) {
            const bool lost = std::any_of(
                group.daemons.begin(), group.daemons.end(),
                [&](const DaemonMembers& entry) { return !reachable.contains(entry.daemon); });
            if (!lost) {
                continue;
            }
            if (!group.signalled) {
                signal(group, out);
            }
            hit(group);
        }
    }

    /// The group has lost members, or will: the transitional id takes the place of its own.
    void hit(Group& group) const {
        group.changed = true;
        if (!group.id.same_membership(current_id)) {  // else it has changed quietly since
            group.id = current_id;
            group.id.index = 1;
        }
    }

    void on_regular(const DaemonSet& members, const protocol::RingId& next, GroupOutput& out) {
        if (phase == GroupPhase::kStable || phase == GroupPhase::kExchange) {
            // Engines in order always say who comes along first; without it, nobody does.
            on_transitional(DaemonSet{self}, next, out);
        }
        if (exchange) {
            // It did not end in its own configuration and never will: it is done again in the new
            // one, by those who are still known to share their state. All who come along with us
            // are in the same position, since they have delivered the same messages.
            release_held(out);
            exchange.reset();
            split(remembered, next, out);
        }
        drop_unreachable();
        ring = next;
        ring_members = members;
        current_id = GroupId{.proc_id = group_proc_id(ring.representative),
                             .time = group_time(ring.counter),
                             .index = 0};
        ended_groups.clear();
        if (synced == ring_members) {
            finish_changed_groups(out);
            phase = GroupPhase::kStable;
            out.resume = ring;
            return;
        }
        phase = GroupPhase::kExchange;
        exchange.emplace(roster, ring, ring_members);
        if (synced.front() == self) {
            submit_state(out);
        }
    }

    void drop_unreachable() {
        for (auto at = table.groups().begin(); at != table.groups().end();) {
            Group& group = at->second;
            ++at;  // the group may go
            table.keep_daemons(group, reachable);
            if (group.daemons.empty()) {
                table.erase(group);
            }
        }
    }

    /// Nobody joined us: what is left of each changed group came along together.
    void finish_changed_groups(GroupOutput& out) {
        for (auto& [name, group] : table.groups()) {
            if (group.changed) {
                finish_group(group, out, united_view);
            }
        }
    }

    template <typename View>
    void finish_group(Group& group, GroupOutput& out, View view) {
        group.changed = false;
        group.signalled = false;
        group.id = current_id;
        group.id.index = 1;
        if (!group.view_receivers.empty()) {
            emit_network_view(group, view(group), out);
        }
    }

    // ---- State exchange ----

    void submit_state(GroupOutput& out) {
        GroupStatePart first;
        first.ring = ring;
        first.sender = roster.id(self);
        first.synced = roster.ids_of(synced);
        GroupStateWriter writer(std::move(first), state_message_bytes_max);
        for (const auto& [name, group] : table.groups()) {
            writer.group(group.name, group.id, group.changed);
            for (const DaemonMembers& entry : group.daemons) {
                writer.daemon(roster.id(entry.daemon));
                for (const NameField& member : entry.names) {
                    // "#user#daemon" without its ends.
                    const std::size_t around = roster.name(entry.daemon).size() + 2;
                    const std::string_view text = member.view();
                    writer.member(text.substr(1, text.size() - around));
                }
            }
        }
        for (Message& body : writer.finish()) {
            out.submissions.push_back(Submission{.service = Service::kAgreed,
                                                 .kind = MessageKind::kGroupState,
                                                 .control = true,
                                                 .body = std::move(body)});
        }
    }

    void on_state(const Delivery& delivery, DaemonIndex origin, GroupOutput& out) {
        std::vector<std::byte> scratch;
        auto part = decode_group_state(delivery.body.contiguous(scratch));
        if (!part) {
            ++stats.malformed_messages;
            return;
        }
        if (!exchange) {
            return;  // a leftover of an earlier ring
        }
        if (exchange->on_part(std::move(*part), origin) == GroupExchange::Verdict::kMalformed) {
            ++stats.malformed_messages;
        }
        if (exchange->is_complete()) {
            finish_exchange(out);
        }
    }

    void finish_exchange(GroupOutput& out) {
        GroupExchange::Merged merged = exchange->merge();
        exchange.reset();
        table = std::move(merged.table);
        synced = ring_members;
        for (auto& [name, group] : table.groups()) {
            for (const DaemonMembers& entry : group.daemons) {
                if (entry.daemon == self) {
                    for (const NameField& member : entry.names) {
                        bind_receiver(group, member);
                    }
                }
            }
        }
        for (GroupExchange::ChangedGroup& changed : merged.changed) {
            finish_group(*changed.group, out, [&](const Group& group) {
                return merged_view(group, std::move(changed.sides), self);
            });
        }
        const bool ended = phase == GroupPhase::kExchangeTransitional;
        phase = GroupPhase::kStable;
        if (ended) {
            // Of the ring that ended meanwhile; nothing can be sent on it any more.
            split(remembered, remembered_next, out);
        } else {
            out.resume = ring;
        }
        release_held(out);
    }

    /// Messages that came before the end of the exchange. No daemon in order sends any. After the
    /// end they are applied as if they had come then. When the exchange was interrupted, only what
    /// comes from our synced set can be understood; it changes the table without a word, and the
    /// next network view tells of it.
    void release_held(GroupOutput& out) {
        std::vector<Delivery> messages = std::move(held);
        held.clear();
        held_frames = 0;
        for (Delivery& delivery : messages) {
            const auto origin = roster.find(delivery.origin);
            if (!exchange || synced.contains(*origin)) {
                apply(std::move(delivery), *origin, out);
            }
        }
    }

    // ---- State ----

    protocol::Roster roster;
    DaemonIndex self;
    std::size_t state_message_bytes_max;

    std::unordered_map<SessionId, Session> sessions;
    std::unordered_map<NameField, SessionId> by_name;
    std::size_t sessions_3x = 0;  ///< those that read the 3.x layout

    GroupPhase phase = GroupPhase::kStable;
    protocol::RingId ring;   ///< last regular configuration
    DaemonSet ring_members;  ///< its members
    GroupTable table;
    DaemonSet synced;     ///< whose group state is known to equal ours; we are in it
    DaemonSet reachable;  ///< members of the last transitional configuration that was acted upon
    GroupId current_id;   ///< of the current configuration, index 0: ids of new groups start here
    EndedGroups
        ended_groups;  ///< of the current configuration: new groups of their names start there

    std::optional<GroupExchange> exchange;  ///< in the two exchange phases
    DaemonSet remembered;                   ///< transitional configuration that came meanwhile
    protocol::RingId remembered_next;
    std::vector<Delivery> held;
    std::size_t held_frames = 0;

    GroupStats stats;
};

GroupEngine::GroupEngine(GroupConfig config) : impl_(std::make_unique<Impl>(std::move(config))) {}
GroupEngine::~GroupEngine() = default;

void GroupEngine::on_session_open(SessionId session, std::string_view private_name,
                                  bool wants_membership, protocol::MembershipLayout layout) {
    const NameField name(private_name);
    SPREAD_ASSERT(impl_->is_client_of(name, impl_->self));
    const bool is_new = impl_->by_name.emplace(name, session).second;
    SPREAD_ASSERT(is_new);  // a name is free only after its disconnect was delivered
    Impl::Session opened;
    opened.name = name;
    opened.wants_membership = wants_membership;
    opened.layout = layout;
    impl_->sessions.emplace(session, std::move(opened));
    if (layout == protocol::MembershipLayout::kOwnSet) {
        ++impl_->sessions_3x;
    }
}

void GroupEngine::request_join(SessionId session, std::string_view group, GroupOutput& out) {
    const auto found = impl_->sessions.find(session);
    if (found != impl_->sessions.end() && !found->second.closing && fits_name_field(group)) {
        const GroupRequest request{.group = NameField(group), .member = found->second.name};
        ++found->second.joins_under_way;
        submit(out, MessageKind::kGroupJoin, Service::kAgreed, encode_group_request(request));
    }
}

std::size_t GroupEngine::groups_of(SessionId session) const {
    const auto found = impl_->sessions.find(session);
    if (found == impl_->sessions.end()) {
        return 0;
    }
    return impl_->table.group_count(found->second.name) + found->second.joins_under_way;
}

void GroupEngine::request_leave(SessionId session, std::string_view group, GroupOutput& out) {
    const auto found = impl_->sessions.find(session);
    if (found != impl_->sessions.end() && !found->second.closing && fits_name_field(group)) {
        submit(out, MessageKind::kGroupLeave, Service::kAgreed,
               encode_group_request({.group = NameField(group), .member = found->second.name}));
    }
}

void GroupEngine::request_disconnect(SessionId session, bool orderly, GroupOutput& out) {
    const auto found = impl_->sessions.find(session);
    if (found == impl_->sessions.end() || found->second.closing) {
        return;
    }
    found->second.closing = true;
    for (Group* group : impl_->table.groups_of(found->second.name)) {
        group->remove_receiver(session);
    }
    // An abrupt end waits for stability and holds back what is behind it (group semantics 2.2).
    submit(out, MessageKind::kDisconnect, orderly ? Service::kAgreed : Service::kSafe,
           encode_disconnect(found->second.name));
}

void GroupEngine::on_event(DeliveryEvent event, GroupOutput& out) {
    if (auto* delivery = std::get_if<Delivery>(&event)) {
        impl_->on_delivery(std::move(*delivery), out);
    } else {
        impl_->on_configuration(std::get<ConfigurationChange>(event), out);
    }
}

GroupPhase GroupEngine::phase() const {
    return impl_->phase;
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
        for (const DaemonMembers& entry : found->daemons) {
            for (const NameField& member : entry.names) {
                names.push_back(member.string());
            }
        }
    }
    return names;
}

std::vector<std::string> GroupEngine::group_names() const {
    std::vector<std::string> names;
    for (const auto& [name, group] : impl_->table.groups()) {
        names.push_back(name.string());
    }
    return names;
}

}  // namespace spread::membership
