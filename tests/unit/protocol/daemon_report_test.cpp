#include "protocol/daemon_report.hpp"

#include <gtest/gtest.h>

#include "protocol/monitor_wire.hpp"

namespace spread::protocol {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

DaemonReport sample() {
    DaemonReport out;
    out.question = 0x0102030405060708;
    out.held = microseconds(1500);
    out.settings_sum = 0xdeadbeef;
    out.wire = 7;
    out.version = "0.4.0";
    out.heard = {{true, 0.0, milliseconds(10), {}, milliseconds(0)}, {false, {}, {}, {}, {}}};
    return out;
}

TEST(DaemonReport, ComesBackAsItWas) {
    const auto bytes = encode_daemon_report(sample());
    EXPECT_EQ(decode_daemon_report(bytes), sample());
    EXPECT_EQ(bytes.size(), 24 + 5 + 2 * 9);
    EXPECT_EQ(bytes[0], std::byte{0x73}) << "s, p, d, a";
}

TEST(DaemonReport, LargeNumbersAreCutAndLaterAdditionsSkipped) {
    DaemonReport report = sample();
    report.held = microseconds(-5);
    report.version = std::string(60, 'x');
    report.heard = {{true, 0.00001, std::chrono::hours(1), milliseconds(-1), {}}};
    auto bytes = encode_daemon_report(report);
    bytes.push_back(std::byte{1});
    const auto again = decode_daemon_report(bytes);
    ASSERT_TRUE(again);
    EXPECT_EQ(again->held, microseconds(0));
    EXPECT_EQ(again->version, std::string(40, 'x'));
    EXPECT_EQ(again->heard[0].lost_share, 0.0001) << "little is not nothing";
    EXPECT_EQ(again->heard[0].data_age, milliseconds(655340));
    EXPECT_EQ(again->heard[0].group_age, milliseconds(0));
}

TEST(DaemonReport, EachShareComesBackAsItWas) {
    for (int parts = 0; parts <= 10000; ++parts) {
        DaemonReport report = sample();
        report.heard = {{true, parts / 10000.0, {}, {}, {}}};
        ASSERT_EQ(decode_daemon_report(encode_daemon_report(report)), report) << parts;
    }
}

TEST(DaemonReport, WhatIsCutOrNoneIsRefused) {
    const auto bytes = encode_daemon_report(sample());
    for (std::size_t length = 0; length < bytes.size(); ++length) {
        EXPECT_FALSE(decode_daemon_report(std::span(bytes).first(length))) << length;
    }
    auto other = bytes;
    other[0] ^= std::byte{1};
    EXPECT_FALSE(decode_daemon_report(other));
    other = bytes;
    other[22] = std::byte{'\n'};
    EXPECT_FALSE(decode_daemon_report(other)) << "not a release";
    other = bytes;
    other[28] = std::byte{1};  // 257 daemons
    EXPECT_FALSE(decode_daemon_report(other));
}

TEST(DaemonQuestion, IsAsLongAsItsAnswer) {
    DaemonReport longest = sample();
    longest.version = std::string(40, 'x');
    longest.heard.resize(3);
    const auto body = encode_daemon_question(42, 3);
    EXPECT_EQ(body.size(), encode_daemon_report(longest).size());
    EXPECT_EQ(decode_daemon_question(body, 3), 42U);
    EXPECT_FALSE(decode_daemon_question(body, 4)) << "of a file with fewer daemons";
    EXPECT_FALSE(decode_daemon_question({}, 3)) << "stock's monitor";
    EXPECT_FALSE(decode_daemon_question(std::vector<std::byte>(body.size()), 3));
}

TEST(DaemonReport, StandsBehindThatOfStock) {
    MonitorReport stock;
    stock.daemons = 2;
    const auto more = encode_daemon_report(sample());
    const auto datagram = encode_monitor_report(stock, more);
    EXPECT_EQ(decode_monitor_report(datagram), stock);
    EXPECT_EQ(decode_daemon_report(std::span(datagram).subspan(kMonitorReportBytes)), sample());
    MonitorRequest request;
    request.what = MonitorStatus{encode_daemon_question(9, 2)};
    const auto again = decode_monitor_request(encode_monitor_request(request), 2);
    ASSERT_TRUE(again);
    EXPECT_EQ(decode_daemon_question(std::get<MonitorStatus>(again->what).body, 2), 9U);
}

}  // namespace
}  // namespace spread::protocol
