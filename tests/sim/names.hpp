#pragma once

#include <algorithm>
#include <cstdint>
#include <numeric>
#include <optional>
#include <vector>

#include "tests/sim/scenario.hpp"

namespace spread::sim {

/// Where hosts are, and what resolvers say of it. Daemons have names in place of addresses here.
/// Addresses are numbers; 0 is nobody's.
class Names {
  public:
    using Address = std::uint32_t;

    /// What a host's resolver answers.
    enum class Answers : std::uint8_t {
        kCurrent,
        kNone,  ///< it fails
        kOld    ///< where all were when this began
    };

    explicit Names(std::size_t daemons) : at_(daemons), resolvers_(daemons), old_(daemons) {
        std::iota(at_.begin(), at_.end(), Address{1});
        last_ = static_cast<Address>(daemons);
    }

    [[nodiscard]] Address address_of(DaemonIndex daemon) const { return at_[daemon]; }
    [[nodiscard]] std::optional<DaemonIndex> who_is_at(Address address) const {
        const auto found = std::find(at_.begin(), at_.end(), address);
        return found == at_.end() ? std::nullopt
                                  : std::optional(static_cast<DaemonIndex>(found - at_.begin()));
    }
    /// What the resolver of `asker` answers; 0: nothing.
    [[nodiscard]] Address look_up(DaemonIndex asker, DaemonIndex name) const {
        switch (resolvers_[asker]) {
            case Answers::kCurrent: break;
            case Answers::kNone: return 0;
            case Answers::kOld: return old_[asker][name];
        }
        return at_[name];
    }

    /// One daemon gets an address that nobody had; of several each gets the next one's.
    void move(const std::vector<std::uint16_t>& daemons) {
        if (daemons.size() == 1) {
            at_[daemons.front()] = ++last_;
            return;
        }
        const Address first = at_[daemons.front()];
        for (std::size_t i = 0; i + 1 < daemons.size(); ++i) {
            at_[daemons[i]] = at_[daemons[i + 1]];
        }
        at_[daemons.back()] = first;
    }
    void answer(DaemonIndex asker, Answers how) {
        resolvers_[asker] = how;
        old_[asker] = at_;
    }

  private:
    std::vector<Address> at_;                ///< by daemon
    std::vector<Answers> resolvers_;         ///< by who asks
    std::vector<std::vector<Address>> old_;  ///< by who asks
    Address last_ = 0;
};

}  // namespace spread::sim
