#include "spread/session.hpp"

#include <poll.h>

#include <thread>

#include <gmock/gmock.h>

#include "client/probe.hpp"
#include "scripted_daemon.hpp"

namespace spread {
namespace {

using client::testing::Bytes;
using client::testing::bytes_of;
using client::testing::frame;
using client::testing::name;
using client::testing::number;
using client::testing::ScriptedDaemon;
using client::testing::operator+;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::chrono::milliseconds kPatience{5000};
constexpr std::chrono::milliseconds kAtOnce{0};

Bytes from_bob(std::string_view text, std::int16_t mess_type = 0) {
    return frame(protocol::kAgreedMess, "#bob#d2", {"room"}, bytes_of(text), mess_type);
}

/// The text of what receive() must have to tell: a message.
std::string text_of(const Result<Event>& event) {
    if (!event) {
        return "error: " + event.error().text;
    }
    const auto* message = std::get_if<Message>(&*event);
    return message == nullptr ? "no message" : std::string(message->text());
}

bool is_readable(int descriptor, int milliseconds = 0) {
    pollfd wanted{descriptor, POLLIN, 0};
    return poll(&wanted, 1, milliseconds) == 1;
}

TEST(Session, SendsRequestsInWireForm) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    ASSERT_TRUE(session.join("room"));
    EXPECT_EQ(daemon.heard(), frame(protocol::kJoinMess, "#alice#d1", {"room"}, {}));
    EXPECT_EQ(session.multicast({Service::kAgreed, 300}, "room", "hello"), 1U);
    EXPECT_EQ(daemon.heard(),
              frame(protocol::kAgreedMess, "#alice#d1", {"room"}, bytes_of("hello"), 300));
    ASSERT_TRUE(session.leave("room"));
    EXPECT_EQ(daemon.heard(), frame(protocol::kLeaveMess, "#alice#d1", {"room"}, {}));
    session.close();
    EXPECT_EQ(daemon.heard(), frame(protocol::kKillMess, "#alice#d1", {"#alice#d1"}, {}));
}

TEST(Session, SaysGoodByeWhenItIsDropped) {
    ScriptedDaemon daemon;
    { const Session session(daemon.session()); }
    EXPECT_EQ(daemon.heard(), frame(protocol::kKillMess, "#alice#d1", {"#alice#d1"}, {}));
}

TEST(Session, SendsToSeveralGroupsAtOnce) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    ASSERT_TRUE(session.multigroup_multicast({Service::kSafe, 0, true},
                                             std::vector<std::string>{"room", "#bob#d2"}, "x"));
    EXPECT_EQ(daemon.heard(), frame(protocol::kSafeMess | protocol::kSelfDiscard, "#alice#d1",
                                    {"room", "#bob#d2"}, bytes_of("x")));
}

TEST(Session, NumbersMulticastsAndNothingElse) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    EXPECT_EQ(session.multicast(Service::kFifo, "room", ""), 1U);
    ASSERT_TRUE(session.join("room"));
    EXPECT_FALSE(session.multicast(Service::kFifo, "", ""));
    EXPECT_EQ(session.try_multicast(Service::kFifo, "room", ""), 2U);
    EXPECT_EQ(session.queue_multicast(Service::kFifo, "room", ""), 3U);
}

TEST(Session, QueuedMessagesLeaveTogether) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    ASSERT_TRUE(session.queue_multicast(Service::kAgreed, "room", "one"));
    ASSERT_TRUE(session.queue_multicast(Service::kAgreed, "room", "two"));
    EXPECT_TRUE(daemon.heard().empty());
    EXPECT_EQ(session.stats().queued_messages, 2U);
    EXPECT_EQ(session.flush(), 0U);
    EXPECT_EQ(session.stats().queued_messages, 0U);
    EXPECT_EQ(daemon.heard(),
              frame(protocol::kAgreedMess, "#alice#d1", {"room"}, bytes_of("one")) +
                  frame(protocol::kAgreedMess, "#alice#d1", {"room"}, bytes_of("two")));
}

