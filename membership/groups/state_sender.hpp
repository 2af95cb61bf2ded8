#pragma once

#include <cstddef>
#include <vector>

#include "membership/groups/group_output.hpp"
#include "membership/groups/group_table.hpp"
#include "membership/groups/group_wire.hpp"
#include "protocol/ids.hpp"
#include "protocol/roster.hpp"

namespace spread::membership {

/// Sends the table of the synced set whose representative this daemon is, part by part. The table
/// must not change meanwhile.
class StateSender {
  public:
    StateSender(const protocol::Roster& roster, protocol::DaemonIndex self,
                const protocol::RingId& ring, const protocol::DaemonSet& synced,
                const GroupTable& table, std::size_t part_bytes_max);

    /// Sends the parts that are full. Returns whether all is sent.
    bool send(GroupOutput& out);

  private:
    void write(const Group& group);
    static void submit(std::vector<protocol::Message> parts, GroupOutput& out);

    const protocol::Roster& roster_;
    const GroupTable& table_;
    GroupTable::ByName::const_iterator next_;
    GroupStateWriter writer_;
};

}  // namespace spread::membership
