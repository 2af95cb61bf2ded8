#include "membership/groups/state_sender.hpp"

#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace spread::membership {

namespace {

GroupStatePart heading(const protocol::Roster& roster, protocol::DaemonIndex self,
                       const protocol::RingId& ring, const protocol::DaemonSet& synced) {
    GroupStatePart first;
    first.ring = ring;
    first.sender = roster.id(self);
    first.synced = roster.ids_of(synced);
    return first;
}

}  // namespace

StateSender::StateSender(const protocol::Roster& roster, protocol::DaemonIndex self,
                         const protocol::RingId& ring, const protocol::DaemonSet& synced,
                         const GroupTable& table, std::size_t part_bytes_max)
    : roster_(roster),
      table_(table),
      next_(table.groups().begin()),
      writer_(heading(roster, self, ring, synced), part_bytes_max) {}

bool StateSender::send(GroupOutput& out) {
    for (; next_ != table_.groups().end(); ++next_) {
        if (out.budget.is_spent()) {
            submit(writer_.take_full(), out);
            return false;
        }
        write(**next_);
        out.budget.spend(1 + (*next_)->members.size() / 4);
    }
    submit(writer_.finish(), out);
    return true;
}

void StateSender::write(const Group& group) {
    writer_.group(group.name, group.id, group.changed);
    std::optional<protocol::DaemonIndex> daemon;
    for (const Member* member : group.members) {
        if (daemon != member->daemon) {
            daemon = member->daemon;
            writer_.daemon(roster_.id(*daemon));
        }
        // "#user#daemon" without its ends.
        const std::size_t around = roster_.name(*daemon).size() + 2;
        const std::string_view text = member->name.view();
        writer_.member(text.substr(1, text.size() - around));
    }
}

void StateSender::submit(std::vector<protocol::Message> parts, GroupOutput& out) {
    for (protocol::Message& body : parts) {
        out.submissions.push_back(Submission{.service = protocol::Service::kAgreed,
                                             .kind = protocol::MessageKind::kGroupState,
                                             .control = true,
                                             .body = std::move(body)});
    }
}

}  // namespace spread::membership
