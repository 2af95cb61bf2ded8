#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tests/interop/wire.hpp"
#include "tests/support/raw_connection.hpp"

namespace spread::interop {

/// One client as a library would be, over a connection of its own. What does not come in time, or
/// is not what a daemon may say at that place, is an exception: the test has failed.
class Session {
  public:
    struct Options {
        Version version{};
        unsigned flags = 1;  ///< bit 0: wants membership messages
    };

    /// Runs the handshake.
    Session(support::RawConnection connection, std::string_view name)
        : Session(std::move(connection), name, Options{}) {}
    Session(support::RawConnection connection, std::string_view name, const Options& options);

    /// "#name#daemon".
    [[nodiscard]] const std::string& name() const { return private_group_; }

    /// A request as a library would fill it in.
    [[nodiscard]] Request request(std::uint32_t type, std::vector<std::string> groups,
                                  std::string_view body = "") const;
    void send(const Request& request);
    void send(std::span<const std::byte> bytes) { connection_.send(bytes); }
    void join(std::string_view group);
    void leave(std::string_view group);
    void kill();
    void multicast(std::vector<std::string> groups, std::string_view body,
                   std::uint32_t type = kAgreed);

    [[nodiscard]] Frame next(std::chrono::milliseconds patience = support::kPatience);
    /// The next message, which must be a view of `group` with this cause.
    View next_view(std::string_view group, std::uint32_t cause,
                   std::chrono::milliseconds patience = support::kPatience);
    /// The next message, which must be a multicast with this body.
    Frame next_text(std::string_view body);
    void next_self_leave(std::string_view group);
    /// join() and the view it brings.
    View enter(std::string_view group);
    /// Proves that nothing is on the way: a message to ourselves is the next thing we get.
    void expect_nothing();

    [[nodiscard]] support::RawConnection& connection() { return connection_; }

  private:
    support::RawConnection connection_;
    std::string private_group_;
    int probes_ = 0;
};

/// Reads one message off a connection past its handshake.
[[nodiscard]] Frame read_frame(support::RawConnection& connection,
                               std::chrono::milliseconds patience = support::kPatience);

/// What the daemon says to C1: the list of methods (D1), or the code of a refusal.
struct Answer {
    int code = 0;  ///< 0, or the negative reject code
    std::string list;
};

[[nodiscard]] Answer read_method_list(support::RawConnection& connection);

/// D2, or the code of a refusal.
struct Verdict {
    int code = 0;  ///< 1 = accepted, or the negative reject code
    Version daemon{};
    std::string private_group;
};

[[nodiscard]] Verdict read_verdict(support::RawConnection& connection, Version version = {});

/// A whole handshake with method NULL; the verdict wherever the daemon gives it.
[[nodiscard]] Verdict shake_hands(support::RawConnection& connection, const Bytes& opening_bytes,
                                  Version version = {});

}  // namespace spread::interop
