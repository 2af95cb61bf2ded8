#pragma once

#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client_story.hpp"
#include "tests/checker/group_checker.hpp"

namespace spread::checker::group_story {

using GroupId = protocol::GroupId;
using Order = ClientStory::Order;

/// Ids of the daemon memberships in these stories.
inline GroupId first(std::int32_t index) {
    return {.proc_id = 1, .time = 100, .index = index};
}
inline GroupId passing(std::int32_t index) {  // transitional, led by d1
    return {.proc_id = 1, .time = 101, .index = index};
}
inline GroupId second(std::int32_t index) {
    return {.proc_id = 1, .time = 102, .index = index};
}
inline GroupId aside(std::int32_t index) {  // d3 alone, or d2 and d3
    return {.proc_id = -3, .time = 102, .index = index};
}
inline GroupId third(std::int32_t index) {
    return {.proc_id = 1, .time = 104, .index = index};
}

inline View odd_view(GroupId id, Cause cause, std::string_view members) {
    View view;
    view.group = "g";
    view.id = id;
    view.cause = cause;
    view.members = ClientStory::names(members);
    return view;
}

/// Why a story is not legal, however its clients are fed; "" when it is.
inline std::string problem(const ClientStory& story) {
    for (const Order order : {Order::kAsWritten, Order::kByClient, Order::kByClientBackward}) {
        if (const std::string property = story.verdict(order); !property.empty()) {
            const Violation violation = story.violation();
            std::string text = "order " + std::to_string(static_cast<int>(order)) + ": " +
                               property + " " + violation.summary;
            for (const std::string& line : violation.evidence) {
                text += "\n  " + line;
            }
            return text;
        }
    }
    return "";
}

/// The property that is broken, if all ways of feeding name the same.
inline std::string broken(const ClientStory& story) {
    std::string property = story.verdict();
    for (const Order order : {Order::kByClient, Order::kByClientBackward}) {
        if (const std::string other = story.verdict(order); other != property) {
            property += " or " + other;
        }
    }
    return property;
}

/// a1, b2 and c3 join g: first(3).
inline ClientStory three() {
    ClientStory story;
    story.connect("a1 b2 c3").join("a1").joined("a1", first(1), "a1", "a1");
    story.join("b2").joined("a1 b2", first(2), "a1 b2", "b2");
    story.join("c3").joined("a1 b2 c3", first(3), "a1 b2 c3", "c3");
    return story;
}

/// And d3 is lost: those who stay are in second(1), c3 is in aside(1).
inline ClientStory split() {
    ClientStory story = three();
    story.signal("a1 b2 c3", first(3)).network("a1 b2", second(1), "a1 b2");
    story.network("c3", aside(1), "c3");
    return story;
}

}  // namespace spread::checker::group_story
