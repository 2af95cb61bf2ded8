#include "sealing/key_agreement.hpp"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "sealing/hello.hpp"

namespace spread::sealing {
namespace {

using protocol::DaemonId;
using Rotation = KeyTable::Rotation;

/// So many keys may there be before another one comes: who was cut off may have made some of its
/// own, for which there has to be room.
constexpr std::size_t kInstalledMax = 5;

KeyReport report_on(const KeyRing& keys, bool is_saved, std::string problem) {
    KeyReport report;
    report.is_saved = is_saved;
    report.problem = std::move(problem);
    for (const RingKey& key : keys.keys()) {
        report.keys.push_back({key.id, key.role});
    }
    return report;
}

}  // namespace

std::string_view to_string(Rotation rotation) {
    switch (rotation) {
        case Rotation::kNone: return "none";
        case Rotation::kInstalling: return "installing";
        case Rotation::kUsing: return "using";
        case Rotation::kRemoving: return "removing";
        case Rotation::kDone: return "done";
        case Rotation::kFailed: return "failed";
    }
    return "none";
}

KeyAgreement::KeyAgreement(Setup setup)
    : roster_(std::move(setup.roster)),
      self_(setup.self),
      keep_(std::move(setup.keep)),
      keys_(std::move(setup.keys)),
      own_(report_on(keys_, true, {})) {}

// Ring ----------------------------------------------------------------------------------------

void KeyAgreement::on_regular_configuration(const protocol::MemberList& members) {
    table_.members = members;
    table_.reports.clear();
    sent_.reset();
    is_asked_ = false;
    report();
    go_on();
}

bool KeyAgreement::on_message(DaemonId origin, std::span<const std::byte> body) {
    const auto message = decode_key_message(body);
    if (!message) {
        return false;
    }
    std::visit([&](const auto& each) { on(origin, each); }, *message);
    return true;
}

void KeyAgreement::on(DaemonId origin, const KeyReport& report) {
    table_.reports[origin] = report;
    go_on();
}

void KeyAgreement::on(DaemonId origin, const KeyInstall& install) {
    // What was in the way before may not be now: whoever cannot do it says so again.
    for (auto& [daemon, report] : table_.reports) {
        report.problem.clear();
    }
    own_.problem.clear();
    if (sent_) {
        sent_->problem.clear();
    }
    is_delivered_ = is_delivered_ || (origin == self_ && install.key == table_.rotates_to);
    const RingKey* const under = keys_.find(install.under);
    const auto key =
        under == nullptr ? std::nullopt : unwrap(install.wrapped, wrapping_key(under->secret));
    if (!key || key_id(*key) != install.key) {
        own_.problem = "ring key " + to_string(install.key) + " cannot be read: it comes under " +
                       to_string(install.under) + ", and " + to_string(keys_.in_use().id) +
                       " is in use here";
        report();
        return;
    }
    order({KeyOrder::Kind::kAdd, install.key, key, origin});
}

void KeyAgreement::on(DaemonId origin, const KeyUse& use) {
    if (std::string why_not = why_not_use(use.key); !why_not.empty()) {
        refuse(origin, std::move(why_not));
        return;
    }
    order({KeyOrder::Kind::kUse, use.key, std::nullopt, origin});
    if (table_.rotation != Rotation::kUsing) {
        return;
    }
    if (is_used_ && use.key != table_.rotates_to) {
        end_rotation("ring key " + to_string(use.key) + " has been put into use since, by " +
                     roster_.describe(origin));
    }
    is_used_ = is_used_ || use.key == table_.rotates_to;
}

void KeyAgreement::on(DaemonId origin, const KeyRemove& remove) {
    if (std::string why_not = why_not_remove(remove.key, remove.dropped); !why_not.empty()) {
        refuse(origin, std::move(why_not));
        return;
    }
    if (const KeyReport* const reported = report_of(self_)) {
        order({KeyOrder::Kind::kUse, reported->in_use()->id, std::nullopt, origin});
    }
    order({KeyOrder::Kind::kRemove, remove.key, std::nullopt, origin});
}

/// The same at all members; who asked for it has to know.
void KeyAgreement::refuse(DaemonId origin, std::string why) {
    if (origin == self_) {
        ++table_.refusals;
        table_.refusal = std::move(why);
        is_asked_ = false;
        go_on();
    }
}

void KeyAgreement::order(KeyOrder order) {
    order.number = ++ordered_;
    own_.is_saved = false;
    report();
    keep_(std::move(order));
}

void KeyAgreement::report() {
    if (is_member(self_) && sent_ != own_) {
        sent_ = own_;
        send(own_, false);
    }
}

void KeyAgreement::send(const KeyMessage& message, bool is_safe) {
    messages_.push_back({is_safe, encode_key_message(message)});
}

void KeyAgreement::send_install(const Secret& key) {
    const RingKey& under = keys_.in_use();
    send(KeyInstall{key_id(key), under.id, wrap(key, wrapping_key(under.secret))}, false);
}

std::vector<KeyAgreement::Outgoing> KeyAgreement::take_messages() {
    return std::exchange(messages_, {});
}

void KeyAgreement::on_keys(KeyStore::State state) {
    keys_ = std::move(state.keys);
    own_ =
        report_on(keys_, state.is_saved && state.carried_out >= ordered_, std::move(state.problem));
    report();
}

// Operators -----------------------------------------------------------------------------------

std::string KeyAgreement::install(const Secret& key) {
    std::string why_not = why_no_ring();
    if (why_not.empty() && keys_.keys().size() >= kInstalledMax &&
        keys_.find(key_id(key)) == nullptr) {
        why_not = "there are " + std::to_string(keys_.keys().size()) +
                  " ring keys already; remove one first (spreadctl key remove)";
    }
    if (why_not.empty()) {
        send_install(key);
    }
    return why_not;
}

std::string KeyAgreement::use(KeyId id) {
    std::string why_not = why_not_use(id);
    if (why_not.empty()) {
        send(KeyUse{id}, true);
    }
    return why_not;
}

std::string KeyAgreement::remove(KeyId id, const protocol::MemberList& dropped) {
    std::string why_not = why_not_remove(id, dropped);
    if (why_not.empty()) {
        send(KeyRemove{id, dropped}, true);
    }
    return why_not;
}

std::string KeyAgreement::rotate(const Secret& key) {
    if (table_.rotation == Rotation::kInstalling || table_.rotation == Rotation::kUsing) {
        return "a rotation to ring key " + to_string(table_.rotates_to) +
               " is under way: " + table_.waits_for;
    }
    // What a daemon that died before it gave keys up still has would fill its file.
    for (const KeyId id : retired()) {
        if (why_not_remove(id, {}).empty()) {
            send(KeyRemove{id}, true);
        }
    }
    std::string why_not = install(key);
    if (why_not.empty()) {
        rotates_to_ = key;
        table_.rotates_to = key_id(key);
        table_.rotation = Rotation::kInstalling;
        wait_for("all get the new key");
        is_asked_ = true;
        is_delivered_ = false;
        is_used_ = false;
    }
    return why_not;
}

// What is known -------------------------------------------------------------------------------

bool KeyAgreement::is_member(DaemonId daemon) const {
    const auto& members = table_.members;
    return std::find(members.begin(), members.end(), daemon) != members.end();
}

const KeyReport* KeyAgreement::report_of(DaemonId daemon) const {
    const auto found = table_.reports.find(daemon);
    return found == table_.reports.end() || found->second.in_use() == nullptr ? nullptr
                                                                              : &found->second;
}

std::string KeyAgreement::why_silent(DaemonId daemon) const {
    return roster_.describe(daemon) +
           " has not said which ring keys it has: it has no RingKeyFile, or an older release";
}

std::string KeyAgreement::why_no_ring() const {
    return table_.members.empty() ? "the ring has not formed yet" : std::string();
}

std::string KeyAgreement::why_not_use(KeyId id) const {
    for (const DaemonId member : table_.members) {
        const KeyReport* const report = report_of(member);
        if (report == nullptr) {
            return why_silent(member);
        }
        if (report->find(id) == nullptr) {
            return roster_.describe(member) + " does not have ring key " + to_string(id) + " (" +
                   to_string(report->in_use()->id) +
                   " in use): spreadctl key install gives it to all";
        }
    }
    return why_no_ring();
}

/// Where both sides of a partition have changed keys, the one that all have given up is what they
/// can tell each other the next ones under; it stays until all use one key.
std::string KeyAgreement::why_not_remove(KeyId id, const protocol::MemberList& dropped) const {
    const bool is_retired = retired().count(id) > 0;
    std::optional<std::pair<DaemonId, KeyId>> first;
    for (const auto& [daemon, name] : roster_.daemons()) {
        if (std::find(dropped.begin(), dropped.end(), daemon) != dropped.end()) {
            continue;
        }
        if (!is_member(daemon)) {
            return roster_.describe(daemon) + " is away, and may have no other ring key than " +
                   to_string(id) + ": wait for it, or say --drop " + roster_.describe(daemon) +
                   " and copy the key file to it by hand";
        }
        const KeyReport* const report = report_of(daemon);
        if (report == nullptr) {
            return why_silent(daemon);
        }
        if (report->in_use()->id == id) {
            return roster_.describe(daemon) + " seals with ring key " + to_string(id) +
                   ": spreadctl key use puts another one into use first";
        }
        if (!first) {
            first = {daemon, report->in_use()->id};
        } else if (is_retired && report->in_use()->id != first->second) {
            return roster_.describe(first->first) + " seals with ring key " +
                   to_string(first->second) + " and " + roster_.describe(daemon) + " with " +
                   to_string(report->in_use()->id) +
                   ": spreadctl key rotate brings all to one first";
        }
        if (!report->is_saved) {
            return roster_.describe(daemon) + " has not written its key file" +
                   (report->problem.empty() ? " yet" : ": " + report->problem);
        }
    }
    return why_no_ring();
}

// Rotations -----------------------------------------------------------------------------------

/// To be called whenever something is known that was not.
void KeyAgreement::go_on() {
    for (const DaemonId member : table_.members) {
        if (report_of(member) == nullptr) {
            if (rotates_to_) {
                wait_for(why_silent(member));
            }
            return;
        }
    }
    switch (table_.rotation) {
        case Rotation::kInstalling: go_on_installing(); break;
        case Rotation::kUsing: go_on_using(); break;
        case Rotation::kRemoving: go_on_removing(); break;
        case Rotation::kNone:
        case Rotation::kDone:
        case Rotation::kFailed: break;
    }
}

void KeyAgreement::go_on_installing() {
    for (const DaemonId member : table_.members) {
        const KeyReport& report = *report_of(member);
        if (report.find(table_.rotates_to) != nullptr) {
            continue;
        }
        if (!is_asked_) {
            is_asked_ = true;
            is_delivered_ = false;
            send_install(*rotates_to_);
        } else if (is_delivered_ && !report.problem.empty()) {
            send(KeyRemove{table_.rotates_to}, true);
            end_rotation(roster_.describe(member) + ": " + report.problem);
            return;
        }
        wait_for(roster_.describe(member) + " gets the new key");
        return;
    }
    table_.rotation = Rotation::kUsing;
    is_asked_ = true;
    wait_for("all begin to seal with the new key");
    send(KeyUse{table_.rotates_to}, true);
}

/// Before its time.
void KeyAgreement::end_rotation(std::string why) {
    table_.rotation = Rotation::kFailed;
    table_.waits_for = std::move(why);
    rotates_to_.reset();
}

void KeyAgreement::go_on_using() {
    for (const DaemonId member : table_.members) {
        if (report_of(member)->in_use()->id != table_.rotates_to) {
            if (!is_asked_) {
                table_.rotation = Rotation::kInstalling;
                go_on_installing();
            }
            return;
        }
    }
    table_.rotation = Rotation::kRemoving;
    is_asked_ = false;
    go_on_removing();
}

/// Keys that some member has given up.
std::set<KeyId> KeyAgreement::retired() const {
    std::set<KeyId> old;
    for (const auto& [daemon, report] : table_.reports) {
        for (const KeyReport::Key& key : report.keys) {
            if (key.role == KeyRole::kOffer) {
                old.insert(key.id);
            }
        }
    }
    return old;
}

void KeyAgreement::go_on_removing() {
    const std::set<KeyId> old = retired();
    if (old.empty()) {
        table_.rotation = Rotation::kDone;
        wait_for({});
        rotates_to_.reset();
        return;
    }
    std::string why_not;
    for (const KeyId id : old) {
        why_not = why_not.empty() ? why_not_remove(id, {}) : why_not;
    }
    if (!why_not.empty()) {
        wait_for(std::move(why_not));
        return;
    }
    wait_for("all give up the old key");
    if (!std::exchange(is_asked_, true)) {
        for (const KeyId id : old) {
            send(KeyRemove{id}, true);
        }
    }
}

}  // namespace spread::sealing
