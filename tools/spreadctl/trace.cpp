#include "tools/spreadctl/trace.hpp"

#include <cstdio>
#include <fstream>
#include <iterator>
#include <span>

#include <fmt/format.h>

#include "daemon/ring/flight_file.hpp"
#include "tools/spreadctl/commands.hpp"

namespace spread::spreadctl {
namespace {

constexpr std::size_t kRecordingBytesMax = 64U << 20U;

int print_lines(const std::string& recording, const std::string& where) {
    const auto log = daemon::decode_flight(std::as_bytes(std::span(recording)));
    if (!log) {
        throw Unreachable(fmt::format("cannot read {}: {}", where, log.error()));
    }
    std::fputs((daemon::flight_legend(*log) + daemon::flight_text(*log)).c_str(), stdout);
    return kGood;
}

}  // namespace

int dump_trace(const HttpClient& client, const std::string& file) {
    const HttpAnswer answer = client.get("/trace");
    if (answer.status != 200) {
        throw Unreachable(
            fmt::format("the daemon has no recording: HTTP status {}", answer.status));
    }
    if (file.empty()) {
        return print_lines(answer.body, "the daemon's recording");
    }
    std::ofstream out(file, std::ios::binary | std::ios::trunc);
    out.write(answer.body.data(), static_cast<std::streamsize>(answer.body.size()));
    out.close();
    if (!out) {
        throw Unreachable("cannot write " + file);
    }
    return kGood;
}

int show_trace(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    std::string recording;
    char c = 0;
    while (recording.size() < kRecordingBytesMax && in.get(c)) {
        recording.push_back(c);
    }
    if (recording.empty()) {
        throw Unreachable("cannot read " + file);
    }
    return print_lines(recording, file);
}

}  // namespace spread::spreadctl
