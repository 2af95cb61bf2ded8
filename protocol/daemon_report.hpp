#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

// clang-format off
/// What spreadd adds to the language of stock's monitor (monitor_wire.hpp) when daemons ask each
/// other. A status request with the body below is answered by a report with the report below behind
/// its 96 bytes. Releases that do not know it, and stock, ignore the body and answer without.
///
/// Question, little-endian; as long as the answer may get, so that nobody can have a daemon send
/// more than it was sent:
///
///   offset size field
///   0      4    0x71647073
///   4      8    number by which the asker knows the answer
///   12     ..   zeros
///
/// Report, little-endian:
///
///   offset size field
///   0      4    0x61647073
///   4      8    number of the question
///   12     4    microseconds between question and answer
///   16     4    checksum of the settings of the ring, as joins carry it
///   20     1    greatest version of the ring's wire
///   21     1    bytes v of the release, at most 40
///   22     v    the release, printable ASCII
///   22+v   2    number n of configured daemons, at most 128
///   24+v   9n   of each daemon in configuration order:
///                 1  bit 0: in the ring
///                 2  of its packets of the last minute, how many in 10,000 had to be asked for;
///                    65535: there were none
///                 2  since its last datagram came: by the data port, to our address; in units of
///                    10 ms, 65534 at most; 65535: none ever came
///                 2  the same, to a group address
///                 2  the same, by the token port
///   ..     ..   to the end: what later releases may add
// clang-format on
namespace spread::protocol {

/// What a daemon says of another one.
struct HeardOf {
    using Age = std::optional<std::chrono::milliseconds>;  ///< nothing: never

    bool is_member = false;
    /// Of its packets, which had to be asked for, from 0 to 1; nothing: no packets came.
    std::optional<double> lost_share;
    Age data_age;
    Age group_age;
    Age token_age;

    friend bool operator==(const HeardOf&, const HeardOf&) = default;
};

struct DaemonReport {
    static constexpr std::size_t kVersionMax = 40;

    std::uint64_t question = 0;
    std::chrono::microseconds held{};  ///< between question and answer
    std::uint32_t settings_sum = 0;
    std::uint8_t wire = 0;
    std::string version;
    std::vector<HeardOf> heard;  ///< by configuration position

    friend bool operator==(const DaemonReport&, const DaemonReport&) = default;
};

[[nodiscard]] std::vector<std::byte> encode_daemon_question(std::uint64_t number,
                                                            std::size_t daemons);
/// The number of a question that is long enough for an answer about `daemons`; else nothing.
[[nodiscard]] std::optional<std::uint64_t> decode_daemon_question(std::span<const std::byte> body,
                                                                  std::size_t daemons);

/// Ages come out in steps of 10 ms, shares in steps of 1 in 10,000, rounded up. The release is cut
/// to kVersionMax.
[[nodiscard]] std::vector<std::byte> encode_daemon_report(const DaemonReport& report);
/// Nothing when it is none.
[[nodiscard]] std::optional<DaemonReport> decode_daemon_report(std::span<const std::byte> bytes);

}  // namespace spread::protocol
