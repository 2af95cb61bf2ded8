#include "daemon/admin/history.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::admin {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;

Event event(std::string word, WallTime at = {}) {
    Event out;
    out.event = std::move(word);
    out.at = at;
    return out;
}

TEST(History, NumbersEventsAndGivesTheNewest) {
    History history;
    EXPECT_THAT(history.events(10), IsEmpty());
    for (const char* word : {"a", "b", "c"}) {
        history.add(event(word));
    }
    EXPECT_THAT(history.events(2),
                ElementsAre(Field(&Event::event, "b"), Field(&Event::event, "c")));
    EXPECT_THAT(history.events(10, 2), ElementsAre(Field(&Event::number, 3U)));
    EXPECT_THAT(history.events(10, 3), IsEmpty());
    EXPECT_THAT(history.events(0), IsEmpty());
}

TEST(History, ForgetsTheOldest) {
    History history;
    for (std::size_t i = 0; i < History::kEventsMax + 5; ++i) {
        history.add(event("x"));
    }
    const auto events = history.events(2 * History::kEventsMax);
    ASSERT_EQ(events.size(), History::kEventsMax);
    EXPECT_EQ(events.front().number, 6U);
}

TEST(History, CountsAWordSinceATime) {
    History history;
    const WallTime start{};
    history.add(event("ring_changed", start));
    history.add(event("ring_changed", start + std::chrono::seconds(2)));
    history.add(event("client_dropped", start + std::chrono::seconds(2)));
    EXPECT_EQ(history.count("ring_changed", start), 2U);
    EXPECT_EQ(history.count("ring_changed", start + std::chrono::seconds(1)), 1U);
}

}  // namespace
}  // namespace spread::admin
