#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "config/configuration.hpp"
#include "daemon/access/ban_list.hpp"
#include "daemon/admin/history.hpp"
#include "daemon/admin/page.hpp"
#include "daemon/admin/ring_watch.hpp"
#include "daemon/admin/status.hpp"
#include "daemon/admin/status_parts.hpp"
#include "daemon/clients/session_server.hpp"
#include "daemon/host/process_watch.hpp"
#include "daemon/ring/ring_thread.hpp"
#include "membership/groups/group_engine.hpp"
#include "protocol/roster.hpp"
#include "sealing/key_agreement.hpp"

namespace spread::admin {

/// Puts together what the daemon tells of itself. All functions are for the thread that runs `io`,
/// and answers come there. The ring's thread is only looked at, never asked; the session thread is
/// asked for what only it knows, and has a second to answer: after that, answers say nothing of it.
class StatusSource {
  public:
    /// All of `parts` must outlive this object.
    StatusSource(boost::asio::io_context& io, const StatusParts& parts);
    StatusSource(const StatusSource&) = delete;
    StatusSource& operator=(const StatusSource&) = delete;

    /// Begins to take the numbers that rates are made of.
    void start();
    void stop();

    /// The daemon at this place of the configuration has answered.
    void note_told(std::size_t place, PeerTold told) { told_.at(place) = std::move(told); }
    /// Clients are no longer taken in; the daemon stops then at the latest.
    void set_draining(WallTime until) { draining_until_ = until; }
    void status(std::function<void(Status)> done);
    void page(std::function<void(PageData)> done);
    template <typename T>
    using Answer = std::function<void(std::optional<T>)>;
    void clients(Answer<std::vector<ClientStatus>> done);
    /// The next `most` groups behind `after`.
    void groups(std::string after, std::size_t most, Answer<std::vector<GroupStatus>> done);
    /// Of the whole process. Reads a file for each thread and a name for each open file.
    [[nodiscard]] daemon::ProcessFacts usage() const;
    /// The ten to which most is sent. Looked for in turns, since there may be very many.
    void busiest(Answer<BusiestGroups> done);
    /// The members of one group; none when there is no such group.
    void group(std::string name, Answer<std::vector<std::string>> done);
    /// Ends a client's session; false when there is none of that private name.
    void kick(std::string private_name, std::string reason, Answer<bool> done);
    /// Keeps clients out for a while. How many sessions this ends; nothing inside: there are too
    /// many bans already.
    void ban(access::BanSubject subject, std::chrono::seconds time, std::string reason,
             std::string by, Answer<std::optional<std::size_t>> done);
    /// False when there is no such ban.
    void lift_ban(access::BanSubject subject, Answer<bool> done);
    void bans(Answer<std::vector<BanStatus>> done);
    [[nodiscard]] bool has_keys() const { return parts_.keys != nullptr; }
    /// What is known of the ring's keys; there are some.
    void keys(Answer<sealing::KeyTable> done);
    /// Does something to them, on the session thread. What it returns is empty, or why it is
    /// refused.
    using KeyChange = std::function<std::string(sealing::KeyAgreement& keys)>;
    void change_keys(KeyChange change, Answer<std::string> done);

    [[nodiscard]] const protocol::Roster& roster() const { return roster_; }
    [[nodiscard]] const config::Configuration& configuration() const {
        return parts_.configuration;
    }
    /// This daemon's place in it.
    [[nodiscard]] std::size_t self() const { return parts_.self; }
    [[nodiscard]] const History& history() const { return parts_.history; }

  private:
    template <typename T, typename Look>
    void ask(Look look, Answer<T> done);
    void take_sample();
    [[nodiscard]] Status without_sessions() const;
    void fill_ring(Status& status) const;
    void fill_missing(RingStatus& ring) const;
    void look_for_busiest(std::string after);
    void end_busiest(bool is_known);
    [[nodiscard]] Rates rates() const;

    boost::asio::io_context& io_;
    StatusParts parts_;
    const protocol::Roster roster_;
    const WallTime started_at_ = std::chrono::system_clock::now();
    std::optional<WallTime> draining_until_;
    std::vector<std::optional<PeerTold>> told_;  ///< by place
    boost::asio::steady_timer sample_timer_;
    struct Sample {
        protocol::Instant at;
        daemon::RingThread::Counters counters;
        membership::RotationTimes rotations;
    };
    std::deque<Sample> samples_;  ///< one a second, of the last few
    std::deque<Second> seconds_;  ///< of the last ten minutes
    std::size_t samples_taken_ = 0;
    std::deque<membership::ReceivedFrom> received_;  ///< one each ten seconds, of the last minute
    protocol::Instant busiest_at_{};
    BusiestGroups busiest_;                                          ///< as they were then
    std::vector<Answer<BusiestGroups>> busiest_askers_;              ///< while they are looked for
    std::vector<membership::GroupEngine::GroupSize> busiest_found_;  ///< so far
};

}  // namespace spread::admin
