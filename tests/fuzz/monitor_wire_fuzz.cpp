// Any bytes as a datagram of stock's monitor: what decodes is within limits and can be said again.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "protocol/daemon_report.hpp"
#include "protocol/monitor_wire.hpp"
#include "tests/fuzz/require.hpp"

using namespace spread::protocol;  // NOLINT(google-build-using-namespace): a program of its own
using spread::fuzz::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) {
        return 0;
    }
    const std::size_t daemons = 1 + data[0] % 128;
    const auto datagram = std::as_bytes(std::span(data, size)).subspan(1);
    const auto request = decode_monitor_request(datagram, daemons);
    require(request || !is_monitor_request(datagram) || request.error() != MonitorError::kForeign);
    if (request) {
        const auto again = encode_monitor_request(*request);
        require(is_monitor_request(again));
        const auto twice = decode_monitor_request(again, daemons);
        require(twice && twice->what.index() == request->what.index());
        require(twice->transmitter == request->transmitter && twice->sender == request->sender);
        require(twice->reply_port == request->reply_port &&
                twice->config_hash == request->config_hash);
        if (const auto* partition = std::get_if<MonitorPartition>(&request->what)) {
            require(partition->components.size() == daemons);
            require(std::get<MonitorPartition>(twice->what) == *partition);
        } else if (const auto* flow = std::get_if<MonitorFlowControl>(&request->what)) {
            require(flow->daemons.size() == daemons);
            require(std::get<MonitorFlowControl>(twice->what) == *flow);
        } else if (const auto* status = std::get_if<MonitorStatus>(&request->what)) {
            require(std::get<MonitorStatus>(twice->what).body == status->body);
            if (const auto number = decode_daemon_question(status->body, daemons)) {
                require(decode_daemon_question(encode_daemon_question(*number, daemons), daemons) ==
                        number);
            }
        }
    }
    if (const auto report = decode_monitor_report(datagram)) {
        require(decode_monitor_report(encode_monitor_report(*report)) == report);
        const auto rest = datagram.subspan(kMonitorReportBytes);
        if (const auto more = decode_daemon_report(rest)) {
            require(more->version.size() <= DaemonReport::kVersionMax);
            require(decode_daemon_report(encode_daemon_report(*more)) == more);
        }
    }
    return 0;
}
