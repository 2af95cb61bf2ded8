#include "daemon/session/session_map.hpp"

#include <memory>
#include <vector>

#include <gtest/gtest.h>

namespace spread::session {
namespace {

using protocol::SessionId;

TEST(SessionIds, AreNeverUsedTwiceButTheirSlotsAre) {
    SessionIds ids;
    const SessionId one = ids.take();
    const SessionId two = ids.take();
    EXPECT_NE(slot_of(one), slot_of(two));
    EXPECT_LT(one, two);
    ids.give_back(one);
    const SessionId three = ids.take();
    EXPECT_EQ(slot_of(three), slot_of(one));
    EXPECT_LT(two, three) << "later sessions have larger ones";
    EXPECT_NE(slot_of(ids.take()), slot_of(two));
}

TEST(SessionMap, FindsBySlotAndKnowsWhoIsMeant) {
    SessionIds ids;
    SessionMap<std::unique_ptr<int>> map;
    const SessionId one = ids.take();
    map.insert(one, std::make_unique<int>(1));
    EXPECT_EQ(**map.find(one), 1);
    EXPECT_EQ(map.size(), 1U);
    map.erase(one);
    map.erase(one);
    EXPECT_EQ(map.find(one), nullptr);
    ids.give_back(one);
    const SessionId two = ids.take();
    map.insert(two, std::make_unique<int>(2));
    EXPECT_EQ(map.find(one), nullptr) << "somebody else has its slot";
    EXPECT_EQ(**map.find(two), 2);
    EXPECT_EQ(map.find(SessionId{77}), nullptr);
    EXPECT_EQ(map.find(SessionId{}), nullptr);
    map.erase(one);
    EXPECT_EQ(map.size(), 1U);
    EXPECT_EQ(map.find(SessionId{}), nullptr) << "an empty slot holds no session 0";
}

TEST(SessionMap, VisitsWhatIsThere) {
    SessionIds ids;
    SessionMap<int> map;
    std::vector<SessionId> all;
    for (int i = 0; i < 5; ++i) {
        all.push_back(ids.take());
        map.insert(all.back(), i);
    }
    map.erase(all[2]);
    std::vector<int> seen;
    map.for_each([&](SessionId id, int value) {
        EXPECT_EQ(id, all[static_cast<std::size_t>(value)]);
        seen.push_back(value);
    });
    EXPECT_EQ(seen, (std::vector<int>{0, 1, 3, 4}));
    map.clear();
    EXPECT_EQ(map.size(), 0U);
    EXPECT_EQ(map.find(all[0]), nullptr);
}

}  // namespace
}  // namespace spread::session
