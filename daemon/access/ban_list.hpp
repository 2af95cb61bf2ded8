#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <tl/expected.hpp>

#include "daemon/access/access_rules.hpp"
#include "daemon/access/address_pattern.hpp"
#include "daemon/access/glob.hpp"
#include "protocol/time.hpp"

namespace spread::access {

/// Whom a ban is about:
///
///     user:GLOB        the private name a client chose
///     login:GLOB       the name proven by method PWORD
///     address:ADDRESS  where it connects from, as access files write addresses
///
/// Without one of these words in front an address is one, "#USER#DAEMON" is exactly that user, and
/// all else is a user. `text()` always has the word, so that two ways to write one subject are
/// equal.
class BanSubject {
  public:
    /// The error is one line. A user at another daemon than `own_daemon` is one.
    [[nodiscard]] static tl::expected<BanSubject, std::string> parse(std::string_view text,
                                                                     std::string_view own_daemon);

    [[nodiscard]] bool is_about(const Identity& who) const;
    [[nodiscard]] const std::string& text() const { return text_; }

  private:
    enum class Kind : std::uint8_t { kUser, kLogin, kAddress };
    BanSubject(Kind kind, std::string text) : kind_(kind), text_(std::move(text)) {}
    [[nodiscard]] static tl::expected<BanSubject, std::string> named(Kind kind,
                                                                     std::string_view glob);
    [[nodiscard]] static tl::expected<BanSubject, std::string> placed(std::string_view address);

    Kind kind_;
    Glob name_{};               ///< of kUser and kLogin
    AddressPattern address_{};  ///< of kAddress
    std::string text_;
};

struct Ban {
    BanSubject subject;
    protocol::Instant until;
    std::string reason{};       ///< printable; may be empty
    std::string by{};           ///< who said so
    std::uint64_t refused = 0;  ///< clients that came and were turned away
};

/// Whom an operator keeps out, for a while: beside the files, until each ban's end or the daemon's.
class BanList {
  public:
    static constexpr std::size_t kBansMax = 1000;

    /// Replaces the ban of the same subject. False: there are kBansMax already.
    [[nodiscard]] bool add(protocol::Instant now, Ban ban);
    /// False: there is none. `subject` as BanSubject::text() has it.
    [[nodiscard]] bool lift(protocol::Instant now, std::string_view subject);
    /// The ban in force that keeps this client out, which is counted; null: none does.
    [[nodiscard]] const Ban* refuse(protocol::Instant now, const Identity& who);
    /// Those in force, the first to end first.
    [[nodiscard]] const std::vector<Ban>& bans(protocol::Instant now);
    [[nodiscard]] bool empty() const { return bans_.empty(); }

  private:
    void forget_ended(protocol::Instant now);

    std::vector<Ban> bans_;  ///< by `until`
};

}  // namespace spread::access
