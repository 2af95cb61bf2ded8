#include "client/c/flush/flush_group.hpp"

#include <fl.h>

#include <algorithm>
#include <utility>

namespace spread::c_api {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

/// Members that keep to the rules have said FLUSH_OK before they send in the next view, so hardly
/// anything ever waits; a peer that floods us takes no more memory than this.
constexpr std::size_t kHeldBytesMax = std::size_t{16} << 20U;

std::size_t size_of(const FlushMessage& message) {
    return sizeof message + message.groups.size() * sizeof message.groups[0] + message.body.size();
}

constexpr std::uint32_t kLossy = CAUSED_BY_DISCONNECT | CAUSED_BY_NETWORK;

}  // namespace

bool FlushGroup::is_in_view(const std::string& member) const {
    return view_ && contains(view_->members, member);
}

std::optional<client::GroupId> FlushGroup::vulnerable_view() const {
    if (!view_) {
        return std::nullopt;
    }
    const bool is_everywhere =
        std::all_of(view_->members.begin(), view_->members.end(),
                    [this](const auto& member) { return installed_at_.count(member) > 0; });
    return is_everywhere && pending_.empty() ? std::nullopt : std::optional(view_->id);
}

void FlushGroup::on_membership(client::Membership membership, FlushOutput& output) {
    pending_.push_back({.membership = std::move(membership), .flushed = {}});
    drop_impossible();
    advance(output);
}

void FlushGroup::on_transitional(FlushOutput& output) {
    if (view_) {
        signal(output);
    }
}

void FlushGroup::signal(FlushOutput& output) {
    if (is_signalled_) {
        return;
    }
    is_signalled_ = true;
    FlushMessage message;
    message.type = TRANSITION_MESS;
    message.sender = name_;
    output.deliveries.push_back(std::move(message));
}

void FlushGroup::drop_impossible() {
    const auto& left = pending_.back().membership.members;
    for (auto pending = pending_.begin(); pending + 1 < pending_.end();) {
        const auto& members = pending->membership.members;
        const bool is_impossible =
            std::any_of(members.begin(), members.end(), [&](const auto& member) {
                return !contains(left, member) && pending->flushed.count(member) == 0;
            });
        if (is_impossible) {
            // Whoever comes next in line takes its place.
            (pending + 1)->absorbs = true;
            pending = pending_.erase(pending);
        } else {
            ++pending;
        }
    }
}

void FlushGroup::advance(FlushOutput& output) {
    while (!pending_.empty()) {
        if (view_ && !is_asked_) {
            is_asked_ = true;
            FlushMessage request;
            request.type = FLUSH_REQ_MESS;
            request.sender = name_;
            output.deliveries.push_back(std::move(request));
        }
        Pending& oldest = pending_.front();
        if (view_ && (oldest.absorbs || (oldest.membership.cause & kLossy) != 0)) {
            signal(output);
        }
        // Who has no view yet has nothing to flush.
        if (!oldest.is_ok_sent && (has_flushed_ || !view_)) {
            oldest.is_ok_sent = true;
            output.controls.push_back({FlushControl::Kind::kOk, oldest.membership.id});
        }
        const auto& members = oldest.membership.members;
        const bool is_complete =
            std::all_of(members.begin(), members.end(),
                        [&oldest](const auto& member) { return oldest.flushed.count(member) > 0; });
        if (!oldest.is_ok_sent || !is_complete) {
            return;
        }
        install(output);
    }
}

void FlushGroup::install(FlushOutput& output) {
    Pending installed = std::move(pending_.front());
    pending_.pop_front();
    output.deliveries.push_back(make_view(installed));
    view_ = std::move(installed.membership);
    installed_at_.clear();
    is_asked_ = false;
    has_flushed_ = false;
    is_signalled_ = false;
    if (pending_.empty()) {
        output.controls.push_back({FlushControl::Kind::kReceived, view_->id});
    }
    auto held = std::exchange(held_, {});
    held_bytes_ = 0;
    for (auto& entry : held) {
        on_data(std::move(entry.message), entry.view, output);
    }
}

FlushMessage FlushGroup::make_view(const Pending& pending) const {
    const auto& membership = pending.membership;
    FlushMessage message;
    const bool is_network = pending.absorbs || membership.cause == protocol::kCausedByNetwork;
    message.type = REG_MEMB_MESS | (is_network ? CAUSED_BY_NETWORK : membership.cause);
    message.sender = name_;
    message.mess_type = -1;
    for (const auto& member : membership.members) {
        if (member == self_) {
            message.mess_type = static_cast<int>(message.groups.size());
        }
        message.add_group(member);
    }
    std::vector<std::string> came_along;
    if (!is_network) {
        came_along.push_back(membership.changed_member());
    } else if (view_) {
        // Together from the last view into this one. What was absorbed lies in between: then only
        // those are known to have come along who were in our own set all the way.
        const auto& sets = membership.vs_sets;
        const bool has_set =
            membership.cause == protocol::kCausedByNetwork && membership.own_vs_set < sets.size();
        for (const auto& member : view_->members) {
            if (contains(membership.members, member) &&
                (!has_set || contains(sets[membership.own_vs_set], member))) {
                came_along.push_back(member);
            }
        }
    } else {
        came_along.push_back(self_);
    }
    message.append_u32(static_cast<std::uint32_t>(membership.id.proc_id));
    message.append_u32(static_cast<std::uint32_t>(membership.id.time));
    message.append_u32(static_cast<std::uint32_t>(membership.id.index));
    message.append_u32(static_cast<std::uint32_t>(came_along.size()));
    for (const auto& member : came_along) {
        message.append_name(member);
    }
    return message;
}

void FlushGroup::on_control(const FlushControl& control, const std::string& sender,
                            FlushOutput& output) {
    if (control.kind == FlushControl::Kind::kReceived) {
        if (view_ && view_->id == control.id) {
            installed_at_.insert(sender);
        }
        return;
    }
    for (auto& pending : pending_) {
        if (pending.membership.id == control.id) {
            pending.flushed.insert(sender);
            break;
        }
    }
    advance(output);
}

void FlushGroup::on_data(FlushMessage message, const std::optional<client::GroupId>& view,
                         FlushOutput& output) {
    if (view && !(view_ && view_->id == *view)) {
        const bool is_to_come =
            std::any_of(pending_.begin(), pending_.end(),
                        [&view](const auto& pending) { return pending.membership.id == *view; });
        if (is_to_come && held_bytes_ + size_of(message) <= kHeldBytesMax) {
            held_bytes_ += size_of(message);
            held_.push_back({*view, std::move(message)});
        }
        return;
    }
    if (is_in_view(message.sender)) {
        output.deliveries.push_back(std::move(message));
    }
}

bool FlushGroup::flush(FlushOutput& output) {
    if (!is_asked_ || has_flushed_) {
        return false;
    }
    has_flushed_ = true;
    advance(output);
    return true;
}

}  // namespace spread::c_api
