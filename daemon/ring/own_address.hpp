#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "daemon/host/host_facts.hpp"

namespace spread::daemon {

/// Follows the address that a daemon is configured with through changes of this host's interfaces.
class OwnAddress {
  public:
    /// `at` is where it is at the start.
    explicit OwnAddress(LocalAddress at) : at_(std::move(at)) {}

    enum class Event : std::uint8_t {
        kLost,      ///< no interface carries it any more
        kReturned,  ///< one does again; group memberships of the old interface are gone
        kMoved,     ///< another interface does, or one made anew under the old name
        kLinkLost,  ///< its interface has no carrier; other hosts are out of reach
        kLinkBack   ///< it has one again; the network may have forgotten our groups
    };
    struct Change {
        Event event;
        std::string text;  ///< for the log
    };

    /// What has become of it, given all addresses of this host now.
    [[nodiscard]] std::optional<Change> look(const std::vector<LocalAddress>& locals);

    [[nodiscard]] bool is_present() const { return present_; }
    /// It is present, and so is the link of its interface.
    [[nodiscard]] bool is_linked() const { return present_ && at_.link; }
    /// Where it is, or was last.
    [[nodiscard]] const LocalAddress& at() const { return at_; }

  private:
    [[nodiscard]] std::string text_of_loss(const std::vector<LocalAddress>& locals) const;

    LocalAddress at_;
    bool present_ = true;
};

}  // namespace spread::daemon
