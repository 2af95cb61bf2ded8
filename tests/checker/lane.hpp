#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "protocol/service.hpp"

namespace spread::checker {

/// A place in the order of one ring. Packets count from 1, so {} is before all of them.
struct Place {
    std::uint64_t seq = 0;
    std::uint16_t index = 0;

    friend constexpr auto operator<=>(const Place&, const Place&) = default;
};

/// A message without its bytes. Two of them may be equal: the same client joins the same group
/// twice.
struct Facts {
    protocol::Service service{};
    protocol::MessageKind kind{};
    std::uint64_t digest = 0;

    friend bool operator==(const Facts&, const Facts&) = default;
};

/// A message taken from a host, and where it went.
struct Accepted {
    Facts facts;
    std::uint32_t epoch = 0;         ///< rings its life had installed by then
    Place after;                     ///< what its life had delivered of the last one by then
    bool placed = false;             ///< what follows is known
    std::uint32_t placed_epoch = 0;  ///< its life's count at the ring of `place`
    Place place;

    [[nodiscard]] std::pair<std::uint32_t, Place> where() const { return {placed_epoch, place}; }
};

/// Messages of one life that keep their order: its control messages, or its ordinary ones.
///
/// Whoever delivers one of them has delivered those before it (P5), also behind a hole. So places
/// are found in the order of the lane.
class Lane {
  public:
    enum class Bound : std::uint8_t {
        kFine,
        kUnknown,  ///< never accepted
        kTaken,    ///< accepted, but it stands elsewhere
        kSkips     ///< one accepted before it has no place yet, or one further on
    };

    void accept(const Accepted& message) { messages_.push_back(message); }
    /// Binds a place to the next message that has none.
    [[nodiscard]] Bound bind(const Facts& facts, std::uint32_t epoch, Place place);
    /// The message at a place bound before.
    [[nodiscard]] const Accepted* at(std::uint32_t epoch, Place place) const;
    /// The first message with these facts, if any.
    [[nodiscard]] const Accepted* find(const Facts& facts) const;

    /// The life itself gets the message at this place; false unless it is the next one in order.
    [[nodiscard]] bool deliver(std::uint32_t epoch, Place place);
    /// The next one that the life itself is to get; null when it has got all.
    [[nodiscard]] const Accepted* next() const;
    /// A message that has a place and did not come back to its life; null if none.
    [[nodiscard]] const Accepted* missed() const;

  private:
    std::vector<Accepted> messages_;
    std::size_t placed_ = 0;  ///< so many have a place
    std::size_t delivered_ = 0;
};

}  // namespace spread::checker
