#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "tests/chaos/flight_reader.hpp"
#include "tests/checker/ring_checker.hpp"
#include "tests/checker/violation.hpp"

namespace spread::chaos {

/// What the rings of real daemons did, from the recordings of all their lives: puts it before the
/// checker of P1 to P8 in the order of time. All daemons are on this host, so that order agrees
/// with cause and effect.
class RingHistory {
  public:
    /// `hidden`: the checker is not told of the delivery of that number, which it has to notice; 0:
    /// it is told of all.
    explicit RingHistory(std::uint64_t hidden = 0) : hidden_(hidden) {}

    /// A daemon has been started, and records in this file; its earlier lives are over.
    void begin_life(std::size_t daemon, std::filesystem::path recording);

    /// Takes what has been recorded. Call often: recorders write over what is old.
    void read();
    /// Checks what happened before `until_ns` of the steady clock. By now every daemon that lives
    /// must have recorded something later.
    void check(std::uint64_t until_ns);
    /// Nothing more is recorded. `quiet`: the run ended in peace, with all daemons at rest.
    void finish(bool quiet);

    [[nodiscard]] const std::optional<checker::Violation>& violation() const {
        return broken_ ? broken_ : checker_.violation();
    }
    [[nodiscard]] std::uint64_t deliveries() const { return deliveries_; }
    [[nodiscard]] std::uint64_t configurations() const { return configurations_; }
    [[nodiscard]] std::size_t lives() const { return lives_.size(); }

  private:
    struct Life {
        std::size_t daemon = 0;
        std::filesystem::path recording;
        std::optional<FlightReader> reader{};
        std::deque<driver::FlightEvent> waiting{};
        std::optional<checker::LifeId> id{};  ///< once something is told of it
        bool is_over = false;                 ///< the process is gone
        bool is_ended = false;                ///< and the checker knows
    };

    void read(Life& life);
    /// Whose event is the next one in the order of time, before `until_ns`.
    [[nodiscard]] Life* next(std::uint64_t until_ns);
    void tell(Life& life, const driver::FlightEvent& event);
    void tell_configuration(const Life& life, const driver::FlightEvent& event);
    void begin(Life& life);
    void end(Life& life);

    checker::RingChecker checker_;
    std::deque<Life> lives_;
    std::optional<checker::Violation> broken_;  ///< a recording cannot be used
    std::uint64_t hidden_;
    std::uint64_t deliveries_ = 0;
    std::uint64_t configurations_ = 0;
};

}  // namespace spread::chaos
