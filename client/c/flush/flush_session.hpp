#pragma once

#include <sp.h>

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "client/c/flush/flush_group.hpp"
#include "client/c/mailbox.hpp"

namespace spread::c_api {

/// What one FL_ multicast sends.
struct FlushCast {
    std::uint32_t type = 0;
    std::string group;
    std::vector<std::string> receivers;  ///< empty: all of the group
    bool is_subgroup = false;
    int mess_type = 0;
    Pieces body;
};

/// The flush layer of one mailbox. Results are the numbers of fl.h. State has one lock, held while
/// sending, too, as the order of what is sent is what the layer is about; receiving has another, so
/// that a thread that waits for a message holds nobody up.
class FlushSession {
  public:
    FlushSession(mailbox number, std::string self) : number_(number), self_(std::move(self)) {}

    [[nodiscard]] int join(const char* group);
    [[nodiscard]] int leave(const char* group);
    [[nodiscard]] int flush(const char* group);
    [[nodiscard]] int cast(const FlushCast& cast);
    [[nodiscard]] int receive(bool may_block, const Room& room, Received& received,
                              int& more_messages);
    [[nodiscard]] int more_messages();
    [[nodiscard]] int poll();

  private:
    [[nodiscard]] int read_message(FlushMessage& message);
    [[nodiscard]] int take(FlushMessage message);
    void take_membership(const FlushMessage& message, FlushOutput& output);
    void take_data(FlushMessage message, FlushOutput& output);
    [[nodiscard]] int emit(const std::string& group, FlushOutput output);
    [[nodiscard]] int deliver(const Room& room, Received& received, int& more_messages);
    [[nodiscard]] FlushGroup* find(const std::string& name);

    const mailbox number_;
    const std::string self_;
    std::mutex receive_mutex_;
    std::mutex state_mutex_;
    std::map<std::string, FlushGroup> groups_;
    std::deque<FlushMessage> ready_;
};

}  // namespace spread::c_api
