#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "membership/groups/group_engine.hpp"
#include "membership/groups/group_wire.hpp"
#include "protocol/membership_frames.hpp"
#include "protocol/session_wire.hpp"
#include "tests/fuzz/require.hpp"

// The input drives one engine of three daemons: sessions, requests, configurations in any order,
// and deliveries whose bodies are either well-formed or taken from the input. Nothing may crash,
// every event must have receivers that are connected, and every frame must decode.

namespace {

using namespace spread;
using membership::GroupStatePart;
using protocol::DaemonId;
using protocol::MessageKind;
using protocol::NameField;
using protocol::SessionId;
using spread::fuzz::require;

constexpr std::array<const char*, 3> kDaemons = {"d1", "d2", "d3"};
constexpr std::array<const char*, 4> kUsers = {"a", "b", "c", "d"};
constexpr std::array<const char*, 4> kGroups = {"g", "h", "", "#a#d1"};

class Input {
  public:
    explicit Input(std::span<const std::byte> bytes) : bytes_(bytes) {}

    [[nodiscard]] bool empty() const { return bytes_.empty(); }
    std::uint8_t next() {
        if (bytes_.empty()) {
            return 0;
        }
        const auto value = std::to_integer<std::uint8_t>(bytes_.front());
        bytes_ = bytes_.subspan(1);
        return value;
    }
    std::span<const std::byte> take(std::size_t count) {
        const auto taken = bytes_.first(std::min(count, bytes_.size()));
        bytes_ = bytes_.subspan(taken.size());
        return taken;
    }

  private:
    std::span<const std::byte> bytes_;
};

class Driver {
  public:
    Driver() : engine_(config()) {}

    void run(Input input) {
        while (!input.empty()) {
            step(input);
            check();
        }
    }

  private:
    struct Session {
        SessionId id;
        std::string name;
        bool closing = false;
    };

    static membership::GroupConfig config() {
        membership::GroupConfig config;
        for (std::size_t i = 0; i < kDaemons.size(); ++i) {
            config.daemons.push_back(
                {.id = DaemonId{static_cast<std::uint32_t>(i + 1)}, .name = kDaemons[i]});
        }
        config.self = DaemonId{1};
        config.state_message_bytes_max = 0;
        return config;
    }

    void step(Input& input) {
        const std::uint8_t what = input.next();
        switch (what % 10) {
            case 0: open(input); return;
            case 1: request(input); return;
            case 2: configure(input, membership::ConfigurationKind::kTransitional); return;
            case 3: configure(input, membership::ConfigurationKind::kRegular); return;
            case 4: deliver_own(); return;
            case 5: deliver_request(input); return;
            case 6: deliver_frame(input); return;
            case 7: deliver_state(input); return;
            default: deliver_bytes(input); return;
        }
    }

    void open(Input& input) {
        const std::uint8_t choice = input.next();
        const std::string name = "#" + std::string(kUsers[choice % kUsers.size()]) + "#d1";
        for (const Session& session : sessions_) {
            if (session.name == name) {
                return;
            }
        }
        sessions_.push_back({.id = SessionId{++last_session_}, .name = name});
        engine_.on_session_open(sessions_.back().id, name, (choice & 0x80U) != 0);
    }

    void request(Input& input) {
        const std::uint8_t choice = input.next();
        if (sessions_.empty()) {
            return;
        }
        Session& session = sessions_[choice % sessions_.size()];
        const char* group = kGroups[input.next() % kGroups.size()];
        switch (choice >> 6U) {
            case 0:
            case 1: engine_.request_join(session.id, group, out_); break;
            case 2: engine_.request_leave(session.id, group, out_); break;
            default:
                session.closing = true;
                engine_.request_disconnect(session.id, (choice & 0x20U) != 0, out_);
        }
        for (auto& submission : out_.submissions) {
            own_.push_back(submission);
        }
        out_.submissions.clear();
    }

    void configure(Input& input, membership::ConfigurationKind kind) {
        const std::uint8_t choice = input.next();
        membership::ConfigurationChange change;
        change.kind = kind;
        if (kind == membership::ConfigurationKind::kTransitional) {
            ring_.counter += 2;
        }
        for (std::uint32_t id = 1; id <= 4; ++id) {  // 4 is not configured
            if (id == 1 || (choice >> id & 1U) != 0) {
                change.members.push_back(DaemonId{id});
            }
        }
        ring_.representative = change.members.front();
        change.ring_id = ring_;
        engine_.on_event(change, out_);
    }

    void deliver(std::uint32_t origin, MessageKind kind, protocol::Message body) {
        membership::Delivery delivery;
        delivery.ring_id = ring_;
        delivery.origin = DaemonId{origin};
        delivery.kind = kind;
        delivery.body = std::move(body);
        engine_.on_event(std::move(delivery), out_);
    }

    void deliver_own() {
        if (own_.empty()) {
            return;
        }
        membership::Submission submission = std::move(own_.front());
        own_.erase(own_.begin());
        deliver(1, submission.kind, std::move(submission.body));
    }

    void deliver_request(Input& input) {
        const std::uint8_t choice = input.next();
        const std::uint32_t origin = 2 + choice % 2;
        const NameField member("#" + std::string(kUsers[choice >> 1U & 3U]) + "#" +
                               kDaemons[origin - 1]);
        const NameField group{std::string_view{kGroups[choice >> 3U & 3U]}};
        switch (choice >> 6U) {
            case 0:
            case 1:
                deliver(origin, MessageKind::kGroupJoin,
                        membership::encode_group_request({.group = group, .member = member}));
                return;
            case 2:
                deliver(origin, MessageKind::kGroupLeave,
                        membership::encode_group_request({.group = group, .member = member}));
                return;
            default:
                deliver(origin, MessageKind::kDisconnect, membership::encode_disconnect(member));
        }
    }

