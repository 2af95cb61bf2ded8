// Libraries of version 3 expect another membership body than later ones (CP 7.6, 11):
// id, number of names, names. They get it, unless the configuration says that they are to get what
// stock sends them.

#include <ostream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/interop/ring_stage.hpp"

namespace spread::interop {
namespace {

/// A body as a library of version 3 reads it.
struct OldBody {
    GroupId id;
    Names names;
};

OldBody old_body(const Frame& frame) {
    const std::span body(frame.body);
    const auto number = [&](std::size_t at) {
        std::uint32_t value = 0;
        for (std::size_t i = 4; i > 0; --i) {
            value = value << 8U | std::to_integer<std::uint32_t>(body[at + i - 1]);
        }
        return value;
    };
    OldBody old;
    if (body.size() < 16) {
        ADD_FAILURE() << "too short: " << describe(frame);
        return old;
    }
    old.id = {static_cast<std::int32_t>(number(0)), static_cast<std::int32_t>(number(4)),
              static_cast<std::int32_t>(number(8))};
    EXPECT_EQ(body.size(), 16 + number(12) * kNameBytes) << describe(frame);
    for (std::size_t at = 16; at + kNameBytes <= body.size(); at += kNameBytes) {
        const std::string text = text_of(body.subspan(at, kNameBytes));
        old.names.push_back(text.substr(0, text.find('\0')));
    }
    return old;
}

Session::Options of_version(Version version) {
    return {.version = version, .flags = 1};
}

class OldClients : public OneDaemon, public testing::WithParamInterface<Version> {};

TEST_P(OldClients, ReadTheChangedMemberInTheirLayout) {
    SPREAD_DIFFERS_FROM_STOCK("stock sends everybody the layout of 4.0");
    Member modern = witness();
    Session old = session(fresh("old"), of_version(GetParam()));
    old.join(modern.group);
    View view = modern.session.next_view(modern.group, kByJoin);
    Frame frame = old.next();
    const auto expect_same = [&](std::uint32_t cause) {
        // The header and the list are everybody's.
        EXPECT_EQ(frame.type, kRegular | cause);
        EXPECT_EQ(frame.name(), modern.group);
        EXPECT_EQ(frame.groups, view.members);
        EXPECT_EQ(frame.hint, word(kEndian, Order::kLittle));
        EXPECT_EQ(frame.data_len, 48);
        EXPECT_EQ(old_body(frame).id, view.id);
        EXPECT_EQ(old_body(frame).names, Names{view.changed()});
    };
    expect_same(kByJoin);
    Session third = session(fresh("x"));
    third.enter(modern.group);
    for (const std::uint32_t cause : {kByJoin, kByLeave, kByJoin, kByDisconnect}) {
        if (cause == kByLeave) {
            third.leave(modern.group);
        } else if (cause == kByDisconnect) {
            third.kill();
        } else if (view.cause == kByLeave) {
            third.join(modern.group);
        }
        view = modern.session.next_view(modern.group, cause);
        frame = old.next();
        expect_same(cause);
    }
    // Messages and one's own leave are the same for all.
    modern.session.multicast({modern.group}, "text");
    EXPECT_EQ(old.next_text("text").raw, modern.session.next_text("text").raw);
    old.leave(modern.group);
    const Frame leave = old.next();
    EXPECT_TRUE(leave.is_self_leave());
    EXPECT_EQ(leave.raw.size(), kHeaderBytes);
}

std::string version_name(const testing::TestParamInfo<Version>& info) {
    return std::to_string(info.param.major) + "_" + std::to_string(info.param.minor) + "_" +
           std::to_string(info.param.patch);
}

INSTANTIATE_TEST_SUITE_P(Of, OldClients,
                         testing::Values(Version{3, 1, 0}, Version{3, 14, 0}, Version{3, 15, 0},
                                         Version{3, 16, 0}, Version{3, 17, 3},
                                         Version{3, 127, 127}),
                         version_name);

class OldClientsNewer : public OneDaemon, public testing::WithParamInterface<Version> {};

// CP 7.2: from 4.0 on there is one layout
TEST_P(OldClientsNewer, GetTheLayoutWithSets) {
    Session alice = session(fresh("al"), of_version(GetParam()));
    EXPECT_EQ(alice.enter(fresh("g")).members, Names{alice.name()});
}

INSTANTIATE_TEST_SUITE_P(Of, OldClientsNewer,
                         testing::Values(Version{4, 0, 0}, Version{4, 4, 0}, Version{5, 0, 1},
                                         Version{127, 0, 0}),
                         version_name);

class OldClientsAlone : public OneDaemon {};

// CP 7.6, 11: with the option off everybody gets what stock sends
TEST_F(OldClientsAlone, GetStocksLayoutIfConfigured) {
    Cluster own({"d1"}, false, stock() ? "" : "OldClientLayout = no\n");
    for (const Version& version : {Version{3, 13, 0}, Version{3, 17, 3}}) {
        Session old(own.connect(), fresh("old"), of_version(version));
        EXPECT_EQ(old.enter(fresh("g")).members, Names{old.name()});
    }
}

class OldClientsOnARing : public SharedRing {};

// CP 7.3, 11: network views show one's own set; the signal is the same for all
TEST_F(OldClientsOnARing, ReadTheirOwnSetInNetworkViews) {
    SPREAD_DIFFERS_FROM_STOCK("stock sends everybody the layout of 4.0");
    const std::string group = fresh("g");
    Session modern = session(kZeta, fresh("m"));
    Session old(ring().connect(kZeta), fresh("o"), of_version({3, 17, 3}));
    Session far(ring().connect(kLast), fresh("f"), of_version({3, 17, 3}));
    modern.enter(group);
    old.join(group);
    modern.next_view(group, kByJoin);
    EXPECT_EQ(old_body(old.next()).names, Names{old.name()});
    far.join(group);
    const GroupId id = modern.next_view(group, kByJoin).id;
    EXPECT_EQ(old_body(old.next()).names, Names{far.name()});
    EXPECT_EQ(old_body(far.next()).id, id);

    cut({{kZeta, kAlpha, kMid}, {kLast}});
    expect_signal(modern, group, id);
    expect_signal(old, group, id);
    expect_signal(far, group, id);
    const View left = modern.next_view(group, kByNetwork);
    const auto expect_view = [&](Session& member, const Names& members, const Names& own) {
        const Frame frame = member.next();
        EXPECT_EQ(frame.type, kRegular | kByNetwork);
        EXPECT_EQ(frame.groups, members);
        EXPECT_EQ(old_body(frame).names, own);
        return old_body(frame).id;
    };
    EXPECT_EQ(expect_view(old, left.members, left.members), left.id);
    expect_view(far, {far.name()}, {far.name()});

    heal();
    const View merged = modern.next_view(group, kByNetwork);
    EXPECT_EQ(merged.members.size(), 3U);
    EXPECT_EQ(merged.sets.size(), 2U);
    EXPECT_EQ(expect_view(old, merged.members, merged.sets[merged.own_set]), merged.id);
    EXPECT_EQ(expect_view(far, merged.members, {far.name()}), merged.id);
}

}  // namespace
}  // namespace spread::interop
