#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string_view>

#include "protocol/buffer.hpp"
#include "protocol/ids.hpp"
#include "protocol/message.hpp"
#include "tests/sim/scenario.hpp"

namespace spread::sim {

/// A client's connection: what the kernel would hold for it, in both directions.
struct Connection {
    ClientIndex client = 0;
    DaemonIndex daemon = 0;
    std::uint32_t host_generation = 0;  ///< life of the daemon that accepted it
    protocol::SessionId session;

    std::deque<protocol::Slice> to_server;
    bool client_closed = false;
    std::uint32_t chunk = 0;  ///< the server reads at most so many bytes at once; 0: all

    std::deque<protocol::Message> to_client;
    std::size_t to_client_bytes = 0;
    bool server_shut = false;  ///< the server sends nothing more, but still reads
    bool server_closed = false;
    bool read_too_slowly = false;  ///< why the server gave up
    bool client_turn_posted = false;

    /// Once what is there is read.
    [[nodiscard]] bool has_ended_for_client() const { return server_shut || server_closed; }
    [[nodiscard]] bool client_has_news() const {
        return !to_client.empty() || has_ended_for_client();
    }
};

/// Whoever gives this one is who it claims to be.
inline constexpr std::string_view kRightPassword = "right";

/// What a socket holds before its writer has to wait.
inline constexpr std::size_t kSocketBytes = 128U << 10U;

}  // namespace spread::sim
