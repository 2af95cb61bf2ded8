#include "tests/explorer/group_side.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "client/codec/frame_buffer.hpp"
#include "client/codec/requests.hpp"
#include "protocol/message.hpp"
#include "protocol/session_wire.hpp"

namespace spread::explorer {

using checker::ClientService;
using membership::ConfigurationChange;
using membership::ConfigurationKind;
using protocol::DaemonId;
using protocol::Service;

namespace {

constexpr protocol::SessionId kSession{1};
constexpr const char* kGroup = "g";
constexpr std::size_t kNumberBytes = sizeof(std::uint64_t);

membership::GroupConfig config_of(std::size_t daemons, std::size_t daemon) {
    membership::GroupConfig config;
    for (std::size_t i = 0; i < daemons; ++i) {
        config.daemons.push_back(
            {.id = DaemonId{static_cast<std::uint32_t>(i + 1)}, .name = name_of_daemon(i)});
    }
    config.self = config.daemons[daemon].id;
    return config;
}

checker::Cause cause_of(std::uint32_t bits) {
    switch (bits) {
        case protocol::kCausedByJoin: return checker::Cause::kJoin;
        case protocol::kCausedByLeave: return checker::Cause::kLeave;
        case protocol::kCausedByDisconnect: return checker::Cause::kDisconnect;
        default: return checker::Cause::kNetwork;
    }
}

}  // namespace

std::string name_of_daemon(std::size_t daemon) {
    return "d" + std::to_string(daemon + 1);
}

GroupSide::GroupSide(std::size_t daemons, std::size_t daemon, std::uint32_t life,
                     checker::GroupChecker& checker)
    : checker_(checker),
      engine_(config_of(daemons, daemon)),
      daemon_(name_of_daemon(daemon)),
      name_("#c" + std::to_string(life) + "#" + daemon_),
      self_(name_),
      client_(checker.on_connect(name_, true)),
      next_message_((std::uint64_t{daemon} + 1) << 48U | std::uint64_t{life} << 32U) {
    engine_.on_session_open(kSession, name_, true);
}

void GroupSide::toggle(Output& out) {
    if (wants_in_) {
        checker_.on_leave(client_, kGroup);
        engine_.request_leave(kSession, kGroup, out);
    } else {
        checker_.on_join(client_, kGroup);
        engine_.request_join(kSession, kGroup, out);
    }
    wants_in_ = !wants_in_;
}

void GroupSide::send(Service service, std::size_t bytes, Output& out) {
    const bool is_safe = service == Service::kSafe;
    const std::uint64_t number = ++next_message_;
    checker_.on_send(client_,
                     {number, is_safe ? ClientService::kSafe : ClientService::kAgreed, {kGroup}});
    std::vector<std::byte> body(std::max(bytes, kNumberBytes));
    std::memcpy(body.data(), &number, kNumberBytes);
    const std::array groups{protocol::NameField(kGroup)};
    client::Multicast multicast;
    multicast.service = is_safe ? protocol::kSafeMess : protocol::kAgreedMess;
    multicast.groups = groups;
    multicast.body = body;
    std::vector<std::byte> frame;
    static_cast<void>(client::append_multicast(frame, self_, multicast));
    out.submissions.push_back({.service = service,
                               .kind = protocol::MessageKind::kClientFrame,
                               .control = false,
                               .body = protocol::make_message(frame)});
}

void GroupSide::on_event(membership::DeliveryEvent&& event, Output& out) {
    if (const auto* change = std::get_if<ConfigurationChange>(&event)) {
        std::vector<std::string> members;
        for (const DaemonId member : change->members) {
            members.push_back(name_of_daemon(member.value - 1));
        }
        checker_.on_daemon_configuration(daemon_, change->kind == ConfigurationKind::kTransitional,
                                         members);
    }
    engine_.on_event(std::move(event), out);
    see(out);
}

void GroupSide::see(const Output& out) {
    for (const membership::ClientEvent& event : out.events) {
        if (event.recipients != std::vector{kSession}) {
            is_garbled_ = true;
            return;
        }
        std::vector<std::byte> scratch;
        client::FrameBuffer buffer(event.frame.size() + 1);
        buffer.append(event.frame.contiguous(scratch));
        const auto frame = buffer.next();
        if (!frame || !*frame || buffer.buffered() != 0) {
            is_garbled_ = true;
            return;
        }
        see(**frame);
    }
}

void GroupSide::see(const client::MessageView& frame) {
    if (frame.is_self_leave()) {
        checker_.on_self_leave(client_, frame.sender());
    } else if (frame.is_membership()) {
        see_membership(frame);
    } else if (frame.is_regular() && frame.body.size() >= kNumberBytes) {
        checker::Multicast multicast;
        std::memcpy(&multicast.message, frame.body.data(), kNumberBytes);
        multicast.service =
            (frame.type & protocol::kSafeMess) != 0 ? ClientService::kSafe : ClientService::kAgreed;
        for (std::size_t i = 0; i < frame.group_count(); ++i) {
            multicast.destinations.push_back(frame.group(i).string());
        }
        checker_.on_message(client_, frame.sender(), multicast);
    } else {
        is_garbled_ = true;
    }
}

void GroupSide::see_membership(const client::MessageView& frame) {
    auto membership = client::decode_membership(frame);
    if (!membership) {
        is_garbled_ = true;
        return;
    }
    const protocol::GroupId id{membership->id.proc_id, membership->id.time, membership->id.index};
    if (frame.is_transitional()) {
        checker_.on_transitional(client_, membership->group, id);
        return;
    }
    checker::View view;
    view.group = std::move(membership->group);
    view.id = id;
    view.cause = cause_of(membership->cause);
    view.members = std::move(membership->members);
    view.own_index =
        std::find(view.members.begin(), view.members.end(), name_) - view.members.begin();
    view.sets = std::move(membership->vs_sets);
    view.own_set = membership->own_vs_set;
    checker_.on_view(client_, view);
}

std::string GroupSide::text() const {
    std::string out = "phase " + std::to_string(static_cast<int>(engine_.phase())) + " [";
    for (const std::string& member : engine_.members(kGroup)) {
        out += " " + member;
    }
    return out + " ]";
}

}  // namespace spread::explorer
