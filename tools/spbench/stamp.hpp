#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "protocol/byte_reader.hpp"
#include "protocol/byte_writer.hpp"
#include "tools/spbench/clock.hpp"

namespace spread::spbench {

/// What the start of every measured message says about it:
///
///   Off  Size  Field
///     0     2  run: messages of another run are recognised and counted apart
///     2     2  sender
///     4     4  number, from 0, counted by the sender
///     8     8  intended send time, steady clock, nanoseconds
///
/// The intended time is that of the schedule, not that of the write: a sender that comes late
/// because the daemon held it up has its delay counted (no coordinated omission).
struct Stamp {
    static constexpr std::size_t kBytes = 16;

    std::uint16_t run = 0;
    std::uint16_t sender = 0;
    std::uint32_t number = 0;
    Nanoseconds intended = 0;

    friend bool operator==(const Stamp&, const Stamp&) = default;
};

inline void write_stamp(const Stamp& stamp, std::span<std::byte> body) {
    protocol::ByteWriter writer(body);
    writer.write_le(stamp.run);
    writer.write_le(stamp.sender);
    writer.write_le(stamp.number);
    writer.write_le(static_cast<std::uint64_t>(stamp.intended));
}

/// Nothing when the body is too short to carry one.
[[nodiscard]] inline std::optional<Stamp> read_stamp(std::span<const std::byte> body) {
    protocol::ByteReader reader(body);
    Stamp stamp;
    stamp.run = reader.read_le<std::uint16_t>();
    stamp.sender = reader.read_le<std::uint16_t>();
    stamp.number = reader.read_le<std::uint32_t>();
    stamp.intended = static_cast<Nanoseconds>(reader.read_le<std::uint64_t>());
    if (!reader.ok()) {
        return std::nullopt;
    }
    return stamp;
}

}  // namespace spread::spbench
