#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "client/codec/frame_buffer.hpp"
#include "client/codec/message_view.hpp"
#include "protocol/message.hpp"
#include "protocol/names.hpp"
#include "protocol/rng.hpp"
#include "tests/checker/group_checker.hpp"
#include "tests/sim/connection.hpp"
#include "tests/sim/scenario.hpp"

namespace spread::sim {

class Simulator;

/// A program that uses the daemon: speaks the session wire, tells the checker what it does and
/// sees. Connects again under its name as often as it is told to.
class Client {
  public:
    Client(Simulator& simulator, ClientIndex index, std::uint64_t luck);

    void connect(DaemonIndex daemon, bool wants_membership);
    /// kJoin, kLeaveGroup, kSend; kept until the handshake is done.
    void request(const Step& step);
    void disconnect();
    /// Closes; first writes `bytes` bytes of a multicast if that is not 0.
    void abort(std::size_t bytes);
    void stall(bool on);
    void garbage(std::size_t bytes);

    /// Something came, or the connection ended.
    void turn(std::uint32_t connection);

    [[nodiscard]] bool is_connected() const { return phase_ != Phase::kIdle; }
    [[nodiscard]] bool is_stalled() const { return stalled_; }
    /// Nothing to read, nothing to say.
    [[nodiscard]] bool is_quiet() const;
    /// Who was in the latest view of a group; nullptr before the first and after leaving.
    [[nodiscard]] const std::vector<std::string>* view_of(const std::string& group) const;
    [[nodiscard]] const std::string& private_name() const { return private_name_; }
    [[nodiscard]] std::string user() const { return "c" + std::to_string(index_ + 1); }

    /// The latest session under this name was ended by a goodbye.
    [[nodiscard]] bool said_goodbye(std::string_view private_name) const;

    /// True when `body` is what this client sent under this number.
    [[nodiscard]] bool sent_this(std::uint16_t number, std::span<const std::byte> body) const;

  private:
    enum class Phase : std::uint8_t { kIdle, kAuthList, kVerdict, kAccept, kOpen, kDeaf };

    void open_connection();
    void write(std::vector<std::byte> bytes);
    void carry_out(const Step& step);
    void send(const Step& step);
    [[nodiscard]] std::vector<std::byte> in_own_order(std::vector<std::byte> request) const;
    [[nodiscard]] std::vector<std::byte> make_multicast(const Step& step,
                                                        checker::Multicast& multicast);
    void on_bytes(const protocol::Message& message);
    void choose_method();
    void on_handshake(std::span<const std::byte> bytes);
    void on_frame(const client::MessageView& frame);
    void on_membership(const client::MessageView& frame);
    void on_regular(const client::MessageView& frame);
    void on_closed();
    void leave_phase(checker::ClientEnd end);

    Simulator& simulator_;
    ClientIndex index_;
    protocol::Rng rng_;
    Phase phase_ = Phase::kIdle;
    bool stalled_ = false;
    bool spoilt_ = false;                          ///< wrote noise: says nothing more, still reads
    std::set<std::string, std::less<>> goodbyes_;  ///< names of sessions that were ended so
    bool wants_membership_ = true;
    DaemonIndex daemon_ = 0;
    std::uint32_t retries_left_ = 0;
    bool retry_posted_ = false;
    std::optional<std::uint32_t> connection_;
    std::string private_name_;
    protocol::NameField self_;
    checker::ClientId checked_;
    std::vector<Step> waiting_;
    std::vector<std::uint32_t> sizes_;  ///< of the bodies sent, by number
    std::map<std::string, std::vector<std::string>> views_;
    client::FrameBuffer frames_;  ///< of an open session
    std::vector<std::byte> scratch_;
};

}  // namespace spread::sim