    void deliver_frame(Input& input) {
        const std::uint8_t choice = input.next();
        const std::uint32_t origin = 1 + choice % 3;
        const std::size_t groups = choice >> 4U & 3U;
        protocol::SessionHeader header;
        header.type = protocol::kAgreedMess | ((choice & 8U) != 0 ? protocol::kSelfDiscard : 0U);
        header.private_group_name = NameField("#a#" + std::string(kDaemons[origin - 1]));
        header.num_groups = static_cast<std::int32_t>(groups);
        header.hint = protocol::make_hint(1);
        std::vector<std::byte> frame(protocol::frame_bytes(header));
        protocol::encode_session_header(header,
                                        std::span(frame).first<protocol::kSessionHeaderBytes>());
        for (std::size_t i = 0; i < groups; ++i) {
            const NameField name{std::string_view{kGroups[input.next() % kGroups.size()]}};
            std::copy(name.bytes().begin(), name.bytes().end(),
                      frame.begin() + static_cast<std::ptrdiff_t>(protocol::kSessionHeaderBytes +
                                                                  i * protocol::kNameFieldBytes));
        }
        deliver(origin, MessageKind::kClientFrame, protocol::make_message(frame));
    }

    void deliver_state(Input& input) {
        const std::uint8_t choice = input.next();
        GroupStatePart part;
        part.ring = ring_;
        part.sender = DaemonId{1U + choice % 3U};
        part.last = (choice & 4U) == 0;
        part.part = choice >> 3U & 1U;
        for (std::uint32_t id = part.sender.value; id <= 3; ++id) {
            if (id == part.sender.value || (choice & 16U) != 0) {
                part.synced.push_back(DaemonId{id});
            }
        }
        for (const char* name : {"g", "h"}) {
            const std::uint8_t members = input.next();
            if ((members & 0x0fU) == 0) {
                continue;
            }
            GroupStatePart::Daemon daemon{.id = part.synced[members % part.synced.size()],
                                          .users = {}};
            for (std::size_t i = 0; i < kUsers.size(); ++i) {
                if ((members >> i & 1U) != 0) {
                    daemon.users.emplace_back(kUsers[i]);
                }
            }
            part.groups.push_back({.name = NameField(std::string_view(name)),
                                   .id = {.proc_id = 1, .time = members >> 5U, .index = 1},
                                   .changed = (members & 16U) != 0,
                                   .daemons = {daemon}});
        }
        deliver(part.sender.value, MessageKind::kGroupState, membership::encode_group_state(part));
    }

    void deliver_bytes(Input& input) {
        const std::uint8_t choice = input.next();
        constexpr std::array kKinds = {MessageKind::kClientFrame, MessageKind::kGroupJoin,
                                       MessageKind::kGroupLeave,  MessageKind::kDisconnect,
                                       MessageKind::kGroupState,  MessageKind::kRecoveryPacket};
        protocol::Message body;
        const auto bytes = input.take(input.next());
        const std::size_t cut = bytes.size() / (1U + (choice >> 6U));
        body.append(protocol::make_message(bytes.first(cut)).slice(0));
        if (cut < bytes.size()) {
            body.append(protocol::make_message(bytes.subspan(cut)).slice(0));
        }
        deliver(1U + (choice >> 4U & 3U), kKinds[choice % kKinds.size()], std::move(body));
    }

    void check() {
        for (const auto& event : out_.events) {
            require(!event.recipients.empty());
            for (const SessionId id : event.recipients) {
                const auto session = std::find_if(sessions_.begin(), sessions_.end(),
                                                  [&](const Session& s) { return s.id == id; });
                require(session != sessions_.end() && !session->closing);
            }
            check_frame(event.frame);
        }
        for (const SessionId id : out_.disconnected) {
            require(std::erase_if(sessions_, [&](const Session& s) { return s.id == id; }) == 1);
        }
        for (auto& submission : out_.submissions) {
            require(submission.control && submission.kind == MessageKind::kGroupState);
            own_.push_back(submission);
        }
        if (out_.resume) {
            require(*out_.resume == ring_);
        }
        out_.clear();
        for (const std::string& group : engine_.group_names()) {
            require(!engine_.members(group).empty());
        }
    }

    static void check_frame(const protocol::Message& message) {
        std::vector<std::byte> frame(message.size());
        message.copy_to(frame);
        require(frame.size() >= protocol::kSessionHeaderBytes);
        const auto header = protocol::decode_session_header(
            std::span(frame).first<protocol::kSessionHeaderBytes>());
        require(header.num_groups >= 0 && header.data_len >= 0 &&
                protocol::frame_bytes(header) == frame.size());
        const auto body = std::span(frame).last(static_cast<std::size_t>(header.data_len));
        if ((header.type & protocol::kRegMembMess) != 0) {
            require(protocol::decode_membership_body(body).has_value());
        } else if ((header.type & protocol::kTransitionMess) != 0) {
            require(protocol::decode_transitional_body(body).has_value());
        }
    }

    membership::GroupEngine engine_;
    membership::GroupOutput out_;
    std::vector<Session> sessions_;
    std::vector<membership::Submission> own_;
    std::uint64_t last_session_ = 0;
    protocol::RingId ring_{.representative = DaemonId{1}, .nonce = 1, .counter = 100};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Driver driver;
    driver.run(Input(std::as_bytes(std::span(data, size))));
    return 0;
}
