#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/diagnostic.hpp"

namespace spread::access {

inline constexpr std::size_t kLoginBytesMax = 32;    ///< the name field of method PWORD
inline constexpr std::size_t kPasswordBytesMax = 8;  ///< its password field
inline constexpr std::size_t kHashBytesMax = 384;    ///< CRYPT_OUTPUT_SIZE of crypt(3)

struct PasswordFileResult;

/// The users method PWORD knows: the content of a file `spread.access_pword` (CP 3.4,
/// docs/access.md).
///
/// One user per line, `user:hash`, with a hash of crypt(3). The name has 1 to 32 bytes, none of
/// them a blank, a control character or ':'. `#` at the start of a line or after a blank begins a
/// comment, and blank lines mean nothing. That a hash looks like one is checked here; whether this
/// host's crypt(3) knows its kind is not.
class PasswordFile {
  public:
    struct User {
        std::string name;
        std::string hash;
        config::Position at;  ///< of the hash
    };

    /// Reports every problem of the file; one error and there are no users.
    [[nodiscard]] static PasswordFileResult parse(std::string_view text);

    /// Null when there is no such user.
    [[nodiscard]] const std::string* hash_of(std::string_view user) const;

    /// The hash of some user, always the same for the same name. Checking an unknown user's
    /// password against it takes the time it would take for a known one. Null only when there are
    /// no users.
    [[nodiscard]] const std::string* stand_in_for(std::string_view user) const;

    /// By name.
    [[nodiscard]] const std::vector<User>& users() const { return users_; }

  private:
    std::vector<User> users_;
};

struct PasswordFileResult {
    std::optional<PasswordFile> file;  ///< set when no diagnostic is an error
    std::vector<config::Diagnostic> diagnostics;
};

}  // namespace spread::access