TEST(Session, ReceivesMessagesOneByOne) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    daemon.say(from_bob("one", 7) + frame(protocol::kSafeMess | protocol::kSelfDiscard, "#bob#d2",
                                          {"room", "hall"}, bytes_of("two"), -1,
                                          protocol::ByteOrder::kBig));
    const auto first = session.receive(kPatience);
    ASSERT_TRUE(first);
    const auto& one = std::get<Message>(*first);
    EXPECT_EQ(one.text(), "one");
    EXPECT_EQ(one.mess_type, 7);
    EXPECT_EQ(one.service, Service::kAgreed);
    EXPECT_FALSE(one.endian_mismatch);
    EXPECT_FALSE(one.self_discard);
    EXPECT_GT(session.poll(), 0U);
    const auto second = session.receive(kAtOnce);
    ASSERT_TRUE(second);
    const auto& two = std::get<Message>(*second);
    EXPECT_EQ(two.text(), "two");
    EXPECT_TRUE(two.endian_mismatch);
    EXPECT_TRUE(two.self_discard);
    EXPECT_EQ(two.service, Service::kSafe);
    EXPECT_EQ(two.mess_type, -1);
    EXPECT_THAT(two.groups, ElementsAre("room", "hall"));
    EXPECT_EQ(session.poll(), 0U);
}

TEST(Session, TellsEveryKindOfEventApart) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    const Bytes id = number(1) + number(2) + number(3);
    daemon.say(frame(protocol::kRegMembMess | protocol::kCausedByJoin, "room",
                     {"#alice#d1", "#bob#d2"},
                     id + number(1) + number(0) + number(1) + name("#bob#d2")) +
               frame(protocol::kTransitionMess, "room", {}, id) +
               frame(protocol::kCausedByLeave, "room", {}, {}));
    // A reject carries the refused type behind its header, not counted in the length.
    auto reject = frame(protocol::kRejectMess, "#alice#d1", {"hall", "#alice#d1"}, {});
    const auto old_type = number(0x80000080U | protocol::kCausedByJoin);
    reject.insert(reject.begin() + protocol::kSessionHeaderBytes, old_type.begin(), old_type.end());
    daemon.say(reject);

    const auto membership = std::get<Membership>(*session.receive(kPatience));
    EXPECT_EQ(membership.group, "room");
    EXPECT_EQ(membership.cause, Cause::kJoin);
    EXPECT_EQ(membership.id, (GroupId{1, 2, 3}));
    EXPECT_EQ(membership.changed_member(), "#bob#d2");
    EXPECT_THAT(membership.came_with_us(), ElementsAre("#alice#d1"));
    EXPECT_EQ(std::get<Transition>(*session.receive(kPatience)).id, (GroupId{1, 2, 3}));
    EXPECT_EQ(std::get<SelfLeave>(*session.receive(kPatience)).group, "room");
    const auto rejected = std::get<Rejected>(*session.receive(kPatience));
    EXPECT_EQ(rejected.request, Rejected::Request::kJoin);
    EXPECT_THAT(rejected.groups, ElementsAre("hall"));
}

TEST(Session, AForgedMembershipOfAnotherClientIsAMessage) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    daemon.say(frame(protocol::kAgreedMess | protocol::kRegMembMess | protocol::kCausedByJoin,
                     "#mallory#d2", {"room"}, bytes_of("no view")));
    EXPECT_EQ(text_of(session.receive(kPatience)), "no view");
}

TEST(Session, ATimeOutLosesNothing) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    const auto whole = from_bob("hello");
    daemon.say({whole.begin(), whole.begin() + 60});
    const auto nothing = session.receive(kAtOnce);
    ASSERT_FALSE(nothing);
    EXPECT_EQ(nothing.error().code, ErrorCode::kTimedOut);
    daemon.say({whole.begin() + 60, whole.end()});
    EXPECT_EQ(session.poll(), whole.size());
    EXPECT_EQ(text_of(session.receive(kPatience)), "hello");
}

