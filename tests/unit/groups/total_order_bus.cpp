#include "total_order_bus.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <gtest/gtest.h>

#include "protocol/names.hpp"
#include "protocol/session_wire.hpp"

namespace spread::membership::testing {

using protocol::DaemonId;
using protocol::Message;
using protocol::NameField;
using protocol::SessionId;

namespace {

std::string id_text(const protocol::GroupId& id) {
    return "(" + std::to_string(id.proc_id) + "," + std::to_string(id.time) + "," +
           std::to_string(id.index) + ")";
}

std::string list_text(const std::vector<std::string>& names) {
    std::string text;
    for (const auto& name : names) {
        text += (text.empty() ? "" : " ") + user_of(name);
    }
    return text;
}

/// Decodes what a client gets, as strictly as a client might.
Seen decode(const Message& frame) {
    Seen seen;
    seen.frame.resize(frame.size());
    frame.copy_to(seen.frame);
    const std::span<const std::byte> bytes(seen.frame);
    if (bytes.size() < protocol::kSessionHeaderBytes) {
        ADD_FAILURE() << "frame of " << bytes.size() << " bytes";
        return seen;
    }
    const auto header =
        protocol::decode_session_header(bytes.first<protocol::kSessionHeaderBytes>());
    EXPECT_EQ(header.order, protocol::ByteOrder::kLittle);
    EXPECT_EQ(protocol::frame_bytes(header), bytes.size());
    const auto groups = static_cast<std::size_t>(header.num_groups);
    const auto body = bytes.last(static_cast<std::size_t>(header.data_len));
    seen.group = header.private_group_name.string();
    if ((header.type & protocol::kRegMembMess) != 0) {
        switch (header.type & ~protocol::kRegMembMess) {
            case protocol::kCausedByJoin: seen.kind = Seen::Kind::kJoin; break;
            case protocol::kCausedByLeave: seen.kind = Seen::Kind::kLeave; break;
            case protocol::kCausedByDisconnect: seen.kind = Seen::Kind::kDisconnect; break;
            case protocol::kCausedByNetwork: seen.kind = Seen::Kind::kNetwork; break;
            default: ADD_FAILURE() << "membership type " << std::hex << header.type;
        }
        for (std::size_t i = 0; i < groups; ++i) {
            seen.members.push_back(NameField(protocol::group_field(bytes, i)).string());
        }
        const auto decoded = protocol::decode_membership_body(body);
        if (!decoded) {
            ADD_FAILURE() << "membership body: " << to_string(decoded.error());
            return seen;
        }
        seen.id = decoded->id;
        seen.own_set = decoded->own_set();
        for (const auto& set : decoded->sets) {
            auto& names = seen.sets.emplace_back();
            for (const auto& name : set) {
                names.push_back(name.string());
            }
        }
    } else if ((header.type & protocol::kTransitionMess) != 0) {
        seen.kind = Seen::Kind::kTransitional;
        const auto id = protocol::decode_transitional_body(body);
        EXPECT_TRUE(id.has_value());
        seen.id = id.value_or(protocol::GroupId{});
    } else if (header.type == protocol::kCausedByLeave) {
        seen.kind = Seen::Kind::kSelfLeave;
    } else {
        seen.kind = Seen::Kind::kData;
        seen.group = groups == 0 ? "" : NameField(protocol::group_field(bytes, 0)).string();
        for (const std::byte b : body) {
            seen.body.push_back(static_cast<char>(b));
        }
    }
    return seen;
}

}  // namespace

std::string user_of(const std::string& private_name) {
    const auto parts = protocol::parse_private_group(private_name);
    return parts ? std::string(parts->user) : private_name;
}

std::string Seen::text() const {
    const std::string list = " [" + list_text(members) + "]";
    const auto changed = [&] {
        return sets.size() == 1 && sets.front().size() == 1 ? " " + user_of(sets.front().front())
                                                            : std::string(" ?");
    };
    switch (kind) {
        case Kind::kJoin: return "JOIN " + group + " " + id_text(id) + list + changed();
        case Kind::kLeave: return "LEAVE " + group + " " + id_text(id) + list + changed();
        case Kind::kDisconnect: return "DISC " + group + " " + id_text(id) + list + changed();
        case Kind::kNetwork: {
            std::string text = "NET " + group + " " + id_text(id) + list;
            for (const auto& set : sets) {
                text += " {" + list_text(set) + "}";
            }
            return text + " @" + std::to_string(own_set);
        }
        case Kind::kTransitional: return "TRANS " + group + " " + id_text(id);
        case Kind::kSelfLeave: return "SELF-LEAVE " + group;
        case Kind::kData: return "DATA " + group + " " + body;
    }
    return "?";
}

TotalOrderBus::TotalOrderBus(const std::vector<std::string>& daemon_names,
                             const std::vector<std::uint32_t>& ids,
                             std::size_t state_message_bytes_max)
    : names_(daemon_names) {
    for (std::size_t i = 0; i < names_.size(); ++i) {
        const auto id = ids.empty() ? static_cast<std::uint32_t>(i + 1) : ids[i];
        config_.daemons.push_back({.id = DaemonId{id}, .name = names_[i]});
    }
    config_.state_message_bytes_max = state_message_bytes_max;
    daemons_.resize(names_.size());
    for (std::size_t i = 0; i < names_.size(); ++i) {
        restart(i);
    }
}

TotalOrderBus::Client& TotalOrderBus::connect(std::size_t daemon, const std::string& user,
                                              bool wants_membership) {
    Client& client = clients_.emplace_back();
    client.user = user;
    client.daemon = daemon;
    client.private_name = protocol::make_private_group(user, names_[daemon]);
    client.session = SessionId{next_session_++};
    client.wants_membership = wants_membership;
    by_session_[client.session] = &client;
    engine(daemon).on_session_open(client.session, client.private_name, wants_membership);
    return client;
}

void TotalOrderBus::join(Client& client, std::string_view group) {
    GroupOutput out;
    engine(client.daemon).request_join(client.session, group, out);
    take(client.daemon, out, "");
}

void TotalOrderBus::leave(Client& client, std::string_view group) {
    GroupOutput out;
    engine(client.daemon).request_leave(client.session, group, out);
    take(client.daemon, out, "");
}

void TotalOrderBus::disconnect(Client& client, bool orderly) {
    GroupOutput out;
    client.alive = false;
    engine(client.daemon).request_disconnect(client.session, orderly, out);
    take(client.daemon, out, "");
}

void TotalOrderBus::send(Client& client, const std::vector<std::string>& groups,
                         const std::string& body, std::uint32_t type, std::int16_t mess_type) {
    protocol::SessionHeader header;
    header.type = type;
    header.private_group_name = NameField(client.private_name);
    header.num_groups = static_cast<std::int32_t>(groups.size());
    header.hint = protocol::make_hint(mess_type);
    header.data_len = static_cast<std::int32_t>(body.size());
    std::vector<std::byte> frame(protocol::frame_bytes(header));
    const std::span<std::byte> bytes(frame);
    protocol::encode_session_header(header, bytes.first<protocol::kSessionHeaderBytes>());
    std::size_t at = protocol::kSessionHeaderBytes;
    for (const auto& group : groups) {
        const NameField name(group);
        std::copy(name.bytes().begin(), name.bytes().end(),
                  frame.begin() + static_cast<std::ptrdiff_t>(at));
        at += protocol::kNameFieldBytes;
    }
    std::transform(body.begin(), body.end(), frame.begin() + static_cast<std::ptrdiff_t>(at),
                   [](char c) { return static_cast<std::byte>(c); });
    inject(client.daemon, protocol::MessageKind::kClientFrame, protocol::make_message(frame));
}

void TotalOrderBus::inject(std::size_t daemon, protocol::MessageKind kind, Message body) {
    daemons_[daemon].ordinary.push_back(Submission{.service = protocol::Service::kAgreed,
                                                   .kind = kind,
                                                   .control = false,
                                                   .body = std::move(body)});
}

void TotalOrderBus::stamp_one(std::size_t daemon) {
    Daemon& self = daemons_[daemon];
    if (self.engine == nullptr || self.ring == nullptr) {
        return;
    }
    auto& queue = self.control.empty() ? self.ordinary : self.control;
    if (queue.empty() || (&queue == &self.ordinary && !self.resumed)) {
        return;
    }
    self.ring->log.push_back(
        Entry{.origin = daemon, .submission = std::move(queue.front()), .missing = {}});
    queue.pop_front();
}

void TotalOrderBus::stamp(std::size_t daemon) {
    Daemon& self = daemons_[daemon];
    while (self.engine != nullptr && self.ring != nullptr &&
           (!self.control.empty() || (self.resumed && !self.ordinary.empty()))) {
        stamp_one(daemon);
    }
}

void TotalOrderBus::stamp_all() {
    for (std::size_t i = 0; i < daemons_.size(); ++i) {
        stamp(i);
    }
}

bool TotalOrderBus::deliver_one(std::size_t daemon) {
    Daemon& self = daemons_[daemon];
    if (self.engine == nullptr || self.ring == nullptr || self.position >= self.ring->log.size() ||
        self.ring->log[self.position].missing.contains(daemon)) {
        return false;
    }
    deliver_entry(daemon, self.position++);
    return true;
}

void TotalOrderBus::deliver(std::size_t daemon) {
    while (deliver_one(daemon)) {
    }
}

void TotalOrderBus::settle() {
    bool moved = true;
    while (moved) {
        moved = false;
        stamp_all();
        for (std::size_t i = 0; i < daemons_.size(); ++i) {
            while (deliver_one(i)) {
                moved = true;
            }
        }
    }
}

void TotalOrderBus::lose_newest(std::size_t daemon, const std::vector<std::size_t>& who) {
    const auto& ring = daemons_[daemon].ring;
    if (ring == nullptr || ring->log.empty()) {
        return;
    }
    Entry& newest = ring->log.back();
    for (const std::size_t other : who) {
        const bool delivered =
            daemons_[other].ring == ring && daemons_[other].position == ring->log.size();
        if (other != newest.origin && !delivered) {
            newest.missing.insert(other);
        }
    }
}

std::size_t TotalOrderBus::log_size(std::size_t daemon) const {
    return daemons_[daemon].ring->log.size();
}

void TotalOrderBus::reform(const std::vector<std::vector<std::size_t>>& components,
                           std::size_t keep_regular) {
    for (const auto& component : components) {
        auto ring = std::make_shared<Ring>();
        ring->members = component;
        std::sort(ring->members.begin(), ring->members.end());
        std::uint64_t counter = next_counter_;
        for (const std::size_t member : ring->members) {
            counter = std::max(counter, daemons_[member].counter + 2);
        }
        ring->id = protocol::RingId{.representative = config_.daemons[ring->members.front()].id,
                                    .nonce = next_nonce_++,
                                    .counter = counter};
        protocol::MemberList ids;
        for (const std::size_t member : ring->members) {
            ids.push_back(config_.daemons[member].id);
        }
        const std::string name = std::to_string(ring->members.front()) + "/" +
                                 std::to_string(counter) + "/" + std::to_string(ring->id.nonce);

        // Who comes along together, by old ring; daemons without one come alone.
        std::vector<std::vector<std::size_t>> sides;
        for (const std::size_t member : ring->members) {
            const auto same = std::find_if(sides.begin(), sides.end(), [&](const auto& side) {
                return daemons_[member].ring != nullptr &&
                       daemons_[side.front()].ring == daemons_[member].ring;
            });
            if (same == sides.end()) {
                sides.push_back({member});
            } else {
                same->push_back(member);
            }
        }
        for (const auto& side : sides) {
            const std::shared_ptr<Ring> old = daemons_[side.front()].ring;
            const std::size_t size = old == nullptr ? 0 : old->log.size();
            const auto have = [&](std::size_t index) {
                return std::any_of(side.begin(), side.end(), [&](std::size_t member) {
                    return !old->log[index].missing.contains(member);
                });
            };
            std::size_t regular_end = 0;  // all deliver up to here before the transitional one
            for (const std::size_t member : side) {
                regular_end = std::max(regular_end, daemons_[member].position);
            }
            for (std::size_t more = 0; more < keep_regular && regular_end < size; ++more) {
                if (!have(regular_end)) {
                    break;
                }
                ++regular_end;
            }
            protocol::MemberList side_ids;
            for (const std::size_t member : side) {
                side_ids.push_back(config_.daemons[member].id);
            }
            for (const std::size_t member : side) {
                Daemon& self = daemons_[member];
                while (self.position < regular_end) {
                    deliver_entry(member, self.position++);
                }
                self.transitional = side;
                feed(member,
                     ConfigurationChange{.kind = ConfigurationKind::kTransitional,
                                         .ring_id = ring->id,
                                         .members = side_ids},
                     "T " + name);
                bool hole = false;
                for (std::size_t i = self.position; i < size; ++i) {
                    hole = hole || !have(i);
                    const bool comes_along =
                        std::find(side.begin(), side.end(), old->log[i].origin) != side.end();
                    if (have(i) && (!hole || comes_along)) {
                        deliver_entry(member, i);
                    }
                }
            }
        }
        for (const std::size_t member : ring->members) {
            Daemon& self = daemons_[member];
            self.ring = ring;
            self.position = 0;
            self.resumed = false;
            self.counter = counter;
            feed(member,
                 ConfigurationChange{
                     .kind = ConfigurationKind::kRegular, .ring_id = ring->id, .members = ids},
                 "R " + name);
        }
    }
}

void TotalOrderBus::crash(std::size_t daemon) {
    Daemon& self = daemons_[daemon];
    self.engine.reset();
    self.ring.reset();
    self.control.clear();
    self.ordinary.clear();
    for (Client& client : clients_) {
        if (client.daemon == daemon) {
            client.alive = false;
        }
    }
}

void TotalOrderBus::restart(std::size_t daemon) {
    GroupConfig config = config_;
    config.self = config.daemons[daemon].id;
    Daemon& self = daemons_[daemon];
    self.engine = std::make_unique<GroupEngine>(std::move(config));
    self.ring.reset();
    self.position = 0;
    self.resumed = false;
    self.transitional = {daemon};
}

std::size_t TotalOrderBus::index_of_daemon(std::string_view name) const {
    return static_cast<std::size_t>(std::find(names_.begin(), names_.end(), name) - names_.begin());
}

std::vector<std::string> TotalOrderBus::news(Client& client) {
    std::vector<std::string> texts;
    for (std::size_t& at = read_[&client]; at < client.seen.size(); ++at) {
        texts.push_back(client.seen[at].text());
    }
    return texts;
}

void TotalOrderBus::deliver_entry(std::size_t daemon, std::size_t index) {
    const Daemon& self = daemons_[daemon];
    const Entry& entry = self.ring->log[index];
    Delivery delivery;
    delivery.ring_id = self.ring->id;
    delivery.seq = protocol::Seq{index + 1};
    delivery.origin = config_.daemons[entry.origin].id;
    delivery.service = entry.submission.service;
    delivery.kind = entry.submission.kind;
    delivery.body = entry.submission.body;
    feed(daemon, std::move(delivery),
         "M " + std::to_string(self.ring->id.nonce) + "/" + std::to_string(index));
}

void TotalOrderBus::feed(std::size_t daemon, DeliveryEvent event, const std::string& place) {
    GroupEngine& engine = *daemons_[daemon].engine;
    const auto turn = [&] { return turn_ == 0 ? WorkBudget::unlimited() : WorkBudget(turn_); };
    GroupOutput out;
    out.budget = turn();
    engine.on_event(std::move(event), out);
    take(daemon, out, place);
    while (engine.has_work()) {
        out.clear();
        out.budget = turn();
        engine.work(out);
        take(daemon, out, place);
    }
}

void TotalOrderBus::take(std::size_t daemon, GroupOutput& out, const std::string& place) {
    Daemon& self = daemons_[daemon];
    for (ClientEvent& event : out.events) {
        EXPECT_FALSE(event.recipients.empty());
        ++self.frames;
        Seen seen = decode(event.frame);
        seen.place = place;
        seen.transitional = self.transitional;
        std::set<SessionId> once;
        for (const SessionId session : event.recipients) {
            Client* client = find_client(session);
            if (client == nullptr || client->daemon != daemon || !once.insert(session).second) {
                ADD_FAILURE() << "bad recipient of " << seen.text();
                continue;
            }
            EXPECT_TRUE(client->alive) << client->user << " is gone, yet gets " << seen.text();
            EXPECT_TRUE(client->wants_membership || seen.kind == Seen::Kind::kData)
                << client->user << " wants no memberships, yet gets " << seen.text();
            seen.may_wait = event.is_notice && event.subject != session;
            client->seen.push_back(seen);
        }
    }
    for (Submission& submission : out.submissions) {
        auto& queue = submission.control ? self.control : self.ordinary;
        queue.push_back(std::move(submission));
    }
    for (const SessionId session : out.disconnected) {
        Client* client = find_client(session);
        ASSERT_NE(client, nullptr);
        EXPECT_FALSE(client->alive);
        EXPECT_FALSE(client->disconnected);
        client->disconnected = true;
    }
    if (out.resume && self.ring != nullptr && *out.resume == self.ring->id) {
        self.resumed = true;
    }
}

TotalOrderBus::Client* TotalOrderBus::find_client(SessionId session) {
    const auto found = by_session_.find(session);
    return found == by_session_.end() ? nullptr : found->second;
}

}  // namespace spread::membership::testing
