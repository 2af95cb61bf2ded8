// Choosing methods of authentication (CP 3.2, 3.3).

#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

using support::RawConnection;

struct MethodsCase {
    std::vector<std::string> fields;
    bool accepted;
    const char* name;
    bool stock_differs = false;
};

void PrintTo(const MethodsCase& c, std::ostream* out) {
    *out << c.name;
}

class Methods : public OneDaemon, public testing::WithParamInterface<MethodsCase> {};

class MethodsAlone : public OneDaemon {};

// CP 3.3: every named method must be allowed; names are exact
TEST_P(Methods, AreAcceptedOrRefused) {
    const MethodsCase& given = GetParam();
    if (given.stock_differs) {
        SPREAD_DIFFERS_FROM_STOCK("stock reads past the 90 bytes when all fields are filled");
    }
    RawConnection connection = connect();
    const std::string name = fresh("m");
    connection.send(opening(name));
    EXPECT_EQ(read_method_list(connection).list, "NULL ");
    connection.send(choice(given.fields));
    const Verdict verdict = read_verdict(connection);
    if (given.accepted) {
        EXPECT_EQ(verdict.private_group, "#" + name + "#d1");
    } else {
        EXPECT_EQ(verdict.code, -9);
        connection.expect_end();
    }
}

const std::string kNul(1, '\0');

const MethodsCase kMethodsCases[] = {
    {{"NULL"}, true, "one_NULL"},
    {{"NULL", "NULL"}, true, "two_NULLs"},
    {{"NULL", "NULL", "NULL"}, true, "three_NULLs", true},
    {{"NULL" + kNul + "junk"}, true, "junk_behind_the_NUL"},
    {{"NULL", "", "IP"}, true, "what_follows_an_empty_field"},
    {{}, false, "nothing"},
    {{"", "NULL"}, false, "first_field_empty"},
    {{"null"}, false, "lower_case"},
    {{"NULLx"}, false, "longer"},
    {{"NUL"}, false, "shorter"},
    {{"NULL "}, false, "blank_behind"},
    {{" NULL"}, false, "blank_before"},
    {{"NULL NULL"}, false, "two_in_one_field"},
    {{"IP"}, false, "known_but_not_allowed"},
    {{"NULL", "IP"}, false, "second_not_allowed"},
    {{"PWORD"}, false, "PWORD"},
    {{"KERBEROS"}, false, "unknown"},
    {{std::string(30, 'N')}, false, "field_without_NUL"},
};

INSTANTIATE_TEST_SUITE_P(Choice, Methods, testing::ValuesIn(kMethodsCases),
                         [](const auto& each) { return std::string(each.param.name); });

// CP 3.3: whatever byte a method of four bytes is spoilt with
TEST_F(MethodsAlone, AreComparedByteByByte) {
    for (std::size_t at = 0; at < 5; ++at) {
        for (const unsigned flip : {0x01U, 0x20U, 0x80U}) {
            std::string method = "NULL" + kNul;
            method[at] = static_cast<char>(static_cast<unsigned char>(method[at]) ^ flip);
            RawConnection connection = connect();
            connection.send(opening(fresh("m")));
            EXPECT_EQ(read_method_list(connection).list, "NULL ");
            connection.send(choice({method}));
            EXPECT_EQ(read_verdict(connection).code, -9) << at << " ^ " << flip;
        }
    }
}

// CP 3.1, 3.3: a name is taken from the opening on, also while its holder
// authenticates, and free again when that fails
TEST_F(MethodsAlone, PendingHoldTheName) {
    const std::string name = fresh("m");
    RawConnection pending = connect();
    pending.send(opening(name));
    EXPECT_EQ(read_method_list(pending).list, "NULL ");
    RawConnection second = connect();
    second.send(opening(name));
    EXPECT_EQ(read_method_list(second).code, -6);
    pending.send(choice({"no"}));
    EXPECT_EQ(read_verdict(pending).code, -9);
    pending.expect_end();
    RawConnection third = connect();
    EXPECT_EQ(shake_hands(third, opening(name)).code, 1);
}

}  // namespace
}  // namespace spread::interop
