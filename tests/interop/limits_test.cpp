// Numbers and sizes up to their limits (CP 5.1, 8, 9.1).

#include <sys/resource.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

/// What libraries let their callers send: body and 32 bytes for each group.
constexpr std::size_t kContentMax = 144000;
/// What stock carries, header included (CP 9, item 3).
constexpr std::size_t kStockFrameMax = 143200;
constexpr std::size_t kGroupsMax = 100;
/// Above that stock looks the groups up at the wrong place (CP 9, item 1).
constexpr std::size_t kStockGroupsMax = 43;

class Limits : public OneDaemon {};

/// The sizes up to `most`: all small ones, the places where packets of the network and buffers end,
/// and others in steps that share no factor with any of them.
std::vector<std::size_t> sizes_to(std::size_t most, std::size_t step) {
    std::set<std::size_t> sizes;
    for (std::size_t size = 0; size <= 16; ++size) {
        sizes.insert(size);
    }
    for (std::size_t size = 31; size <= most; size += step) {
        sizes.insert(size);
    }
    for (const std::size_t edge : {1352UL, 1400UL, 1432UL, 1472UL, 1500UL, 2784UL, 4096UL, 8192UL,
                                   16384UL, 32768UL, 65536UL, 65536UL - 48 - 32, 100000UL, 131072UL,
                                   140800UL, 143152UL, 143920UL, 143952UL, 143968UL}) {
        for (std::size_t size = edge - 2; size <= edge + 2; ++size) {
            sizes.insert(size);
        }
    }
    sizes.insert({most - 1, most});
    return {sizes.begin(), sizes.upper_bound(most)};
}

void expect_all_sizes(Session& alice, Session& bob, std::size_t groups, std::size_t step) {
    std::vector<std::string> destinations(groups, "nobody");
    destinations.back() = bob.name();
    const std::size_t most = stock() ? kStockFrameMax - kHeaderBytes - groups * kNameBytes
                                     : kContentMax - groups * kNameBytes;
    for (const std::size_t size : sizes_to(most, step)) {
        Request request = alice.request(kAgreed, destinations);
        request.body = filling(size, size);
        const Bytes bytes = encode(request);
        alice.send(bytes);
        ASSERT_EQ(bob.next().raw, bytes) << size << " bytes to " << groups << " groups";
    }
}

// CP 5.6, 9: all sizes arrive whole, over each transport
TEST_F(Limits, BodiesOfAllSizesToOneGroup) {
    Session alice = session(fresh("al"));
    Session bob(connect(Transport::kUnix), fresh("bo"));
    expect_all_sizes(alice, bob, 1, 1511);
    expect_all_sizes(bob, alice, 1, 9973);
}

TEST_F(Limits, BodiesOfAllSizesToManyGroups) {
    Session alice = session(fresh("al"));
    Session bob = session(fresh("bo"));
    expect_all_sizes(alice, bob, stock() ? kStockGroupsMax : kGroupsMax, 4999);
}

// CP 5.1: the largest, and one byte more. Where stock draws the line it depends on
// what it crashes on.
TEST_F(Limits, TheLargestMessageIsWhatLibrariesSend) {
    SPREAD_DIFFERS_FROM_STOCK("stock aborts, or drops the session, above 143200 bytes in all");
    for (const std::size_t groups : {0U, 1U, 2U, 50U, 100U}) {
        Session alice = session(fresh("al"));
        Request request = alice.request(kAgreed, std::vector(groups, alice.name()));
        request.body = filling(kContentMax - groups * kNameBytes);
        const Bytes largest = encode(request);
        alice.send(largest);
        if (groups > 0) {
            EXPECT_EQ(alice.next().raw, largest);
        }
        alice.expect_nothing();
        request.body.push_back({});
        const Bytes larger = encode(request);
        alice.send(std::span(larger).first(kHeaderBytes));
        alice.connection().expect_end();
    }
}

// CP 9, item 1: every group of a long list is served, whatever its place
TEST_F(Limits, UpToAHundredGroupsInOneMessage) {
    const std::size_t most = stock() ? kStockGroupsMax : kGroupsMax;
    const std::string stem = fresh("many");
    const auto group = [&stem](std::size_t i) { return stem + "-" + std::to_string(i); };
    // One member for each place, and one that is in all of them.
    std::vector<Session> members;
    Session everywhere = session(fresh("e"), {.version = {}, .flags = 0});
    for (std::size_t i = 0; i < most; ++i) {
        members.push_back(session(fresh("m"), {.version = {}, .flags = 0}));
        members.back().join(group(i));
        members.back().expect_nothing();
        everywhere.join(group(i));
    }
    everywhere.expect_nothing();
    Session sender = session(fresh("s"));
    for (std::size_t count = 1; count <= most; ++count) {
        std::vector<std::string> groups;
        for (std::size_t i = 0; i < count; ++i) {
            groups.push_back(group(i));
        }
        const Bytes bytes = encode(sender.request(kAgreed, groups, std::to_string(count)));
        sender.send(bytes);
        ASSERT_EQ(everywhere.next().raw, bytes) << count;
    }
    everywhere.expect_nothing();
    for (std::size_t i = 0; i < most; ++i) {
        for (std::size_t count = i + 1; count <= most; ++count) {
            ASSERT_EQ(members[i].next().text(), std::to_string(count)) << "member " << i;
        }
        members[i].expect_nothing();
    }
}

