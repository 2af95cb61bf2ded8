// Any bytes as what a doctor of another host sends: what decodes is within limits and can be said
// again.

#include <cstddef>
#include <cstdint>
#include <span>

#include "tests/fuzz/require.hpp"
#include "tools/spreadctl/path_report.hpp"

using spread::fuzz::require;
using namespace spread::spreadctl;  // NOLINT(google-build-using-namespace): a program of its own

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto packet = decode_doctor_packet(std::as_bytes(std::span(data, size)));
    if (!packet) {
        return 0;
    }
    require(packet->sender < packet->heard.size());
    require(packet->heard.size() <= size);
    const auto again = decode_doctor_packet(encode(*packet, size));
    require(again && again->clock_ms == packet->clock_ms && again->heard == packet->heard &&
            again->sender == packet->sender && again->config_hash == packet->config_hash);
    return 0;
}
