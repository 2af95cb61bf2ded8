#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace spread::chaos {

/// Every message of a run: what is sent under which number, and whether what arrives is that.
///
/// A body starts with the message's number; the rest follows from it. Empty bodies, which say
/// nothing, are told by sender and by the application's message type.
class MessageBook {
  public:
    static constexpr std::size_t kBytesMax = 60'000;

    struct Draft {
        std::uint64_t id = 0;
        std::int16_t mess_type = 0;
        std::vector<std::byte> body;
    };

    /// A new message. `bytes` is 0, or 8 to kBytesMax.
    [[nodiscard]] Draft write(std::string_view sender, std::size_t bytes);
    /// The number of the message that arrived; nothing if it was not sent like this.
    [[nodiscard]] std::optional<std::uint64_t> find(std::string_view sender, std::int16_t mess_type,
                                                    std::span<const std::byte> body) const;

  private:
    struct Entry {
        std::uint32_t bytes = 0;
        std::uint32_t sender = 0;
    };

    std::vector<Entry> entries_;  // the message of number n is entry n - 1
    std::unordered_map<std::string, std::uint32_t> senders_;
    std::unordered_map<std::uint64_t, std::uint64_t> empty_ones_;  // (sender, type) -> number
};

}  // namespace spread::chaos
