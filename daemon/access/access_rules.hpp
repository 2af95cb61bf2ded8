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
#include "daemon/access/glob_set.hpp"
#include "daemon/access/peer_address.hpp"

namespace spread::access {

/// Who a session is.
struct Identity {
    std::string user;   ///< private name, without '#' and daemon
    std::string login;  ///< name proven by method PWORD; empty: none was proven
    PeerAddress peer;
    std::string certificate{};  ///< the name in its TLS certificate; empty: it has shown none
};

/// How much a client may send. 0: as much as it likes.
struct SendLimit {
    std::uint64_t messages_per_s = 0;
    std::uint64_t bytes_per_s = 0;

    [[nodiscard]] bool is_any() const { return messages_per_s != 0 || bytes_per_s != 0; }
    friend bool operator==(const SendLimit&, const SendLimit&) = default;
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
///     limit send USER RATE...
///     default allow|deny
///
/// RATE is N/s (messages), NkB/s or NMB/s; the first limit that fits a client is its limit.
///
/// USER is a glob (`*`, `?`) over the private name or, as `login:GLOB`, over the name proven by
/// method PWORD, or as `tls:GLOB` over the name in its certificate; these never match a session
/// that has none. GROUP is a glob over the
/// destination; a private group is matched as `#user#daemon`. ADDRESS is an AddressPattern. In
/// globs `\` takes the next character literally and `\xNN` stands for any byte. The first rule for
/// an action that matches decides, else the default, which is allow.
///
/// The rules about a client are picked out once (Standing); after that a join or message costs one
/// search over the patterns of groups, in which all are compared at once (GlobSet).
///
/// A comment begins with `#` at the start of a line, or between blanks (or at the end of the line):
/// `#alice#d1` is a group.
class AccessRules {
  public:
    static constexpr std::size_t kRulesMax = 4096;

    /// Which of these rules are about a client.
    class Standing {
        friend class AccessRules;
        NumberSet join_;
        NumberSet send_;
        SendLimit limit_;

      public:
        [[nodiscard]] const SendLimit& send_limit() const { return limit_; }
    };

    /// Reports every problem of the file; one error and there are no rules.
    [[nodiscard]] static AccessRulesResult parse(std::string_view text);

    [[nodiscard]] bool may_connect(const Identity& who) const;
    /// Of somebody who may not: "line 7 of the access rules denies connect".
    [[nodiscard]] std::string why_not_connect(const Identity& who) const;
    [[nodiscard]] bool has_limits() const { return !limits_.empty(); }
    /// Takes time in proportion to the number of rules. Holds for these rules only.
    [[nodiscard]] Standing standing_of(const Identity& who) const;
    /// `group` is without padding.
    [[nodiscard]] bool may_join(const Standing& who, std::string_view group) const {
        return decide(join_, who.join_, group);
    }
    [[nodiscard]] bool may_send(const Standing& who, std::string_view group) const {
        return decide(send_, who.send_, group);
    }

    /// Neither rules nor a default were given.
    [[nodiscard]] bool is_blank() const { return is_blank_; }

  private:
    friend class RuleParser;

    struct Rule {
        bool allow = true;
        enum class By : std::uint8_t { kUser, kLogin, kCertificate };
        By by = By::kUser;
        Glob user{};
        std::optional<AddressPattern> from{};  ///< of connect; none: from anywhere
        std::uint32_t line = 0;

        [[nodiscard]] bool is_about(const Identity& who) const;
    };
    /// The rules of one action.
    struct Action {
        std::vector<Rule> rules;
        GlobSet groups;  ///< one glob per rule; none for connect
    };

    struct Limit {
        Rule who;
        SendLimit limit;
    };

    [[nodiscard]] const Rule* connect_rule_of(const Identity& who) const;
    [[nodiscard]] static NumberSet about(const std::vector<Rule>& rules, const Identity& who);
    [[nodiscard]] bool decide(const Action& action, const NumberSet& about,
                              std::string_view group) const;

    bool default_allow_ = true;
    bool is_blank_ = true;
    Action connect_;
    Action join_;
    Action send_;
    std::vector<Limit> limits_;
};

struct AccessRulesResult {
    std::optional<AccessRules> rules;  ///< set when no diagnostic is an error
    std::vector<config::Diagnostic> diagnostics;
};

}  // namespace spread::access
