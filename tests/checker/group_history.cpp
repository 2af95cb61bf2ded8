#include "tests/checker/group_history.hpp"

#include <algorithm>

namespace spread::checker {

namespace {

std::size_t mixed(std::uint64_t key) {
    key ^= key >> 31;
    key *= 0x9e3779b97f4a7c15U;
    return static_cast<std::size_t>(key ^ (key >> 29));
}

}  // namespace

bool ViewRecord::has(NameId name) const {
    return std::find(members.begin(), members.end(), name) != members.end();
}

History::History() : slots_(1024, kNone) {}

bool History::stayed_together(NameId one, NameId other, Tick from, Tick to) const {
    if (one == other) {
        return true;
    }
    if (daemons.empty()) {
        return !has_network_sign;  // told of none, and nothing hints at one
    }
    const auto has_kept = [&](NameId daemon, NameId companion) {
        const auto known = daemons.find(daemon);
        bool is_known = false;
        if (known != daemons.end()) {
            for (const auto& told : known->second.history) {
                if (told.at > to) {
                    break;
                }
                const bool has = std::find(told.members.begin(), told.members.end(), companion) !=
                                 told.members.end();
                if (told.at > from && !has) {
                    return false;
                }
                is_known = has;
            }
        }
        return is_known;
    };
    return has_kept(one, other) && has_kept(other, one);
}

// ---- Messages ----

bool History::goes_to(const SentMessage& message, NameId destination) const {
    const auto all = destinations_of(message);
    return std::find(all.begin(), all.end(), destination) != all.end();
}

MessageIndex History::find_message(std::uint64_t key) const {
    const std::size_t mask = slots_.size() - 1;
    for (std::size_t at = mixed(key) & mask; slots_[at] != kNone; at = (at + 1) & mask) {
        if (messages[slots_[at]].key == key) {
            return slots_[at];
        }
    }
    return kNone;
}

MessageIndex History::add_message(const Multicast& multicast, NameId sender) {
    const auto index = static_cast<MessageIndex>(messages.size());
    SentMessage& message = messages.emplace_back();
    message.key = multicast.message;
    message.sender = sender;
    message.service = multicast.service;
    message.destinations_at = static_cast<std::uint32_t>(destinations.size());
    message.destination_count = static_cast<std::uint32_t>(multicast.destinations.size());
    for (const std::string& destination : multicast.destinations) {
        destinations.push_back(names.id(destination));
    }
    message.node = add_node(false, index);

    const auto insert = [&](MessageIndex added) {
        const std::size_t mask = slots_.size() - 1;
        std::size_t at = mixed(messages[added].key) & mask;
        while (slots_[at] != kNone) {
            at = (at + 1) & mask;
        }
        slots_[at] = added;
    };
    if (messages.size() * 2 > slots_.size()) {
        slots_.assign(slots_.size() * 2, kNone);
        for (MessageIndex i = 0; i < index; ++i) {
            insert(i);
        }
    }
    insert(index);
    return index;
}

bool History::equal(const SentMessage& message, const Multicast& multicast) const {
    const auto all = destinations_of(message);
    return message.service == multicast.service &&
           std::equal(all.begin(), all.end(), multicast.destinations.begin(),
                      multicast.destinations.end(),
                      [&](NameId id, const std::string& text) { return names.text(id) == text; });
}

// ---- Views ----

ViewIndex History::add_view(ViewRecord record) {
    const auto index = static_cast<ViewIndex>(views.size());
    record.node = add_node(true, index);
    record.pasts.resize(record.sets.size());
    record.epoch = epoch_of(record.group, record.id);
    view_ids_[{record.epoch, record.id.index}] = index;
    views.push_back(std::move(record));
    return index;
}

std::uint32_t History::epoch_of(NameId group, const protocol::GroupId& id) {
    const auto next = static_cast<std::uint32_t>(epoch_ids_.size());
    return epoch_ids_.try_emplace({group, {id.proc_id, id.time}}, next).first->second;
}

ViewIndex History::find_view(NameId group, const protocol::GroupId& id) const {
    const auto epoch = epoch_ids_.find({group, {id.proc_id, id.time}});
    if (epoch == epoch_ids_.end()) {
        return kNone;
    }
    const auto view = view_ids_.find({epoch->second, id.index});
    return view == view_ids_.end() ? kNone : view->second;
}

// ---- Clients ----

Seat* History::find_seat(Client& client, NameId group) {
    if (group >= client.seat_of.size() || client.seat_of[group] == kNone) {
        return nullptr;
    }
    return &client.seats[client.seat_of[group]];
}

Seat& History::seat(Client& client, NameId group) {
    if (Seat* found = find_seat(client, group)) {
        return *found;
    }
    if (group >= client.seat_of.size()) {
        client.seat_of.resize(group + 1, kNone);
    }
    client.seat_of[group] = static_cast<std::uint32_t>(client.seats.size());
    Seat& made = client.seats.emplace_back();
    made.group = group;
    return made;
}

std::span<const ClientIndex> History::connections_of(NameId name) const {
    const auto found = connections_.find(name);
    return found == connections_.end() ? std::span<const ClientIndex>() : found->second;
}

void History::add_connection(NameId name, ClientIndex client) {
    auto& all = connections_[name];
    clients[client].connection = static_cast<std::uint32_t>(all.size());
    all.push_back(client);
}

// ---- Order ----

Node History::add_node(bool is_view, std::uint32_t index) {
    items_.push_back(Item{.is_view = is_view, .index = index});
    return order_.add();
}

Node History::node_of(const ReadEntry& entry) const {
    switch (entry.kind) {
        case ReadEntry::Kind::kView: return views[entry.what].node;
        case ReadEntry::Kind::kMessage: return messages[entry.what].node;
        case ReadEntry::Kind::kSignal:
        case ReadEntry::Kind::kSelfLeave: break;
    }
    return kNone;
}

std::vector<Node> History::append(ClientIndex index, const ReadEntry& entry) {
    Client& client = clients[index];
    const auto at = static_cast<std::uint32_t>(client.log.size());
    client.log.push_back(entry);
    client.log.back().at = tick();
    const Node node = node_of(entry);
    Item& item = items_[node];
    const Node before = client.last_node;
    client.last_node = node;
    const bool was_placed = order_.is_placed(node);
    if (!was_placed) {
        Node after = before;
        if (item.cause != kNone && (after == kNone || order_.before(after, item.cause))) {
            after = item.cause;
        }
        if (after == kNone) {
            order_.place_last(node);
        } else {
            order_.place_after(node, after);
        }
    }
    std::vector<Node> cycle;
    if (was_placed && before != kNone && !order_.before(before, node)) {
        cycle = order_.put_before(before, node, *this);
    }
    item.receipts = [&] {
        receipts_.push_back(Receipt{.client = index, .at = at, .next = item.receipts});
        return static_cast<std::uint32_t>(receipts_.size() - 1);
    }();
    return cycle;
}

std::vector<Node> History::add_cause(MessageIndex message, Node cause) {
    const Node node = messages[message].node;
    Item& item = items_[node];
    std::vector<Node> cycle;
    if (order_.is_placed(node) && !order_.before(cause, node)) {
        cycle = order_.put_before(cause, node, *this);
    }
    item.cause = cause;
    item.next_caused = items_[cause].first_caused;
    items_[cause].first_caused = node;
    return cycle;
}

void History::successors(Node node, std::vector<Node>& out) const {
    const Item& item = items_[node];
    for (std::uint32_t at = item.receipts; at != kNone; at = receipts_[at].next) {
        const std::vector<ReadEntry>& log = clients[receipts_[at].client].log;
        for (std::size_t i = receipts_[at].at + 1; i < log.size(); ++i) {
            if (const Node found = node_of(log[i]); found != kNone) {
                out.push_back(found);
                break;
            }
        }
    }
    for (Node caused = item.first_caused; caused != kNone; caused = items_[caused].next_caused) {
        out.push_back(caused);
    }
}

void History::predecessors(Node node, std::vector<Node>& out) const {
    const Item& item = items_[node];
    for (std::uint32_t at = item.receipts; at != kNone; at = receipts_[at].next) {
        const std::vector<ReadEntry>& log = clients[receipts_[at].client].log;
        for (std::size_t i = receipts_[at].at; i > 0; --i) {
            if (const Node found = node_of(log[i - 1]); found != kNone) {
                out.push_back(found);
                break;
            }
        }
    }
    if (item.cause != kNone) {
        out.push_back(item.cause);
    }
}

History::Step History::step(Node first, Node second) const {
    for (std::uint32_t at = items_[first].receipts; at != kNone; at = receipts_[at].next) {
        const std::vector<ReadEntry>& log = clients[receipts_[at].client].log;
        for (std::uint32_t i = receipts_[at].at + 1; i < log.size(); ++i) {
            const Node found = node_of(log[i]);
            if (found == second) {
                return {
                    .reader = receipts_[at].client, .first_at = receipts_[at].at, .second_at = i};
            }
            if (found != kNone) {
                break;
            }
        }
    }
    return {};
}

std::size_t History::times_received(ClientIndex client, MessageIndex message) const {
    std::size_t times = 0;
    for (std::uint32_t at = items_[messages[message].node].receipts; at != kNone;
         at = receipts_[at].next) {
        times += receipts_[at].client == client ? 1 : 0;
    }
    return times;
}

// ---- Words ----

std::string History::name(ClientIndex index) const {
    const Client& client = clients[index];
    std::string text = names.text(client.name);
    if (client.connection != 0) {
        text += "/" + std::to_string(client.connection + 1);
    }
    return text;
}

std::string History::message(MessageIndex index) const {
    return "m" + std::to_string(messages[index].key);
}

std::string History::id(const protocol::GroupId& id) const {
    return "(" + std::to_string(id.proc_id) + "," + std::to_string(id.time) + "," +
           std::to_string(id.index) + ")";
}

std::string History::view_text(const ViewRecord& record) const {
    const auto list = [&](const std::vector<NameId>& ids) {
        std::string text = "{";
        for (const NameId member : ids) {
            text += (text.size() > 1 ? " " : "") + names.text(member);
        }
        return text + "}";
    };
    std::string text = "view " + names.text(record.group) + " " + id(record.id) + " ";
    switch (record.cause) {
        case Cause::kJoin: text += "join " + names.text(record.subject()) + " "; break;
        case Cause::kLeave: text += "leave " + names.text(record.subject()) + " "; break;
        case Cause::kDisconnect: text += "disconnect " + names.text(record.subject()) + " "; break;
        case Cause::kNetwork: text += "network "; break;
    }
    text += list(record.members);
    if (record.is_by_network()) {
        text += " sets";
        for (const auto& set : record.sets) {
            text += " " + list(set);
        }
    }
    return text;
}

std::string History::entry(const ReadEntry& entry) const {
    switch (entry.kind) {
        case ReadEntry::Kind::kView: return view(entry.what);
        case ReadEntry::Kind::kSignal: return "T " + names.text(entry.group);
        case ReadEntry::Kind::kSelfLeave: return "left " + names.text(entry.group);
        case ReadEntry::Kind::kMessage: break;
    }
    const SentMessage& sent = messages[entry.what];
    return message(entry.what) + (sent.service == ClientService::kSafe ? " safe" : "");
}

bool History::interests(const ReadEntry& entry, NameId group) const {
    if (group == kNone) {
        return true;
    }
    return entry.kind == ReadEntry::Kind::kMessage ? goes_to(messages[entry.what], group)
                                                   : entry.group == group;
}

std::string History::excerpt(ClientIndex index, std::size_t begin, std::size_t end,
                             NameId group) const {
    constexpr std::size_t kShown = 40;
    const std::vector<ReadEntry>& log = clients[index].log;
    end = std::min(end, log.size());
    std::vector<std::string> texts;
    for (std::size_t i = begin; i < end; ++i) {
        if (interests(log[i], group)) {
            texts.push_back(entry(log[i]));
        }
    }
    std::string text = name(index) + ":";
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (texts.size() > kShown && i == kShown / 2) {
            const std::size_t skipped = texts.size() - kShown;
            text += " ... " + std::to_string(skipped) + " more ...;";
            i += skipped;
        }
        text += " " + texts[i] + (i + 1 < texts.size() ? ";" : "");
    }
    return text;
}

std::string History::tail(ClientIndex index, NameId group) const {
    constexpr std::size_t kShown = 8;
    const std::vector<ReadEntry>& log = clients[index].log;
    std::size_t begin = log.size();
    for (std::size_t found = 0; begin > 0 && found < kShown; --begin) {
        found += interests(log[begin - 1], group) ? 1 : 0;
    }
    return excerpt(index, begin, log.size(), group);
}

}  // namespace spread::checker
