#pragma once

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "daemon/access/peer_address.hpp"
#include "daemon/host/unique_fd.hpp"
#include "daemon/session/outbound_queue.hpp"
#include "protocol/ids.hpp"
#include "tls/stream.hpp"

namespace spread::daemon {

/// What a client's TCP connection is set to. A client whose host has lost power or network leaves
/// its groups kKeepAliveIdle + kKeepAliveProbes * kKeepAliveInterval seconds after it was heard
/// last.
inline constexpr int kKeepAliveIdle = 60;
inline constexpr int kKeepAliveInterval = 10;
inline constexpr int kKeepAliveProbes = 6;
void set_tcp_options(int fd);

/// The non-blocking socket of one client, watched for edges (EPOLLET): what is known to be readable
/// stays so until a read says otherwise, and nothing is re-armed.
///
///   Input       kEmpty -> kReadable       the kernel says that something has come
///               any -> kEnding            it says that the end will come, too
///               kReadable -> kEmpty       a read was not filled, or found nothing
///               kEnding -> kEmpty         a read found nothing, not even the end
///
/// With TLS, a read is one of the socket beneath: what is decrypted and not fetched yet keeps it
/// readable.
class ClientSocket {
  public:
    /// The events the socket is watched for: usually, and while it takes no more bytes.
    static constexpr std::uint32_t kReadEvents = EPOLLIN | EPOLLRDHUP | EPOLLET;
    static constexpr std::uint32_t kWriteEvents = kReadEvents | EPOLLOUT;

    ClientSocket(protocol::SessionId id, UniqueFd fd) : id_(id), fd_(std::move(fd)) {}

    [[nodiscard]] protocol::SessionId id() const { return id_; }
    [[nodiscard]] int fd() const { return fd_.get(); }

    // TLS

    /// Nothing has come yet, and what comes first tells whether it is TLS.
    void expect_first_byte(const access::PeerAddress& place) {
        is_unheard_ = true;
        place_ = place;
    }
    [[nodiscard]] bool is_unheard() const { return is_unheard_; }
    /// Where it comes from, once its first byte is expected.
    [[nodiscard]] const access::PeerAddress& place() const { return place_; }
    struct Peek {
        std::optional<std::byte> first;  ///< what the next read begins with
        bool is_over = false;            ///< it will bring no byte, but the end or a failure
    };
    /// Neither: there is nothing now.
    [[nodiscard]] Peek peek();
    void set_heard() { is_unheard_ = false; }
    /// The descriptor, until take_back(): somebody else shakes hands.
    [[nodiscard]] UniqueFd give_away();
    [[nodiscard]] bool is_given_away() const { return !fd_; }
    /// Without a stream it is read as it comes.
    void take_back(UniqueFd fd, std::unique_ptr<tls::Stream> stream);
    [[nodiscard]] bool has_tls() const { return tls_ != nullptr; }
    /// A read cannot go on before something is written.
    [[nodiscard]] bool reads_when_writable() const { return reads_when_writable_; }

    // Reading

    void note_input(std::uint32_t epoll_events);
    /// There may be something to read, or the end.
    [[nodiscard]] bool is_readable() const { return input_ != Input::kEmpty; }
    enum class ReadResult : std::uint8_t { kBytes, kNothing, kEnd, kBroken };
    struct Read {
        ReadResult result;
        std::size_t bytes = 0;
    };
    [[nodiscard]] Read read(std::span<std::byte> room);
    /// The peer has closed its side, even if bytes that came before are unread.
    [[nodiscard]] bool has_hung_up() const;
    /// Reads and drops what has arrived: closing a socket with unread bytes resets the connection,
    /// and the peer would lose what it has not read yet.
    void drain();

    /// The socket is listed to be read. True if it was not listed before.
    [[nodiscard]] bool enlist() { return !std::exchange(is_listed_, true); }
    void delist() { is_listed_ = false; }

    // Writing

    enum class WriteResult : std::uint8_t { kTaken, kFull, kBroken };
    struct Write {
        WriteResult result;
        std::size_t bytes = 0;
    };
    /// One gathered write of what comes next in `queue`.
    [[nodiscard]] Write write(const session::OutboundQueue& queue);
    void shut_down();
    /// Whether the kernel is asked for kWriteEvents. Returns what was so before.
    bool set_write_watched(bool watched) { return std::exchange(is_write_watched_, watched); }

  private:
    enum class Input : std::uint8_t { kEmpty, kReadable, kEnding };

    [[nodiscard]] Read read_tls(std::span<std::byte> room);
    [[nodiscard]] Write write_tls(const session::OutboundQueue& queue);

    protocol::SessionId id_;
    UniqueFd fd_;
    Input input_ = Input::kEmpty;
    bool is_listed_ = false;
    bool is_write_watched_ = false;
    bool is_unheard_ = false;
    bool reads_when_writable_ = false;
    access::PeerAddress place_;
    std::unique_ptr<tls::Stream> tls_;  ///< null: plain text
};

}  // namespace spread::daemon
