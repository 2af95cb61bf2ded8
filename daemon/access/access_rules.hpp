#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"
#include "daemon/access/address_pattern.hpp"
#include "daemon/access/glob.hpp"
#include "daemon/access/peer_address.hpp"

namespace spread::access {

/// Who a session is.
struct Identity {
    std::string user;   ///< private name, without '#' and daemon
    std::string login;  ///< name proven by method PWORD; empty: none was proven
    PeerAddress peer;
};

struct AccessRulesResult;

/// Who may connect, join and send: the content of a file `spread.access_rules`. Without rules
/// everything is allowed. Leaving a group is always allowed.
///
/// Lines, with one or more blanks between words:
///
///     allow|deny connect USER [from ADDRESS]
///     allow|deny join USER GROUP
///     allow|deny send USER GROUP
///     default allow|deny
///
/// USER is a glob (`*`, `?`) over the private name or, as `login:GLOB`, over the name proven by
/// method PWORD; that never matches a session which proved none. GROUP is a glob over the
/// destination; a private group is matched as `#user#daemon`. ADDRESS is an AddressPattern. In
/// globs `\` takes the next character literally and `\xNN` stands for any byte. The first rule for
/// an action that matches decides, else the default, which is allow.
///
/// A comment begins with `#` at the start of a line, or between blanks (or at the end of the line):
/// `#alice#d1` is a group.
class AccessRules {
  public:
    /// Every message of a session is compared with the rules one by one.
    static constexpr std::size_t kRulesMax = 4096;

    /// Reports every problem of the file; one error and there are no rules.
    [[nodiscard]] static AccessRulesResult parse(std::string_view text);

    [[nodiscard]] bool may_connect(const Identity& who) const;
    /// `group` is without padding.
    [[nodiscard]] bool may_join(const Identity& who, std::string_view group) const;
    [[nodiscard]] bool may_send(const Identity& who, std::string_view group) const;

  private:
    friend class RuleParser;

    struct Rule {
        bool allow = true;
        bool by_login = false;
        Glob user{};
        Glob group{};                          ///< of join and send
        std::optional<AddressPattern> from{};  ///< of connect; none: from anywhere

        [[nodiscard]] bool is_about(const Identity& who) const;
    };

    [[nodiscard]] bool decide(const std::vector<Rule>& rules, const Identity& who,
                              std::string_view group) const;

    bool default_allow_ = true;
    std::vector<Rule> connect_;
    std::vector<Rule> join_;
    std::vector<Rule> send_;
};

struct AccessRulesResult {
    std::optional<AccessRules> rules;  ///< set when no diagnostic is an error
    std::vector<config::Diagnostic> diagnostics;
};

}  // namespace spread::access
