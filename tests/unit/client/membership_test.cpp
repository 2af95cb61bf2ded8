#include <gmock/gmock.h>

#include "client/codec/frame_buffer.hpp"
#include "client/codec/message_view.hpp"
#include "scripted_daemon.hpp"

namespace spread::client {
namespace {

using protocol::ByteOrder;
using testing::Bytes;
using testing::frame;
using testing::name;
using testing::number;
using testing::operator+;
using ::testing::ElementsAre;

constexpr std::uint32_t kJoined = protocol::kRegMembMess | protocol::kCausedByJoin;
constexpr std::uint32_t kNetwork = protocol::kRegMembMess | protocol::kCausedByNetwork;

Bytes group_id(ByteOrder order) {
    return number(0xfffffffe, order) + number(1000, order) + number(3, order);
}

/// Two vs-sets, {bob} and {alice, carol}; we are in the second.
Bytes network_body(ByteOrder order) {
    return group_id(order) + number(2, order) + number(36, order) + number(1, order) +
           name("#bob#d2") + number(2, order) + name("#alice#d1") + name("#carol#d1");
}

Bytes network_frame(const Bytes& body, ByteOrder order = ByteOrder::kLittle) {
    return frame(kNetwork, "room", {"#alice#d1", "#carol#d1", "#bob#d2"}, body, 0, order);
}

Result<Membership> decode(const Bytes& bytes) {
    FrameBuffer frames;
    frames.append(bytes);
    const auto message = frames.next();
    EXPECT_TRUE(message && *message);
    return decode_membership(**message);
}

TEST(Membership, TakesANetworkChangeApartInBothByteOrders) {
    for (const ByteOrder order : {ByteOrder::kLittle, ByteOrder::kBig}) {
        const auto membership = decode(network_frame(network_body(order), order));
        ASSERT_TRUE(membership) << membership.error().text;
        EXPECT_EQ(membership->group, "room");
        EXPECT_EQ(membership->cause, protocol::kCausedByNetwork);
        EXPECT_EQ(membership->id, (GroupId{-2, 1000, 3}));
        EXPECT_THAT(membership->members, ElementsAre("#alice#d1", "#carol#d1", "#bob#d2"));
        EXPECT_THAT(membership->vs_sets,
                    ElementsAre(ElementsAre("#bob#d2"), ElementsAre("#alice#d1", "#carol#d1")));
        EXPECT_EQ(membership->own_vs_set, 1U);
        EXPECT_EQ(membership->changed_member(), "");
    }
}

TEST(Membership, NamesWhoJoined) {
    const auto body =
        group_id(ByteOrder::kLittle) + number(1) + number(0) + number(1) + name("#alice#d1");
    const auto membership = decode(frame(kJoined, "room", {"#alice#d1"}, body));
    ASSERT_TRUE(membership);
    EXPECT_EQ(membership->cause, protocol::kCausedByJoin);
    EXPECT_EQ(membership->changed_member(), "#alice#d1");
}

TEST(Membership, ReadsTheIdentifierOfATransitionalSignal) {
    const auto membership =
        decode(frame(protocol::kTransitionMess, "room", {}, group_id(ByteOrder::kLittle)));
    ASSERT_TRUE(membership);
    EXPECT_EQ(membership->id, (GroupId{-2, 1000, 3}));
    EXPECT_EQ(membership->cause, 0U);
    EXPECT_TRUE(membership->members.empty());
}

TEST(Membership, RefusesABodyCutAtAnyByte) {
    const auto body = network_body(ByteOrder::kLittle);
    for (std::size_t length = 0; length < body.size(); ++length) {
        const auto membership = decode(
            network_frame(Bytes(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(length))));
        ASSERT_FALSE(membership) << length;
        EXPECT_EQ(membership.error().code, ErrorCode::kIllegalMessage);
    }
    EXPECT_FALSE(decode(frame(protocol::kTransitionMess, "room", {}, number(1) + number(2))));
}

TEST(Membership, RefusesCountsBeyondTheBody) {
    const auto id = group_id(ByteOrder::kLittle);
    const auto one_set = number(1) + name("#bob#d2");
    for (const auto& body : {
             id + number(0xffffffff) + number(0) + one_set,    // sets
             id + number(1) + number(0) + number(0x08000000),  // names
             id + number(2) + number(0) + one_set,             // one set missing
             id + number(1) + number(4) + one_set,             // offset into the set
             id + number(1) + number(0xffffffff) + one_set,    // offset behind everything
         }) {
        EXPECT_FALSE(decode(network_frame(body)));
    }
}

TEST(Membership, IsNotReadFromOtherMessages) {
    EXPECT_FALSE(decode(
        frame(protocol::kAgreedMess, "#bob#d2", {"room"}, network_body(ByteOrder::kLittle))));
    EXPECT_FALSE(decode(frame(protocol::kCausedByLeave, "room", {}, {})));
}

TEST(Membership, ASelfLeaveNoticeIsRecognised) {
    FrameBuffer frames;
    frames.append(frame(protocol::kCausedByLeave, "room", {}, {}));
    const auto message = frames.next();
    ASSERT_TRUE(message && *message);
    EXPECT_TRUE((*message)->is_self_leave());
    EXPECT_FALSE((*message)->is_regular_membership());
}

}  // namespace
}  // namespace spread::client
