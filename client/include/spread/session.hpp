#pragma once

#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "spread/error.hpp"
#include "spread/event.hpp"
#include "spread/options.hpp"

namespace spread {

class SessionImpl;

/// The bytes of a message: text or bytes, looked at during the call only.
class Body {
  public:
    Body() = default;
    // Whatever holds bytes or characters converts.
    Body(std::span<const std::byte> bytes) : bytes_(bytes) {}                // NOLINT
    Body(const std::vector<std::byte>& bytes) : bytes_(bytes) {}             // NOLINT
    Body(std::string_view text) : bytes_(std::as_bytes(std::span(text))) {}  // NOLINT
    Body(const std::string& text) : Body(std::string_view(text)) {}          // NOLINT
    Body(const char* text) : Body(std::string_view(text)) {}                 // NOLINT

    [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

  private:
    std::span<const std::byte> bytes_;
};

/// How to deliver: `Service::kAgreed` alone, or with the application's message type and whether the
/// sender goes without its own copy: `{Service::kSafe, 7, true}`.
struct Delivery {
    Delivery(Service chosen, std::int16_t type = 0, bool discards_own = false)  // NOLINT: converts
        : service(chosen), mess_type(type), self_discard(discards_own) {}

    Service service;
    std::int16_t mess_type;
    bool self_discard;
};

/// A message where it stands in the receive buffer: for programs that cannot afford copies. Valid
/// during the call it is handed to.
struct MessageRef {
    std::uint32_t type = 0;   ///< service or membership bits, as in the stock headers
    std::string_view sender;  ///< sender, or the group of a membership message
    std::int16_t mess_type = 0;
    bool endian_mismatch = false;
    std::span<const std::byte> groups;  ///< 32 bytes each
    std::span<const std::byte> body;

    [[nodiscard]] bool is_regular() const { return (type & 0x3fU) != 0 && (type & 0x400000U) == 0; }
    [[nodiscard]] std::size_t group_count() const { return groups.size() / 32; }
    [[nodiscard]] std::string_view group(std::size_t index) const;
};

struct DaemonVersion {
    int major = 0;
    int minor = 0;
    int patch = 0;
};

enum class SessionState : std::uint8_t {
    kConnected,
    kReconnecting,
    kEnded,  ///< the connection ended for good; what had come can still be received
    kClosed  ///< by close()
};

/// Counted since the session was made, over all its connections.
struct SessionStats {
    std::uint64_t messages_in = 0;
    std::uint64_t bytes_in = 0;  ///< headers included
    std::uint64_t messages_out = 0;
    std::uint64_t bytes_out = 0;
    std::uint64_t reconnects = 0;
    std::size_t queued_messages = 0;  ///< right now, not yet taken by the system
    std::size_t queued_bytes = 0;
};

/// A session with one daemon of a Spread network.
///
///     auto session = spread::Session::connect({.servers = {"4803@localhost"},
///                                              .private_name = "alice"});
///     if (!session) { return complain(session.error().text); }
///     session->join("room");
///     session->multicast(spread::Service::kAgreed, "room", "hello");
///     while (auto event = session->receive()) {
///         if (const auto* message = std::get_if<spread::Message>(&*event)) { show(*message); }
///     }
///
/// Threads: every member function but move and destructor may be called from any thread at any
/// time. Senders and receivers do not wait for each other; two senders, or two receivers, take
/// turns. The library starts no thread but while it looks for a new daemon, and while a host name
/// is resolved. It touches neither signals nor anything else of the process.
///
/// Memory: what waits to be sent is bounded by Options; what waits to be received is one read, or
/// one message, whichever is larger. A program that does not receive leaves its messages with the
/// daemon, which drops the session when they become too many (MaxSessionMessages).
class Session {
  public:
    /// Tries the servers in turn; the error tells of all of them.
    [[nodiscard]] static Result<Session> connect(Options options);

    Session(Session&& other) noexcept;
    Session& operator=(Session&& other) noexcept;
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;
    ~Session();  ///< as close()

    // ---- Groups ----

    /// The Membership that lists us comes through receive(). Remembered for reconnecting until
    /// leave().
    [[nodiscard]] Result<void> join(std::string_view group);
    [[nodiscard]] Result<void> leave(std::string_view group);

