#pragma once

#include <corosync/cpg.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "client/socket.hpp"
#include "tools/spbench/clock.hpp"
#include "tools/spbench/histogram.hpp"
#include "tools/spbench/load_plan.hpp"
#include "tools/spbench/order_digest.hpp"
#include "tools/spbench/schedule.hpp"

namespace spread::cpgbench {

using spbench::Nanoseconds;

class Member;

/// What the members of a run share.
struct Run {
    spbench::LoadPlan plan;  ///< sender i and receiver i are member i
    std::vector<pid_t> nodes;
    std::vector<Member*> members;
    std::atomic<bool> is_started{false};  ///< the plan's times are set
};

/// One member of the group: sends and receives through one handle, as processes that use CPG do, in
/// a thread of its own in the network and mount namespaces of its node's corosync.
///
/// Members tell each other of progress as spbench's threads do: whoever is about to sleep because
/// its window is full announces that and looks again; whoever has received something wakes those.
class Member {
  public:
    Member(Run& run, std::size_t index);

    /// The whole life of the member, until the run is stopping.
    void live();
    /// May be called by any thread.
    void wake();

    /// The member sees all others in its group.
    [[nodiscard]] bool is_ready() const { return is_ready_; }

    void set_schedule(const spbench::Schedule& schedule) { schedule_ = schedule; }

    // The results, once live() has returned.
    [[nodiscard]] const std::string& error() const { return error_; }
    [[nodiscard]] const spbench::OrderDigest& order() const { return order_; }
    [[nodiscard]] const spbench::Histogram& latency() const { return latency_; }
    [[nodiscard]] const spbench::Schedule& schedule() const { return schedule_; }
    [[nodiscard]] std::uint64_t missing() const { return missing_; }
    [[nodiscard]] std::uint64_t unexpected() const { return unexpected_; }
    [[nodiscard]] std::uint64_t damaged() const { return damaged_; }
    [[nodiscard]] std::uint64_t measured() const { return measured_; }

  private:
    static Member& of(cpg_handle_t handle);
    static void on_message(cpg_handle_t handle, const cpg_name* group, std::uint32_t node,
                           std::uint32_t pid, void* body, std::size_t bytes);
    static void on_view(cpg_handle_t handle, const cpg_name* group, const cpg_address* members,
                        std::size_t member_count, const cpg_address* left, std::size_t left_count,
                        const cpg_address* joined, std::size_t joined_count);

    [[nodiscard]] bool enter_node();
    [[nodiscard]] bool connect();
    [[nodiscard]] bool join();
    void load();
    void take(std::span<const std::byte> body);
    [[nodiscard]] bool dispatch();
    void pump();
    [[nodiscard]] cs_error_t send(Nanoseconds intended);
    void sleep();
    [[nodiscard]] Nanoseconds sleep_limit() const;
    void wake_waiting_others();
    void fail(const std::string& why);

    Run& run_;
    std::size_t index_;
    spbench::SenderCounts& sender_;
    spbench::ReceiverCounts& receiver_;
    client::FileDescriptor wakeup_;
    cpg_handle_t handle_ = 0;
    int descriptor_ = -1;  // of the handle
    std::vector<std::byte> body_;
    std::uint64_t allowed_ = 0;  // closed loop: may send up to this number
    bool is_refused_ = false;    // corosync takes no message at the moment
    spbench::Schedule schedule_;
    std::atomic<bool> is_waiting_{false};
    std::atomic<bool> is_ready_{false};

    std::string error_;
    spbench::OrderDigest order_;
    spbench::Histogram latency_;
    std::uint64_t taken_ = 0;
    std::uint64_t missing_ = 0;
    std::uint64_t unexpected_ = 0;
    std::uint64_t damaged_ = 0;
    std::uint64_t measured_ = 0;
};

}  // namespace spread::cpgbench
