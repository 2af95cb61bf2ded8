#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "client/codec/message_view.hpp"
#include "membership/events.hpp"
#include "membership/groups/group_engine.hpp"
#include "membership/groups/group_output.hpp"
#include "protocol/ids.hpp"
#include "protocol/names.hpp"
#include "protocol/service.hpp"
#include "tests/checker/group_checker.hpp"

namespace spread::explorer {

/// Daemon 0 is "d1".
[[nodiscard]] std::string name_of_daemon(std::size_t daemon);

/// The group layer of one life of a daemon, with one client; what that one does and sees goes to
/// the checker. All clients use one group.
class GroupSide {
  public:
    using Output = membership::GroupOutput;

    /// `life` counts from 1. The client connects at once.
    GroupSide(std::size_t daemons, std::size_t daemon, std::uint32_t life,
              checker::GroupChecker& checker);

    // The client's doing; what comes of it is for the ring.
    /// Leaves the group if it has asked to be in it, else joins.
    void toggle(Output& out);
    void send(protocol::Service service, std::size_t bytes, Output& out);

    /// What the ring delivers, in order.
    void on_event(membership::DeliveryEvent&& event, Output& out);
    /// The daemon's life ends.
    void end() { checker_.on_end(client_, checker::ClientEnd::kDaemonLost); }

    [[nodiscard]] const membership::GroupEngine& engine() const { return engine_; }
    /// What the group layer says of the group: its phase and members.
    [[nodiscard]] std::string text() const;
    /// The client got what no daemon sends.
    [[nodiscard]] bool is_garbled() const { return is_garbled_; }

  private:
    void see(const Output& out);
    void see(const client::MessageView& frame);
    void see_membership(const client::MessageView& frame);

    checker::GroupChecker& checker_;
    membership::GroupEngine engine_;
    std::string daemon_;
    std::string name_;  ///< of the client
    protocol::NameField self_;
    checker::ClientId client_;
    std::uint64_t next_message_;
    bool wants_in_ = false;
    bool is_garbled_ = false;
};

}  // namespace spread::explorer