TEST(Session, TheEndOfTheConnectionStandsBehindTheLastMessage) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    daemon.say(from_bob("last"));
    daemon.hang_up();
    EXPECT_EQ(text_of(session.receive(kPatience)), "last");
    const auto end = session.receive(kPatience);
    ASSERT_TRUE(end);
    const auto& disconnected = std::get<Disconnected>(*end);
    EXPECT_EQ(disconnected.error.code, ErrorCode::kConnectionClosed);
    EXPECT_FALSE(disconnected.will_reconnect);
    EXPECT_EQ(disconnected.private_group, "#alice#d1");
    EXPECT_EQ(session.state(), SessionState::kEnded);
    EXPECT_EQ(session.receive(kAtOnce).error().code, ErrorCode::kConnectionClosed);
    EXPECT_EQ(session.receive(kAtOnce).error().code, ErrorCode::kNetErrorOnSession);
    EXPECT_EQ(session.join("room").error().code, ErrorCode::kNetErrorOnSession);
}

TEST(Session, WhatCameBeforeASenderSawTheEndIsStillReceived) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    daemon.say(from_bob("one") + from_bob("two"));
    daemon.hang_up();
    const auto sent = session.multicast(Service::kAgreed, "room", "into the void");
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, ErrorCode::kConnectionClosed);
    EXPECT_EQ(text_of(session.receive(kAtOnce)), "one");
    EXPECT_EQ(text_of(session.receive(kAtOnce)), "two");
    const auto end = session.receive(kAtOnce);
    ASSERT_TRUE(end);
    const auto& unsent = std::get<Disconnected>(*end).unsent;
    ASSERT_EQ(unsent.size(), 1U);
    EXPECT_EQ(unsent[0].sequence, 1U);
    EXPECT_EQ(unsent[0].body, bytes_of("into the void"));
    EXPECT_EQ(std::get<Disconnected>(*end).handed_over, 0U);
}

TEST(Session, WhatTheDaemonNeverTookIsGivenBack) {
    ScriptedDaemon daemon;
    Options options;
    options.send_queue_bytes_max = std::size_t{8} << 20U;
    Session session(daemon.session(options));
    const std::string body(100'000, 'x');
    std::uint64_t last = 0;
    while (last < 50) {
        const auto sent = session.try_multicast({Service::kAgreed, 5}, "room", body);
        ASSERT_TRUE(sent) << sent.error().text;
        last = *sent;
    }
    // What the daemon takes as a whole was handed over; the next one it has in part.
    std::size_t taken = 0;
    for (auto heard = daemon.heard(); !heard.empty(); heard = daemon.heard()) {
        taken += heard.size();
        static_cast<void>(session.flush());
        if (taken > 3'000'000) {
            break;
        }
    }
    ASSERT_GT(session.stats().queued_bytes, 0U);
    const std::size_t queued = session.stats().queued_messages;
    daemon.hang_up();
    const auto end = session.receive(kPatience);
    ASSERT_TRUE(end);
    const auto& disconnected = std::get<Disconnected>(*end);
    EXPECT_EQ(disconnected.unsent.size(), queued);
    EXPECT_EQ(disconnected.handed_over, 50 - queued);
    EXPECT_EQ(disconnected.unsent.front().sequence, 50 - queued + 1);
    EXPECT_EQ(disconnected.unsent.back().sequence, 50U);
    EXPECT_EQ(disconnected.unsent.front().mess_type, 5);
    EXPECT_THAT(disconnected.unsent.front().groups, ElementsAre("room"));
    EXPECT_EQ(disconnected.unsent.front().body, bytes_of(body));
}

TEST(Session, BytesThatMakeNoSenseEndTheConnection) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    auto bad = from_bob("x");
    bad[44] = bad[45] = bad[46] = bad[47] = std::byte{0xff};
    daemon.say(from_bob("good") + bad);
    EXPECT_EQ(text_of(session.receive(kPatience)), "good");
    const auto end = session.receive(kPatience);
    ASSERT_TRUE(end);
    EXPECT_EQ(std::get<Disconnected>(*end).error.code, ErrorCode::kIllegalMessage);
}