    // ---- Sending ----
    // All return the number of the multicast within the session, counted from 1 (see Disconnected).
    // Groups: any, also private ones ("#user#daemon"); no membership is needed. Body and 32 bytes
    // per group are at most 144000 bytes. While there is no connection: kConnectionClosed, and what
    // was to be sent is not kept.

    /// Returns when the system has taken all of it. After kTimedOut in mid-message the connection
    /// counts as lost.
    [[nodiscard]] Result<std::uint64_t> multicast(const Delivery& delivery, std::string_view group,
                                                  Body body);
    [[nodiscard]] Result<std::uint64_t> multigroup_multicast(
        const Delivery& delivery, std::span<const std::string_view> groups, Body body);
    [[nodiscard]] Result<std::uint64_t> multigroup_multicast(const Delivery& delivery,
                                                             const std::vector<std::string>& groups,
                                                             Body body);
    /// Never waits: kWouldBlock when the queue is full. What the system does not take at once is
    /// sent by whoever receives, or waits on descriptor() and calls try_receive() or flush().
    [[nodiscard]] Result<std::uint64_t> try_multicast(const Delivery& delivery,
                                                      std::string_view group, Body body);
    [[nodiscard]] Result<std::uint64_t> try_multigroup_multicast(
        const Delivery& delivery, std::span<const std::string_view> groups, Body body);
    /// As try_multicast(), but nothing leaves before flush() or the next blocking send, or before
    /// 64 KiB have come together: many small messages for one system call.
    [[nodiscard]] Result<std::uint64_t> queue_multicast(const Delivery& delivery,
                                                        std::string_view group, Body body);
    /// Gives the system what it takes; returns the bytes that still wait.
    [[nodiscard]] Result<std::size_t> flush();
    /// Waits until all of it is taken.
    [[nodiscard]] Result<void> flush(std::chrono::milliseconds timeout);

    // ---- Receiving ----

    /// The next event; waits for it. kConnectionClosed after a Disconnected that was the end,
    /// kNetErrorOnSession from then on.
    [[nodiscard]] Result<Event> receive();
    /// ... kTimedOut when there was none in time.
    [[nodiscard]] Result<Event> receive(std::chrono::milliseconds timeout);
    /// ... nothing when there is none now.
    [[nodiscard]] Result<std::optional<Event>> try_receive();
    /// Reads once and calls `visit(const MessageRef&)` for each whole message, without copies.
    /// Returns the number of bytes read; 0 when there was nothing. Events that are no message
    /// (Disconnected, Reconnected) wait for receive(), which kInterrupted asks to be called.
    template <std::invocable<const MessageRef&> Visit>
    [[nodiscard]] Result<std::size_t> receive_each(Visit&& visit) {
        return visit_messages(
            [](void* context, const MessageRef& message) {
                (*static_cast<std::remove_reference_t<Visit>*>(context))(message);
            },
            std::addressof(visit));
    }
    /// Bytes that wait to be received, in our buffer and in the system's.
    [[nodiscard]] std::size_t poll() const;
    /// Lets one receive() that waits, or the next one, return kInterrupted.
    void interrupt();

    /// Readable whenever try_receive() has something to do, also when a message waits in our own
    /// buffer, when there is room for what waits to be sent, and while reconnecting. The same for
    /// the life of the session; for poll, select and their kin, not to be read or closed.
    [[nodiscard]] Result<int> descriptor();
    /// The same for programs that send while nobody receives: readable when there is room for what
    /// waits to be sent, and flush() or a try_ form has something to do.
    [[nodiscard]] Result<int> room_descriptor();

    // ---- The rest ----

    /// Says good-bye as far as the socket takes it, closes, and lets waiting calls return
    /// kIllegalSession. Anything afterwards is kIllegalSession as well.
    void close();

    [[nodiscard]] std::string private_group() const;
    [[nodiscard]] std::string address() const;  ///< of the daemon, as given in Options::servers
    [[nodiscard]] DaemonVersion daemon_version() const;
    [[nodiscard]] SessionState state() const;
    [[nodiscard]] SessionStats stats() const;

    /// For tests and for sessions over sockets made elsewhere.
    explicit Session(std::unique_ptr<SessionImpl> impl);

  private:
    using Visitor = void (*)(void* context, const MessageRef& message);
    [[nodiscard]] Result<std::size_t> visit_messages(Visitor visitor, void* context);

    std::unique_ptr<SessionImpl> impl_;
};

}  // namespace spread
