#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "tests/support/raw_connection.hpp"

namespace spread::golden {

using support::Bytes;

/// Compares messages of a daemon with recorded ones, looking away where the README of the
/// recordings says so. One object per replay, because it remembers which recorded group id became
/// which real one.
class Mask {
  public:
    /// Says what differs; nothing when the messages agree. `receiver` is the private group of the
    /// client that got it.
    [[nodiscard]] std::optional<std::string> difference(std::span<const std::byte> recorded,
                                                        std::span<const std::byte> received,
                                                        const std::string& receiver);

  private:
    /// proc_id and time of a group id, as the bytes stand.
    using ViewId = std::string;

    [[nodiscard]] bool same_view(const ViewId& recorded, const ViewId& received);

    std::map<ViewId, ViewId> real_;      // recorded -> received
    std::map<ViewId, ViewId> recorded_;  // received -> recorded
};

}  // namespace spread::golden