TEST(Session, AFullQueueSaysSoAndGoesOnWhenThereIsRoom) {
    ScriptedDaemon daemon;
    Options options;
    options.send_queue_bytes_max = 300'000;
    Session session(daemon.session(options));
    const auto descriptor = session.descriptor();
    ASSERT_TRUE(descriptor);
    EXPECT_FALSE(session.try_receive()->has_value());
    const std::string body(100'000, 'x');
    std::size_t sent = 0;
    Result<std::uint64_t> last = std::uint64_t{0};
    while (last && sent < 100) {
        last = session.try_multicast(Service::kAgreed, "room", body);
        sent += last ? 1 : 0;
    }
    ASSERT_FALSE(last);
    EXPECT_EQ(last.error().code, ErrorCode::kWouldBlock);
    EXPECT_LE(session.stats().queued_bytes, 300'000U + 100'080U);
    EXPECT_FALSE(is_readable(*descriptor));

    std::size_t heard = 0;
    while (session.stats().queued_bytes > 0) {
        heard += daemon.heard().size();
        EXPECT_TRUE(is_readable(*descriptor, 1000));
        EXPECT_FALSE(session.try_receive()->has_value());
    }
    EXPECT_EQ(heard + daemon.heard().size(), sent * 100'080U);
    EXPECT_FALSE(is_readable(*descriptor));
    EXPECT_TRUE(session.try_multicast(Service::kAgreed, "room", body));
}

TEST(Session, ABlockingSendGivesUpInTime) {
    ScriptedDaemon daemon;
    Options options;
    options.send_timeout = std::chrono::milliseconds(20);
    Session session(daemon.session(options));
    const std::string body(140'000, 'x');
    Result<std::uint64_t> sent = std::uint64_t{0};
    for (int i = 0; i < 100 && sent; ++i) {
        sent = session.multicast(Service::kAgreed, "room", body);
    }
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().code, ErrorCode::kTimedOut);
    const auto end = session.receive(kPatience);
    ASSERT_TRUE(end);
    EXPECT_THAT(std::get<Disconnected>(*end).error.text, HasSubstr("takes no more data"));
}

TEST(Session, TheDescriptorShowsWhatWaitsInMemory) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    const auto descriptor = session.descriptor();
    ASSERT_TRUE(descriptor);
    EXPECT_FALSE(is_readable(*descriptor));
    daemon.say(from_bob("one") + from_bob("two") + from_bob("three"));
    for (const char* text : {"one", "two", "three"}) {
        EXPECT_TRUE(is_readable(*descriptor)) << text;
        const auto event = session.try_receive();
        ASSERT_TRUE(event && *event);
        EXPECT_EQ(std::get<Message>(**event).text(), text);
    }
    // Whoever waits for it before each receive() is not sent into one that waits.
    EXPECT_FALSE(is_readable(*descriptor));
    EXPECT_FALSE(session.try_receive()->has_value());
    EXPECT_FALSE(is_readable(*descriptor));
    session.interrupt();
    EXPECT_TRUE(is_readable(*descriptor));
    EXPECT_EQ(session.try_receive().error().code, ErrorCode::kInterrupted);
    EXPECT_EQ(session.descriptor(), *descriptor);
    daemon.hang_up();
    EXPECT_TRUE(is_readable(*descriptor));
}

TEST(Session, ReceivesInPlaceWithoutCopies) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    daemon.say(from_bob("one", 4) + from_bob("two"));
    std::vector<std::string> seen;
    const auto count = session.receive_each([&](const MessageRef& message) {
        seen.push_back(std::string(message.sender) + " " + std::string(message.group(0)) + " " +
                       std::to_string(message.mess_type) + " " +
                       std::to_string(message.body.size()));
    });
    EXPECT_EQ(count, 2 * (48U + 32 + 3));
    EXPECT_THAT(seen, ElementsAre("#bob#d2 room 4 3", "#bob#d2 room 0 3"));
    EXPECT_EQ(session.receive_each([](const MessageRef&) {}), 0U);
    daemon.hang_up();
    EXPECT_EQ(session.receive_each([](const MessageRef&) {}).error().code, ErrorCode::kInterrupted);
    EXPECT_TRUE(std::holds_alternative<Disconnected>(*session.receive(kAtOnce)));
}

