#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "protocol/rng.hpp"
#include "tests/stress/daemon.hpp"

namespace spread::stress {

using Bytes = std::vector<std::byte>;

/// What a recorded client sent, piece by piece.
struct Recording {
    std::string name;
    std::vector<Bytes> pieces;
};

/// Every client's side of every recording in a directory of *.jsonl files (tests/data/golden).
[[nodiscard]] std::vector<Recording> load_recordings(const std::filesystem::path& directory);

enum class Kind : std::uint8_t {
    kNoise,         ///< random bytes from the start
    kRecording,     ///< a recording, mutated: flipped bits, cut, doubled, spliced, lengths changed
    kPrefix,        ///< a valid handshake, some valid requests, then garbage
    kRequests,      ///< valid requests whose header fields are changed
    kJoinFlood,     ///< joins and leaves without end, then gone
    kMessageFlood,  ///< multicasts to itself
    kHalfHandshake  ///< a handshake that stops at any byte
};

inline constexpr std::size_t kKinds = 7;

[[nodiscard]] const char* to_string(Kind kind);

enum class Pace : std::uint8_t { kAtOnce, kPieces, kByteByByte };

enum class Ending : std::uint8_t {
    kClose,
    kReset,
    kHalfClose,  ///< says that nothing follows, and waits for the daemon to close
    kStay        ///< goes on doing nothing until its time is up
};

/// One hostile client, planned from its first byte to its end.
struct Conversation {
    Kind kind = Kind::kNoise;
    Way way = Way::kTcp;
    Bytes bytes;
    Pace pace = Pace::kAtOnce;
    bool reads = true;
    Ending ending = Ending::kClose;
    std::chrono::milliseconds lifetime{0};  ///< the end comes now at the latest
};

/// The same for the same seed of `rng`.
[[nodiscard]] Conversation draw_conversation(protocol::Rng rng,
                                             const std::vector<Recording>& recordings);

/// All user names that these clients may go by.
[[nodiscard]] std::vector<std::string> hostile_names(const std::vector<Recording>& recordings);

}  // namespace spread::stress
