#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "client/buffered_session.hpp"
#include "client/codec/message_view.hpp"
#include "protocol/rng.hpp"
#include "tests/chaos/connector.hpp"
#include "tests/chaos/stage.hpp"
#include "tests/chaos/workload.hpp"

namespace spread::chaos {

/// A client of one daemon that does what its workload says, tells the checker all it does and sees,
/// and comes back when its connection ends, for whatever reason.
class Client {
  public:
    /// The group that everybody joins on connecting and nobody leaves.
    static constexpr const char* kCommonGroup = "all";

    Client(Stage& stage, std::size_t slot, std::size_t daemon, std::uint64_t seed);

    /// Connects, or does what is due. Call often.
    void tick(Clock::time_point now);
    /// For poll(); -1 when there is nothing to wait for.
    [[nodiscard]] int descriptor() const;
    [[nodiscard]] short wanted_events() const;
    void on_ready();

    [[nodiscard]] bool is_open() const { return session_.has_value() && !is_broken_; }
    /// The present connection, or the last; no two have the same.
    [[nodiscard]] checker::ClientId connection() const { return checked_; }
    [[nodiscard]] bool wants_membership() const { return wants_membership_; }
    [[nodiscard]] const std::string& private_name() const { return private_name_; }
    /// Members of the common group as this client knows them.
    [[nodiscard]] const std::vector<std::string>& common_view() const { return common_view_; }
    /// One message to the common group; its number.
    std::uint64_t send_marker();
    /// The last marker seen from this sender; 0 when none.
    [[nodiscard]] std::uint64_t last_from(const std::string& sender) const;

  private:
    void try_to_connect(Clock::time_point now);
    void open(client::Connection connection);
    void act(Clock::time_point now);
    void carry_out(const Act& act, Clock::time_point now);
    void join(const std::string& group);
    void leave(const std::string& group);
    std::uint64_t send(const Act& act);
    void close_with_half_a_message();
    void flush();
    void read();
    void on_message(const client::MessageView& frame);
    void on_regular(const client::MessageView& frame);
    void on_membership(const client::MessageView& frame);
    void on_closed(const std::string& why);
    void end(checker::ClientEnd reason, const std::string& why);

    Stage& stage_;
    std::size_t slot_;
    std::size_t daemon_;
    protocol::Rng rng_;
    Workload workload_;
    std::string user_;
    std::uint32_t next_user_ = 0;
    bool wants_membership_ = true;
    bool is_by_library_ = false;

    std::unique_ptr<Connector> connector_;
    std::uint32_t daemon_life_ = 0;
    Clock::time_point connect_at_;

    std::optional<client::BufferedSession> session_;
    bool is_broken_ = false;  // writing failed; what is left is to be read
    std::string private_name_;
    checker::ClientId checked_{};
    std::vector<std::string> common_view_;
    std::map<std::string, std::uint64_t> last_from_;
    std::optional<Clock::time_point> stalled_until_;
};

}  // namespace spread::chaos