TEST(Session, InterruptWakesOneReceiver) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    std::jthread interrupter([&] { session.interrupt(); });
    EXPECT_EQ(session.receive().error().code, ErrorCode::kInterrupted);
    EXPECT_EQ(session.receive(kAtOnce).error().code, ErrorCode::kTimedOut);
}

TEST(Session, CloseWakesWhoReceivesAndWhoSends) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    Result<Event> received = Event();
    Result<std::uint64_t> sent = std::uint64_t{0};
    {
        std::jthread receiver([&] { received = session.receive(); });
        std::jthread sender([&] {
            const std::string body(140'000, 'x');
            while (sent) {
                sent = session.multicast(Service::kAgreed, "room", body);
            }
        });
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        session.close();
    }
    EXPECT_EQ(received.error().code, ErrorCode::kIllegalSession);
    EXPECT_EQ(sent.error().code, ErrorCode::kIllegalSession);
    EXPECT_EQ(session.receive().error().code, ErrorCode::kIllegalSession);
    EXPECT_EQ(session.leave("room").error().code, ErrorCode::kIllegalSession);
}

TEST(Session, SendersAndReceiversDoNotWaitForEachOther) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    std::string text;
    std::jthread receiver([&] { text = text_of(session.receive()); });
    // The receiver waits, or is about to; the sender gets through either way.
    ASSERT_TRUE(session.multicast(Service::kAgreed, "room", "hello"));
    const auto sent = daemon.heard();
    EXPECT_FALSE(sent.empty());
    daemon.say(sent);
    receiver.join();
    EXPECT_EQ(text, "hello");
}

TEST(Session, AQuietDaemonIsAskedWhetherItIsAlive) {
    ScriptedDaemon daemon;
    Options options;
    options.ping_interval = std::chrono::milliseconds(20);
    Session session(daemon.session(options));
    EXPECT_EQ(session.receive(std::chrono::milliseconds(30)).error().code, ErrorCode::kTimedOut);
    const auto ping = daemon.heard();
    ASSERT_FALSE(ping.empty());
    daemon.say(ping + from_bob("hello"));  // the ping comes back and is not shown
    EXPECT_EQ(text_of(session.receive(kPatience)), "hello");
    const auto end = session.receive(kPatience);  // no answer any more
    ASSERT_TRUE(end) << end.error().text;
    EXPECT_THAT(std::get<Disconnected>(*end).error.text, HasSubstr("did not answer"));
    EXPECT_EQ(session.stats().messages_in, 1U);
    EXPECT_EQ(session.stats().messages_out, 0U);
}

TEST(Session, RefusesWhatTheLibrariesRefuse) {
    ScriptedDaemon daemon;
    Session session(daemon.session());
    EXPECT_EQ(session.join("").error().code, ErrorCode::kIllegalGroup);
    EXPECT_EQ(session.join("a b").error().code, ErrorCode::kIllegalGroup);
    EXPECT_EQ(session.leave(std::string(32, 'x')).error().code, ErrorCode::kIllegalGroup);
    EXPECT_EQ(session.multicast(Service::kAgreed, std::string(32, 'x'), "").error().code,
              ErrorCode::kIllegalGroup);
    EXPECT_EQ(session.multicast(Service{0}, "room", "").error().code, ErrorCode::kIllegalService);
    EXPECT_EQ(session.multicast(Service{0x14}, "room", "").error().code,
              ErrorCode::kIllegalService);
    const std::vector<std::string_view> many(101, "room");
    EXPECT_EQ(session.multigroup_multicast(Service::kAgreed, many, "").error().code,
              ErrorCode::kIllegalGroup);
    const auto too_long = session.multicast(Service::kAgreed, "room", std::string(143969, 'x'));
    EXPECT_EQ(too_long.error().code, ErrorCode::kMessageTooLong);
    EXPECT_THAT(too_long.error().text, HasSubstr("144001"));
    EXPECT_TRUE(daemon.heard().empty());
}

}  // namespace
}  // namespace spread
