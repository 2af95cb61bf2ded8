#include "protocol/monitor_wire.hpp"

#include <charconv>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::protocol {
namespace {

using Bytes = std::vector<std::byte>;
using testing::ElementsAre;

constexpr DaemonId kRecorded1{1552775919};
constexpr DaemonId kRecorded2{348480928};
constexpr std::uint32_t kRecordedHash = 949479469;

/// A line of tests/data/golden/monitor: what was on the wire, and what stock says of it.
struct Recorded {
    Bytes bytes;
    std::string note;

    /// A number of the note; 0: it is not there.
    [[nodiscard]] std::uint32_t operator[](const std::string& name) const {
        const std::size_t at = note.find("\"" + name + "\": ");
        std::uint32_t value = 0;
        if (at != std::string::npos) {
            const char* first = note.data() + at + name.size() + 4;
            std::from_chars(first, note.data() + note.size(), value);
        }
        return value;
    }
};

/// Those whose notes contain `word`.
std::vector<Recorded> recorded_with(const std::string& file, const std::string& word) {
    std::ifstream in(std::string(SPREAD_TEST_DATA) + "/golden/monitor/" + file + ".jsonl");
    std::vector<Recorded> out;
    for (std::string line; std::getline(in, line);) {
        const std::size_t hex = line.find("\"hex\": \"") + 8;
        const std::size_t end = line.find('"', hex);
        Recorded one;
        one.note = line.substr(end);
        for (std::size_t at = hex; at + 1 < end; at += 2) {
            unsigned value = 0;
            std::from_chars(line.data() + at, line.data() + at + 2, value, 16);
            one.bytes.push_back(static_cast<std::byte>(value));
        }
        if (one.note.find(word) != std::string::npos) {
            out.push_back(std::move(one));
        }
    }
    if (out.empty()) {
        throw std::runtime_error("nothing recorded of " + word + " in " + file);
    }
    return out;
}

Bytes recorded_case(const std::string& word) {
    return recorded_with("probe", word).front().bytes;
}

MonitorRequest decoded(const Bytes& bytes) {
    auto request = decode_monitor_request(bytes, 3);
    if (!request) {
        throw std::runtime_error("not a request");
    }
    return std::move(*request);
}

TEST(MonitorWire, RecordedStatusRequestsAreRead) {
    for (const Recorded& each : recorded_with("status", "status-request")) {
        const MonitorRequest request = decoded(each.bytes);
        EXPECT_EQ(request.transmitter, kRecorded1);
        EXPECT_EQ(request.sender, kRecorded1);
        EXPECT_EQ(request.reply_port, 6543);
        EXPECT_EQ(request.config_hash, kRecordedHash);
        EXPECT_TRUE(std::holds_alternative<MonitorStatus>(request.what));
        EXPECT_EQ(encode_monitor_request(request), each.bytes);
    }
}

TEST(MonitorWire, EveryRecordedReportIsReadAndWrittenAgain) {
    for (const char* file :
         {"status", "status_accelerated", "flowcontrol", "flowcontrol_accelerated", "safemode"}) {
        for (const Recorded& each : recorded_with(file, "status-reply")) {
            const auto report = decode_monitor_report(each.bytes);
            ASSERT_TRUE(report);
            EXPECT_EQ(report->seconds, each["sec"]);
            EXPECT_EQ(static_cast<std::uint32_t>(report->state), each["state"]);
            EXPECT_EQ(report->self.value, each["my_id"]);
            EXPECT_EQ(report->leader.value, each["leader_id"]);
            EXPECT_EQ(report->packets_delivered, each["packet_delivered"]);
            EXPECT_EQ(report->token_rounds, each["token_rounds"]);
            EXPECT_EQ(report->membership_changes, each["membership_changes"]);
            EXPECT_EQ(report->daemons, each["num_procs"]);
            EXPECT_EQ(report->window, each["window"]);
            EXPECT_EQ(report->personal_window, each["personal_window"]);
            EXPECT_EQ(report->accelerated_ring, each["accelerated_ring"] == 1);
            EXPECT_EQ(report->accelerated_window, each["accelerated_window"]);
            const auto again = encode_monitor_report(*report);
            EXPECT_EQ(Bytes(again.begin(), again.end()), each.bytes) << file;
        }
    }
}

TEST(MonitorWire, RecordedPartitionsAndTheirEnd) {
    const auto partitions = recorded_with("partition", "\"partition\"");
    const MonitorRequest cut = decoded(partitions.front().bytes);
    EXPECT_THAT(std::get<MonitorPartition>(cut.what).components, ElementsAre(0, 0, 1));
    const MonitorRequest healed = decoded(partitions.back().bytes);
    EXPECT_THAT(std::get<MonitorPartition>(healed.what).components, ElementsAre(0, 0, 0));
    const Recorded end = recorded_with("terminate", "\"partition\"").front();
    EXPECT_THAT(std::get<MonitorPartition>(decoded(end.bytes).what).components,
                ElementsAre(0, MonitorPartition::kEnd, 0));
}

TEST(MonitorWire, RecordedFlowControl) {
    using Windows = MonitorWindows;
    const Recorded plain = recorded_with("flowcontrol", "flow-control").front();
    const auto flow = std::get<MonitorFlowControl>(decoded(plain.bytes).what);
    EXPECT_THAT(flow.daemons, ElementsAre(Windows{30, 0}, Windows{-1, 0}, Windows{10, 0}));
    EXPECT_EQ(flow.window, 200);
    const Recorded both = recorded_with("flowcontrol_accelerated", "flow-control").front();
    EXPECT_THAT(std::get<MonitorFlowControl>(decoded(both.bytes).what).daemons,
                ElementsAre(Windows{30, 15}, Windows{20, 10}, Windows{25, -1}));
}

TEST(MonitorWire, RecordedReload) {
    for (const Recorded& each : recorded_with("reload", "")) {
        EXPECT_TRUE(std::holds_alternative<MonitorReload>(decoded(each.bytes).what));
    }
}

TEST(MonitorWire, BothByteOrdersAndStrayBits) {
    for (const char* each : {"status, big endian header", "status+regular bits", "status|fc"}) {
        const MonitorRequest request = decoded(recorded_case(each));
        EXPECT_TRUE(std::holds_alternative<MonitorStatus>(request.what)) << each;
        EXPECT_EQ(request.transmitter, kRecorded1) << each;
        EXPECT_EQ(request.reply_port, 6600) << each;
        EXPECT_EQ(request.config_hash, kRecordedHash) << each;
    }
    EXPECT_EQ(decoded(recorded_case("proc_id d3")).sender.value, 0xef46226eU);
    EXPECT_EQ(decoded(recorded_case("0x0001_19C8")).reply_port, 6600);
}

TEST(MonitorWire, WhatHasAnotherLengthThanItSaysIsNoRequest) {
    EXPECT_EQ(decode_monitor_request(recorded_case("data_len 10 without body"), 3).error(),
              MonitorError::kLength);
    EXPECT_TRUE(decode_monitor_request(recorded_case("with 10 body bytes"), 3));
    EXPECT_EQ(decode_monitor_request(recorded_case("39 byte packet"), 3).error(),
              MonitorError::kForeign);
    EXPECT_EQ(decode_monitor_request({}, 3).error(), MonitorError::kForeign);
}

TEST(MonitorWire, ABodyHasANumberForEachDaemon) {
    EXPECT_TRUE(decode_monitor_request(recorded_case("partition, body 6 bytes (3"), 3));
    EXPECT_EQ(decode_monitor_request(recorded_case("partition, body 4 bytes"), 3).error(),
              MonitorError::kBodyShort);
    EXPECT_TRUE(decode_monitor_request(recorded_case("flow control, body 16 bytes"), 3));
    EXPECT_EQ(decode_monitor_request(recorded_case("flow control, empty body"), 3).error(),
              MonitorError::kBodyShort);
}

TEST(MonitorWire, OurOwnRequestsAreStocks) {
    const MonitorRequest cut{kRecorded2, kRecorded1, 1234, kRecordedHash,
                             MonitorPartition{{0, 1, -1}}};
    const MonitorRequest again = decoded(encode_monitor_request(cut));
    EXPECT_EQ(again.transmitter, kRecorded2);
    EXPECT_EQ(again.sender, kRecorded1);
    EXPECT_EQ(again.reply_port, 1234);
    EXPECT_EQ(std::get<MonitorPartition>(again.what), std::get<MonitorPartition>(cut.what));

    const MonitorRequest flow{kRecorded1, kRecorded1, 1234, kRecordedHash,
                              MonitorFlowControl{{{30, 15}, {20, -1}, {-1, -1}}, 200}};
    EXPECT_EQ(std::get<MonitorFlowControl>(decoded(encode_monitor_request(flow)).what),
              std::get<MonitorFlowControl>(flow.what));
}

TEST(MonitorWire, OnlyReportsAreReports) {
    EXPECT_FALSE(decode_monitor_report({}));
    EXPECT_FALSE(decode_monitor_report(recorded_with("status", "status-request").front().bytes));
    Bytes report = recorded_with("status", "status-reply").front().bytes;
    report.push_back(std::byte{0});
    EXPECT_FALSE(decode_monitor_report(report)) << "longer than it says";
    report.pop_back();
    report[3] = std::byte{0x82};
    EXPECT_FALSE(decode_monitor_report(report));
}

}  // namespace
}  // namespace spread::protocol
