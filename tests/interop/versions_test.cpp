// What clients of all versions say and get (CP 3.1, 3.5).

#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

using support::RawConnection;

struct VersionCase {
    Version version;
    bool accepted;
    const char* name;
};

void PrintTo(const VersionCase& c, std::ostream* out) {
    *out << c.version.major << '.' << c.version.minor << '.' << c.version.patch;
}

class Versions : public OneDaemon, public testing::WithParamInterface<VersionCase> {};

class VersionsAlone : public OneDaemon {};

// CP 3.1: which versions are let in; how many version bytes each side sends; from 3.16
// on a choice of methods in between. shake_hands() keeps to that, so that one byte more or less
// shows.
TEST_P(Versions, GetTheHandshakeOfTheirTime) {
    const VersionCase& given = GetParam();
    const std::string name = fresh("v");
    RawConnection connection = connect();
    if (!given.accepted) {
        connection.send(opening(name, given.version));
        EXPECT_EQ(read_method_list(connection).code, -7);
        connection.expect_end();
        return;
    }
    const Verdict verdict = shake_hands(connection, opening(name, given.version), given.version);
    ASSERT_EQ(verdict.code, 1);
    // CP 3.5: the daemon presents itself as 5.0.1
    EXPECT_EQ(verdict.daemon.major, 5);
    EXPECT_EQ(verdict.daemon.minor, 0);
    EXPECT_EQ(verdict.daemon.patch, given.version.has_patch() ? 1 : 0);
    EXPECT_EQ(verdict.private_group, "#" + name + "#d1");
    // From here on there is one protocol for all.
    Request request;
    request.type = kAgreed;
    request.sender = verdict.private_group;
    request.groups = {verdict.private_group};
    request.body = bytes_of("works");
    connection.send(encode(request));
    EXPECT_EQ(read_frame(connection).raw, encode(request));
}

// CP 3.1: refused as soon as the version is in, whatever else is missing
TEST_F(VersionsAlone, RefusedNeedNoName) {
    SPREAD_DIFFERS_FROM_STOCK("stock closes when the opening is not there in one piece");
    RawConnection connection = connect();
    connection.send(Bytes{std::byte{2}, std::byte{0}});
    EXPECT_EQ(read_method_list(connection).code, -7);
    connection.expect_end();
}

// The version is judged before the name
TEST_F(VersionsAlone, AreJudgedBeforeNames) {
    RawConnection connection = connect();
    connection.send(opening("a b", {2, 0, 0}));
    EXPECT_EQ(read_method_list(connection).code, -7);
}

constexpr VersionCase kVersionCases[] = {
    {{0, 0, 0}, false, "0_0"},
    {{1, 0, 0}, false, "1_0"},
    {{2, 99, 99}, false, "2_99"},
    {{3, 0, 0}, false, "3_0"},
    {{3, 0, 99}, false, "3_0_99"},
    {{-128, 0, 0}, false, "byte_0x80"},
    {{-1, -1, -1}, false, "all_0xff"},
    {{3, -1, 0}, false, "3_minus_1"},
    {{4, -128, 0}, false, "4_minus_128"},
    {{3, 1, 0}, true, "3_1"},
    {{3, 8, 0}, true, "3_8"},
    {{3, 13, 0}, true, "3_13"},
    {{3, 14, 0}, true, "3_14"},
    {{3, 15, 0}, true, "3_15_0"},
    {{3, 15, 2}, true, "3_15_2"},
    {{3, 15, 99}, true, "3_15_99"},
    {{3, 16, 0}, true, "3_16_0"},
    {{3, 16, -1}, true, "3_16_minus_1"},
    {{3, 17, 3}, true, "3_17_3"},
    {{3, 127, 127}, true, "3_127_127"},
    {{4, 0, 0}, true, "4_0_0"},
    {{4, 4, 0}, true, "4_4_0"},
    {{4, -1, 0}, true, "4_minus_1"},
    {{5, 0, 0}, true, "5_0_0"},
    {{5, 0, 1}, true, "5_0_1"},
    {{6, 0, 0}, true, "6_0_0"},
    {{127, 0, 0}, true, "127_0_0"},
    {{127, 127, 127}, true, "127_127_127"},
};

INSTANTIATE_TEST_SUITE_P(Of, Versions, testing::ValuesIn(kVersionCases),
                         [](const auto& each) { return std::string(each.param.name); });

}  // namespace
}  // namespace spread::interop
