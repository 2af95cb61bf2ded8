#include "client/events.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "client/codec/frame_buffer.hpp"
#include "client/probe.hpp"
#include "client/send_queue.hpp"
#include "protocol/names.hpp"

namespace spread {

std::string_view Message::text() const {
    // Bytes may be looked at as characters.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    return {reinterpret_cast<const char*>(body.data()), body.size()};
}

std::string Membership::changed_member() const {
    if (cause == Cause::kNetwork || vs_sets.empty() || vs_sets.front().empty()) {
        return {};
    }
    return vs_sets.front().front();
}

std::vector<std::string> Membership::came_with_us() const {
    if (cause == Cause::kNetwork) {
        return own_vs_set < vs_sets.size() ? vs_sets[own_vs_set] : std::vector<std::string>{};
    }
    auto names = members;
    if (cause == Cause::kJoin) {
        std::erase(names, changed_member());
    }
    return names;
}

bool Membership::has_member(std::string_view name) const {
    return std::ranges::find(members, name) != members.end();
}

std::vector<std::string> newcomers(const Membership& before, const Membership& now) {
    std::vector<std::string> names;
    std::ranges::copy_if(now.members, std::back_inserter(names),
                         [&](const std::string& name) { return !before.has_member(name); });
    return names;
}

std::vector<std::string> departed(const Membership& before, const Membership& now) {
    return newcomers(now, before);
}

std::string_view MessageRef::group(std::size_t index) const {
    constexpr std::size_t kBytes = protocol::kNameFieldBytes;
    const auto field = groups.subspan(index * kBytes, kBytes);
    // Bytes may be looked at as characters.
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast)
    const std::string_view text(reinterpret_cast<const char*>(field.data()), field.size());
    return text.substr(0, text.find('\0'));
}

}  // namespace spread

namespace spread::client {

namespace {

std::vector<std::string> group_names(const MessageView& view) {
    std::vector<std::string> names;
    names.reserve(view.group_count());
    for (std::size_t i = 0; i < view.group_count(); ++i) {
        names.push_back(view.group(i).string());
    }
    return names;
}

std::vector<std::byte> body_of(const MessageView& view) {
    return {view.body.begin(), view.body.end()};
}

Event make_regular(const MessageView& view) {
    const auto hint = view.hint();
    const std::uint32_t services = view.type & protocol::kRegularMess;
    Message message;
    // A foreign client may have set several; the lowest decides, as nothing else is defined.
    message.service = static_cast<Service>(services & (~services + 1U));
    message.self_discard = (view.type & protocol::kSelfDiscard) != 0;
    message.sender = view.sender();
    message.groups = group_names(view);
    message.mess_type = hint.mess_type;
    message.endian_mismatch = hint.order != protocol::ByteOrder::kLittle;
    message.body = body_of(view);
    return message;
}

Event make_rejected(const MessageView& view) {
    Rejected rejected;
    rejected.type = view.type;
    if ((view.type & protocol::kCausedByJoin) != 0) {
        rejected.request = Rejected::Request::kJoin;
    } else if ((view.type & protocol::kCausedByLeave) != 0) {
        rejected.request = Rejected::Request::kLeave;
    }
    rejected.groups = group_names(view);
    // The daemon appends the author's private group.
    if (!rejected.groups.empty()) {
        rejected.groups.pop_back();
    }
    rejected.mess_type = view.hint().mess_type;
    rejected.body = body_of(view);
    return rejected;
}

Result<Event> make_membership(const MessageView& view) {
    auto decoded = decode_membership(view);
    if (!decoded) {
        return tl::unexpected(std::move(decoded.error()));
    }
    const GroupId id{decoded->id.proc_id, decoded->id.time, decoded->id.index};
    if (!view.is_regular_membership()) {
        return Transition{std::move(decoded->group), id};
    }
    switch (decoded->cause) {
        case protocol::kCausedByJoin:
        case protocol::kCausedByLeave:
        case protocol::kCausedByDisconnect:
        case protocol::kCausedByNetwork: break;
        default:
            return fail(ErrorCode::kIllegalMessage, "membership of group \"" +
                                                        protocol::escaped(decoded->group) +
                                                        "\" without a cause");
    }
    spread::Membership membership;
    membership.group = std::move(decoded->group);
    membership.cause = static_cast<Cause>(decoded->cause);
    membership.id = id;
    membership.members = std::move(decoded->members);
    membership.vs_sets = std::move(decoded->vs_sets);
    membership.own_vs_set = decoded->own_vs_set;
    return membership;
}

}  // namespace

Result<Event> make_event(const MessageView& view) {
    if (view.is_reject()) {
        return make_rejected(view);
    }
    // Daemons set no service bit on memberships: with one it is from a client, whatever else it
    // claims to be.
    if (view.is_regular()) {
        return make_regular(view);
    }
    if (view.is_regular_membership() || view.is_transitional()) {
        return make_membership(view);
    }
    if (view.is_self_leave()) {
        return SelfLeave{std::string(view.sender())};
    }
    return fail(ErrorCode::kIllegalMessage,
                "the daemon sent a message of the unknown type " + std::to_string(view.type));
}

MessageRef make_ref(const MessageView& view) {
    MessageRef ref;
    ref.type = view.type;
    ref.sender = view.sender();
    const auto hint = view.hint();
    ref.mess_type = hint.mess_type;
    ref.endian_mismatch = hint.order != protocol::ByteOrder::kLittle;
    ref.groups = view.groups;
    ref.body = view.body;
    return ref;
}

std::vector<Unsent> multicasts_among(std::span<const std::byte> frames, std::uint64_t last) {
    std::vector<Unsent> found;
    while (!frames.empty()) {
        const auto frame = frames.first(first_frame_bytes(frames));
        frames = frames.subspan(frame.size());
        FrameBuffer one(frame.size());
        one.append(frame);
        const auto parsed = one.next();
        if (!parsed || !*parsed || !(*parsed)->is_regular() ||
            is_ping(**parsed, (*parsed)->sender())) {
            continue;
        }
        const MessageView& view = **parsed;
        Unsent unsent;
        unsent.type = view.type;
        unsent.groups = group_names(view);
        unsent.mess_type = view.hint().mess_type;
        unsent.body = body_of(view);
        found.push_back(std::move(unsent));
    }
    std::uint64_t sequence = last - found.size();
    for (Unsent& unsent : found) {
        unsent.sequence = ++sequence;
    }
    return found;
}

bool is_ping(const MessageView& view, std::string_view self) {
    return view.is_regular() && view.body.size() == Probe::kText.size() && view.sender() == self &&
           view.group_count() == 1 && view.group(0).view() == self &&
           view.hint().mess_type == Probe::kMessType &&
           std::ranges::equal(view.body, std::as_bytes(std::span(Probe::kText)));
}

}  // namespace spread::client
