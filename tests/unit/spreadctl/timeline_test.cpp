#include "tools/spreadctl/timeline.hpp"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace spread::spreadctl {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

json installed(const std::string& at, const std::string& ring,
               const std::vector<std::string>& members) {
    return {{"at", at},          {"event", "ring_changed"},   {"subject", nullptr},
            {"cause", "silent"}, {"text", "ring of " + ring}, {"took_us", 1000},
            {"ring", ring},      {"members", members}};
}

json other(const std::string& at, const std::string& text) {
    return {
        {"at", at},     {"event", "client_dropped"}, {"subject", "#eve#n1"}, {"cause", nullptr},
        {"text", text}, {"took_us", nullptr},        {"ring", nullptr},      {"members", nullptr}};
}

json events(std::vector<json> list) {
    return {{"schema", 1}, {"events", std::move(list)}};
}

/// Two daemons whose clocks are an hour apart: together, apart, together again.
BundleContent partitioned() {
    BundleContent content;
    content["n1"].events = events({installed("2026-03-01T12:00:00.000Z", "1.10", {"n1", "n2"}),
                                   installed("2026-03-01T12:00:05.000Z", "1.12", {"n1"}),
                                   other("2026-03-01T12:00:06.000Z", "dropped"),
                                   installed("2026-03-01T12:00:09.000Z", "1.14", {"n1", "n2"})});
    content["n2"].events = events({installed("2026-03-01T13:00:00.100Z", "1.10", {"n1", "n2"}),
                                   installed("2026-03-01T13:00:05.100Z", "2.12", {"n2"}),
                                   installed("2026-03-01T13:00:09.100Z", "1.14", {"n1", "n2"})});
    return content;
}

TEST(Timeline, GoesByRingsNotByClocks) {
    const json timeline = timeline_of(partitioned());
    std::vector<std::string> rings;
    for (const json& ring : timeline["rings"]) {
        rings.push_back(ring["ring"]);
    }
    EXPECT_EQ(rings, (std::vector<std::string>{"1.10", "1.12", "2.12", "1.14"}));
    EXPECT_EQ(timeline["rings"][0]["installed"].size(), 2U);
    EXPECT_EQ(timeline["rings"][1]["installed"].size(), 1U);
    EXPECT_EQ(timeline["rings"][1]["events"][0]["text"], "dropped") << "while that ring lasted";
    EXPECT_EQ(timeline["rings"][2]["members"], json({"n2"}));
}

driver::FlightEvent recorded(driver::FlightEvent::Kind kind, std::uint64_t ring) {
    driver::FlightEvent event;
    event.kind = kind;
    event.ring_counter = ring;
    event.ring_representative = 1;
    return event;
}

TEST(Timeline, PutsWhatIsRecordedToItsRing) {
    using Kind = driver::FlightEvent::Kind;
    BundleContent content = partitioned();
    daemon::FlightLog log;
    log.self = protocol::DaemonId{1};
    log.daemons = {{protocol::DaemonId{1}, "n1"}, {protocol::DaemonId{2}, "n2"}};
    log.events = {recorded(Kind::kAccept, 0),    recorded(Kind::kRegular, 14),
                  recorded(Kind::kAccept, 0),    recorded(Kind::kDelivery, 14),
                  recorded(Kind::kDelivery, 14), recorded(Kind::kRegular, 16)};
    log.events[1].a = 3;
    log.events[3].seq = 5;
    log.events[4].seq = 6;
    log.events[5].a = 1;
    content["n1"].recording = log;
    const json timeline = timeline_of(content);
    ASSERT_EQ(timeline["rings"].size(), 6U) << "one before all, and one that is in no history";
    EXPECT_EQ(timeline["rings"][0]["recorded"][0]["accepted"], 1);
    const json& last = timeline["rings"][4]["recorded"][0];
    EXPECT_EQ(last["daemon"], "n1");
    EXPECT_EQ(last["accepted"], 1);
    EXPECT_EQ(last["delivered"], 2);
    EXPECT_EQ(last["first"], 5);
    EXPECT_EQ(last["last"], 6);
    EXPECT_EQ(timeline["rings"][5]["ring"], "1.16");
    EXPECT_EQ(timeline["rings"][5]["members"], json({"n1"}));
    const std::string text = timeline_text(timeline, content);
    EXPECT_THAT(text,
                HasSubstr("  n1 recorded: 1 messages taken, 2 delivered, sequence numbers 5 to 6\n"
                          "    * regular (n1,14) { n1 n2 }\n"));
}

TEST(Timeline, NumbersOfRingsAreNumbers) {
    BundleContent content;
    content["n1"].events = events({installed("2026-03-01T12:00:00.000Z", "9.100", {"n1"}),
                                   installed("2026-03-01T12:00:00.000Z", "10.20", {"n1"})});
    EXPECT_EQ(timeline_of(content)["rings"][0]["ring"], "10.20");
}

TEST(Timeline, SaysHowClocksDiffer) {
    const json timeline = timeline_of(partitioned());
    ASSERT_EQ(timeline["clocks"].size(), 1U);
    EXPECT_EQ(timeline["clocks"][0]["daemon"], "n2");
    EXPECT_EQ(timeline["clocks"][0]["against"], "n1");
    EXPECT_NEAR(timeline["clocks"][0]["ahead_s"].get<double>(), 3600.1, 0.001);
    EXPECT_EQ(timeline["clocks"][0]["rings"], 2);
    EXPECT_THAT(
        timeline_text(timeline, partitioned()),
        HasSubstr("clock of n2: 60 min ahead of that of n1, by 2 rings that both installed\n"));
}

TEST(Timeline, WhatHappenedInARingGoesByTheCorrectedClocks) {
    BundleContent content = partitioned();
    content["n1"].events["events"].push_back(other("2026-03-01T12:00:20.000Z", "second"));
    content["n2"].events["events"].push_back(other("2026-03-01T13:00:19.000Z", "first"));
    const json last = timeline_of(content)["rings"][3];
    ASSERT_EQ(last["events"].size(), 2U);
    EXPECT_EQ(last["events"][0]["text"], "first");
    EXPECT_EQ(last["events"][1]["text"], "second");
}

TEST(Timeline, SaysHowConfigurationsDiffer) {
    BundleContent content = partitioned();
    const auto config = [](const std::string& value) {
        return json{{"daemons", json::array()},
                    {"options", {{{"name", "TokenTimeout"}, {"value", value}}}}};
    };
    content["n1"].config = config("250");
    content["n2"].config = config("5000");
    EXPECT_THAT(timeline_text(timeline_of(content), content),
                HasSubstr("  SETTING       n1      n2\n"
                          "  TokenTimeout  250 ms  5000 ms\n"));
}

TEST(Timeline, WhatIsMissingOrDamagedIsLeftOut) {
    for (const char* text : {"null", "[]", "{}", "{\"events\": 7}", "{\"events\": [1, {}]}",
                             "{\"events\": [{\"ring\": \"x\", \"at\": 5}]}",
                             "{\"events\": [{\"ring\": \"1.\", \"members\": 3}]}",
                             "{\"events\": [{\"ring\": \"\", \"at\": \"2026\"}]}"}) {
        BundleContent content;
        content["n1"].events = json::parse(text);
        content["n2"].events = json::parse("}", nullptr, false);
        content["n2"].status = json::parse(text);
        EXPECT_THAT(timeline_text(timeline_of(content), content), HasSubstr("n1")) << text;
    }
}

}  // namespace
}  // namespace spread::spreadctl
