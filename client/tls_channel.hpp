#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <span>
#include <string>

#include "client/codec/error.hpp"
#include "client/socket.hpp"
#include "spread/options.hpp"
#include "tls/stream.hpp"

namespace spread::client {

/// What goes over a daemon's socket, encrypted. One thread may read while another one writes. The
/// socket stays readable while there is more than pending() to read: waiting for it works as
/// without TLS.
class TlsChannel {
  public:
    /// Shakes hands over the connected, non-blocking `socket`, which must outlive the channel.
    /// `host` is where the user has sent us, unless `wanted` names another.
    [[nodiscard]] static Result<std::unique_ptr<TlsChannel>> open(int socket, const Tls& wanted,
                                                                  const std::string& host,
                                                                  Deadline deadline);

    explicit TlsChannel(std::unique_ptr<tls::Stream> stream) : stream_(std::move(stream)) {}

    /// One non-blocking read, of several records if there are. 0 means "nothing there now"; the end
    /// of the stream is kConnectionClosed, a refusal of our certificate kRejectAuth.
    [[nodiscard]] Result<std::size_t> read(std::span<std::byte> into);
    /// One non-blocking write. 0 means "no room now". What was not taken must be offered again.
    [[nodiscard]] Result<std::size_t> write(std::span<const std::byte> bytes);
    /// Bytes to be read that the socket shows no more.
    [[nodiscard]] std::size_t pending() const;
    /// Says good-bye, as far as the socket takes it.
    void close();

  private:
    [[nodiscard]] tl::unexpected<Error> broken(std::string text) const;

    mutable std::mutex mutex_;
    std::unique_ptr<tls::Stream> stream_;
};

}  // namespace spread::client
