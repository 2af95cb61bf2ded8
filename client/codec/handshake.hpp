#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "client/codec/error.hpp"
#include "client/codec/requests.hpp"
#include "protocol/session_wire.hpp"

namespace spread::client {

/// What a client says of itself in the handshake.
struct HandshakeOptions {
    std::string private_name;  ///< as sent; at most 127 bytes. Empty: the daemon invents one
    bool wants_membership = true;
    bool priority = false;
    /// Every one of them must be offered by the daemon; at most three of at most 29 bytes. None is
    /// sent as such and answered by most daemons with a reject.
    std::vector<std::string> auth_methods{"NULL"};
    /// For PWORD, which must then be among the methods: the exchange is part of the handshake.
    /// Without it, a method's exchange is for the caller (has_chosen()).
    std::optional<protocol::PasswordProof> login{};
};

/// What the daemon answered.
struct Accepted {
    protocol::NameField private_group;  ///< "#user#daemon"
    protocol::SpreadVersion daemon;
};

/// The client's half of the handshake (CP 3), without a socket:
///
///     Handshake handshake(options);
///     write(handshake.output());      // C1
///     while (!handshake.accepted()) {
///         handshake.on_bytes(read bytes_wanted() bytes, or more);
///         write(handshake.output());  // C2 and the login, once D1 is in; needed even when D2 is
///     }
///
/// Errors carry the daemon's own reject code, known or not, in `code`.
class Handshake {
  public:
    explicit Handshake(HandshakeOptions options);

    /// What is to be sent now, once: each message in one write, since stock daemons do not accept
    /// the opening bytes in pieces (CP 3.1).
    [[nodiscard]] Bytes output();

    /// How many bytes the next answer needs at least. Who reads no more than that reads nothing
    /// of what comes behind the handshake.
    [[nodiscard]] std::size_t bytes_wanted() const;

    /// Takes bytes from the daemon, in any pieces. Those behind the acceptance are kept for rest().
    [[nodiscard]] Result<void> on_bytes(std::span<const std::byte> bytes);

    /// C2 is made: what the methods themselves exchange comes now, before the acceptance.
    [[nodiscard]] bool has_chosen() const { return has_chosen_; }
    [[nodiscard]] const std::optional<Accepted>& accepted() const { return accepted_; }
    /// What followed the acceptance: the first bytes of the message stream.
    [[nodiscard]] Bytes take_rest() { return std::move(stream_); }

    /// What the daemon is to send next, for messages to the user.
    [[nodiscard]] std::string_view awaited() const;

  private:
    // False: bytes are missing.
    [[nodiscard]] Result<bool> read_methods();
    [[nodiscard]] Result<bool> read_verdict();
    [[nodiscard]] Result<bool> read_acceptance();
    [[nodiscard]] Error rejected(protocol::RejectCode code) const;
    void consume(std::size_t bytes);

    HandshakeOptions options_;
    protocol::SpreadVersion version_ = protocol::kPresentedVersion;
    Bytes output_;
    Bytes stream_;  // received, not used yet
    bool has_chosen_ = false;
    bool awaits_verdict_ = false;  // on the login
    std::optional<Accepted> accepted_;
};

}  // namespace spread::client
