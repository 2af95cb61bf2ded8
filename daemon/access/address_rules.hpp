#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "config/diagnostic.hpp"
#include "daemon/access/peer_address.hpp"

namespace spread::access {

struct AddressRulesResult;

/// Which clients method IP admits: the content of a file `spread.access_ip` (CP 3.4,
/// docs/access.md). Without rules it admits nobody.
///
/// One pattern per line (see AddressPattern); any that matches admits. `#` at the start of a line
/// or after a blank begins a comment, and blank lines mean nothing.
class AddressRules {
  public:
    /// Reports every problem of the file; one error and there are no rules. Bounded by the limits
    /// of config::Diagnostics.
    [[nodiscard]] static AddressRulesResult parse(std::string_view text);

    /// Takes time in proportion to the logarithm of the number of rules, and no memory.
    [[nodiscard]] bool admits(const PeerAddress& peer) const;

    [[nodiscard]] bool is_empty() const { return !admits_unix_ && ranges_.empty(); }

  private:
    using Range = std::pair<PeerAddress, PeerAddress>;  ///< both ends included

    bool admits_unix_ = false;
    std::vector<Range> ranges_;  ///< ascending, without overlap
};

struct AddressRulesResult {
    std::optional<AddressRules> rules;  ///< set when no diagnostic is an error
    std::vector<config::Diagnostic> diagnostics;
};

}  // namespace spread::access
