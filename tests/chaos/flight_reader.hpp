#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "daemon/driver/flight_recorder.hpp"
#include "daemon/ring/flight_file.hpp"

namespace spread::chaos {

/// Reads a flight recorder's file while a daemon writes it, event by event, also when that is dead.
class FlightReader {
  public:
    /// Nothing yet when the file is not there, or not whole.
    [[nodiscard]] static std::optional<FlightReader> open(const std::filesystem::path& file);
    FlightReader(FlightReader&& other) noexcept;
    FlightReader& operator=(FlightReader&&) = delete;
    ~FlightReader();

    /// Who records what, without events.
    [[nodiscard]] const daemon::FlightLog& head() const { return head_; }
    /// The next event that is there.
    [[nodiscard]] std::optional<driver::FlightEvent> next();
    /// The recorder was faster than we: events are gone.
    [[nodiscard]] bool is_overtaken() const { return is_overtaken_; }

  private:
    FlightReader(std::span<const std::byte> mapped, daemon::FlightLog head);

    std::span<const std::byte> mapped_;
    std::span<const driver::FlightSlot> slots_;
    daemon::FlightLog head_;
    std::uint64_t last_ = 0;  ///< number of the event read last
    bool is_overtaken_ = false;
};

}  // namespace spread::chaos