// CP 9, item 1: names as long as names can be
TEST_F(Limits, AHundredGroupsWithNamesOfAnyLength) {
    SPREAD_DIFFERS_FROM_STOCK("stock delivers more than 43 groups to nobody, or to others");
    Session alice = session(fresh("al"));
    for (std::size_t length = 1; length <= 31; ++length) {
        const std::string group(length, 'L');
        alice.enter(group);
        std::vector<std::string> groups(kGroupsMax, "nobody");
        for (const std::size_t place : {0U, 43U, 44U, 99U}) {
            groups[place] = group;
            alice.multicast(groups, "to one of many");
            alice.next_text("to one of many");
            groups[place] = "nobody";
        }
        alice.leave(group);
        alice.next_self_leave(group);
    }
    alice.expect_nothing();
}

// CP 3.6: 997 sessions, unfinished handshakes included; the next one is told at
// once
TEST_F(Limits, SessionsUpToTheQuota) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    Cluster own({"d1"}, false);
    constexpr std::size_t kSessions = 997;
    constexpr std::size_t kUnfinished = 7;
    std::vector<Session> sessions;
    for (std::size_t i = kUnfinished; i < kSessions; ++i) {
        sessions.emplace_back(own.connect(0, i % 2 == 0 ? Transport::kTcp : Transport::kUnix),
                              "s" + std::to_string(i));
    }
    std::vector<support::RawConnection> unfinished;
    for (std::size_t i = 0; i < kUnfinished; ++i) {
        unfinished.push_back(own.connect());
        unfinished.back().send(opening("u" + std::to_string(i)));
        EXPECT_EQ(read_method_list(unfinished.back()).list, "NULL ");
    }
    for (const Transport transport : {Transport::kTcp, Transport::kUnix}) {
        support::RawConnection late = own.connect(0, transport);
        EXPECT_EQ(read_method_list(late).code, -3);
        late.expect_end();
    }
    // All are served, and room is made by whoever leaves.
    sessions.front().enter("room");
    sessions.back().enter("room");
    EXPECT_EQ(sessions.front().next_view("room", kByJoin).changed(), sessions.back().name());
    sessions.back().kill();
    EXPECT_EQ(sessions.front().next_view("room", kByDisconnect).changed(), sessions.back().name());
    sessions.pop_back();
    // Where the socket is closed before or after that is told, room is there in a moment.
    support::wait_until("room for one more", [&own] {
        support::RawConnection late = own.connect();
        late.send_if_open(opening("late"));
        return read_method_list(late).code == 0;
    });
    EXPECT_EQ(own.daemon().stop(), 0) << own.logs();
}

// CP 8: a client that does not read is dropped at MaxSessionMessages queued messages;
// the others hear of it, and it gets what the kernel still holds, then the end
TEST_F(Limits, AReaderThatIsTooSlowIsDropped) {
    Member watcher = witness();
    Session slow = session(fresh("sl"));
    slow.enter(watcher.group);
    watcher.session.next_view(watcher.group, kByJoin);
    std::size_t sent = 0;
    std::size_t dropped_after = 0;
    while (dropped_after == 0) {
        ASSERT_LT(sent, 20000U);
        watcher.session.multicast({watcher.group}, std::string(8000, 'x'));
        ++sent;
        const Frame frame = watcher.session.next();
        if (frame.is_view()) {
            EXPECT_EQ(view_of(frame).cause, kByDisconnect);
            EXPECT_EQ(view_of(frame).changed(), slow.name());
            dropped_after = sent;
        }
    }
    // The queue alone holds a thousand.
    EXPECT_GT(dropped_after, 1000U);
    std::size_t got = 0;
    try {
        while (got < dropped_after) {
            EXPECT_EQ(slow.next().body.size(), 8000U);
            ++got;
        }
    } catch (const std::exception&) {
        // The end, possibly in the middle of a message.
    }
    EXPECT_LT(got, dropped_after);
    EXPECT_GT(got, 0U);
}

}  // namespace
}  // namespace spread::interop
