#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "tls/context.hpp"

struct ssl_st;

namespace spread::tls {

/// The most that one record carries, and a read gets at once.
inline constexpr std::size_t kRecordBytes = 16384;

/// One TLS connection over a non-blocking stream socket, which it does not own. Nothing waits. For
/// one thread at a time.
class Stream {
  public:
    enum class State : std::uint8_t {
        kDone,
        kWantRead,   ///< the socket has nothing more
        kWantWrite,  ///< the socket takes nothing more
        kPause,      ///< much was read from the socket and nothing came of it: to be called again
        kEnd,        ///< the peer has closed its side
        kBroken      ///< see error()
    };
    struct Io {
        State state;
        std::size_t bytes = 0;
    };

    [[nodiscard]] static std::unique_ptr<Stream> server(std::shared_ptr<const Context> context,
                                                        int socket);
    /// The daemon's certificate must be for `host`, a name or an address.
    [[nodiscard]] static std::unique_ptr<Stream> client(std::shared_ptr<const Context> context,
                                                        int socket, const std::string& host);
    ~Stream();
    Stream(const Stream&) = delete;
    Stream& operator=(const Stream&) = delete;

    [[nodiscard]] State handshake();
    /// Fills `room` as far as there is something. Bytes come with the state that ended the reading,
    /// kDone when the room is full; an end or failure is said again when asked again.
    [[nodiscard]] Io read(std::span<std::byte> room);
    /// Bytes are taken from the front, in whole records. What was offered and not taken must be
    /// offered again, with more behind it or not.
    [[nodiscard]] Io write(std::span<const std::byte> bytes);
    /// Says good-bye, as far as the socket takes it.
    void close();
    /// Decrypted bytes of a record whose first part has been read.
    [[nodiscard]] std::size_t pending() const;

    /// "TLSv1.3".
    [[nodiscard]] std::string version() const;
    /// What the peer's certificate says, which has been checked; nothing: it showed none.
    [[nodiscard]] std::optional<CertificateFacts> peer() const;
    /// Why it is broken.
    [[nodiscard]] const std::string& error() const { return error_; }
    /// The first byte that came.
    [[nodiscard]] std::optional<std::byte> first_byte() const;

  private:
    struct Wire;

    Stream(std::shared_ptr<const Context> context, int socket);
    [[nodiscard]] State state_of(int returned);
    [[nodiscard]] State broken(std::string error);

    std::shared_ptr<const Context> context_;
    std::unique_ptr<Wire> wire_;
    ssl_st* ssl_ = nullptr;
    std::optional<State> over_;  ///< kEnd or kBroken
    std::string error_;
};

}  // namespace spread::tls
