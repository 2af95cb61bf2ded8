// Any bytes as a recording of a ring: what is taken has its events in order and can be shown.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "daemon/ring/flight_file.hpp"
#include "tests/fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace spread::daemon;
    using spread::fuzz::require;
    // The head is long, and nearly all of it zeros: it comes from few bytes, so that events are
    // reached.
    std::vector<std::byte> bytes(kFlightHeaderBytes);
    const auto input = std::as_bytes(std::span(data, size));
    const std::size_t head = std::min<std::size_t>(input.size(), 96);
    std::copy_n(input.begin(), head, bytes.begin());
    bytes.insert(bytes.end(), input.begin() + static_cast<std::ptrdiff_t>(head), input.end());
    require(!decode_flight(input.first(std::min<std::size_t>(size, kFlightHeaderBytes - 1))));
    auto log = decode_flight(bytes);
    if (!log) {
        require(!log.error().empty());
        return 0;
    }
    require(log->daemons.size() <= spread::protocol::kDaemonsMax);
    require(log->events.size() <= size / sizeof(spread::driver::FlightWords));
    require(std::is_sorted(log->events.begin(), log->events.end(),
                           [](const auto& a, const auto& b) { return a.number < b.number; }));
    const std::string text = flight_text(*log);
    const auto lines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
    require(lines == log->events.size() + (log->lost > 0 ? 1 : 0));
    // Its place in the head is one of the zeros.
    log->to_unix_ns = log->events.empty() ? 0 : static_cast<std::int64_t>(log->events.front().a);
    const std::string legend = flight_legend(*log);
    const auto legend_lines = std::count(legend.begin(), legend.end(), '\n');
    require(legend_lines == 2 || legend_lines == 3);
    return 0;
}
