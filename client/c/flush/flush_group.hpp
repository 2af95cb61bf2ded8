#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "client/c/flush/flush_message.hpp"
#include "client/codec/message_view.hpp"

namespace spread::c_api {

/// What the layer has to say to the other members, under the identifier of a membership.
struct FlushControl {
    enum class Kind : std::uint8_t {
        kOk,       ///< nothing more comes from here in the old view
        kReceived  ///< the new view is installed here
    };
    Kind kind;
    client::GroupId id;
};

/// Output of FlushGroup, in order.
struct FlushOutput {
    std::vector<FlushMessage> deliveries;
    std::vector<FlushControl> controls;
};

/// One group of one member of the flush layer, without I/O: virtual synchrony on top of the
/// memberships of a daemon.
///
/// A membership from the daemon is *pending* at first. The application is asked to flush; when it
/// has, the members hear FLUSH_OK from us for the oldest pending membership. When it has come from
/// all its members, no message of the old view can come any more, and the membership is installed
/// as the view. A pending membership with a member that went without saying FLUSH_OK can never be
/// installed: it is dropped, and the next one, which absorbs it, is reported as a network change.
class FlushGroup {
  public:
    FlushGroup(std::string name, std::string self)
        : name_(std::move(name)), self_(std::move(self)) {}

    void on_membership(client::Membership membership, FlushOutput& output);
    void on_transitional(FlushOutput& output);
    void on_control(const FlushControl& control, const std::string& sender, FlushOutput& output);
    /// `view` is the one a message marked as vulnerable was sent in: it may have overtaken the
    /// FLUSH_OK that installs this view here, and waits for it then.
    void on_data(FlushMessage message, const std::optional<client::GroupId>& view,
                 FlushOutput& output);

    /// The application has nothing more to send in this view. False unless it was asked to.
    [[nodiscard]] bool flush(FlushOutput& output);

    void start_leaving() { is_leaving_ = true; }
    [[nodiscard]] bool is_leaving() const { return is_leaving_; }
    [[nodiscard]] bool has_view() const { return view_.has_value(); }
    [[nodiscard]] bool has_flushed() const { return has_flushed_; }
    [[nodiscard]] bool is_in_view(const std::string& member) const;
    /// Set while what is sent unordered must be marked as vulnerable: the view it is sent in.
    [[nodiscard]] std::optional<client::GroupId> vulnerable_view() const;

  private:
    struct Pending {
        client::Membership membership;
        std::set<std::string> flushed;  ///< members that have said FLUSH_OK
        bool absorbs = false;           ///< another that was dropped
        bool is_ok_sent = false;
    };
    struct Held {
        client::GroupId view;
        FlushMessage message;
    };

    void advance(FlushOutput& output);
    void install(FlushOutput& output);
    void drop_impossible();
    void signal(FlushOutput& output);
    [[nodiscard]] FlushMessage make_view(const Pending& pending) const;

    std::string name_;
    std::string self_;
    bool is_leaving_ = false;
    std::optional<client::Membership> view_;
    std::set<std::string> installed_at_;  // members whose FLUSH_RECV for view_ has come
    std::deque<Pending> pending_;
    std::vector<Held> held_;
    std::size_t held_bytes_ = 0;  // bounded; what is beyond is thrown away
    bool is_asked_ = false;       // the application has a flush request
    bool has_flushed_ = false;    // and has answered it
    bool is_signalled_ = false;   // the transitional signal of this view is delivered
};

}  // namespace spread::c_api
