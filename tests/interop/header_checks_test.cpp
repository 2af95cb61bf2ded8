// Headers that drop their session, and headers that look odd and do not (CP 5.1).

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

struct HeaderCase {
    std::string name;
    std::function<void(Request&)> change;  ///< to an AGREED multicast with one group
    std::string stock_differs;             ///< why, if it does
    bool only_little = false;              ///< harmless in a big-endian header
};

void PrintTo(const HeaderCase& c, std::ostream* out) {
    *out << c.name;
}

std::string header_case_name(const testing::TestParamInfo<HeaderCase>& info) {
    return info.param.name;
}

std::function<void(Request&)> type(std::uint32_t bits) {
    return [bits](Request& request) { request.type = bits; };
}

std::function<void(Request&)> sender(std::string_view text) {
    return [text = std::string(text)](Request& request) { request.sender = text; };
}

std::function<void(Request&)> hint(std::uint32_t value) {
    return [value](Request& request) { request.hint = word(value, request.order); };
}

std::function<void(Request&)> lengths(std::int32_t groups, std::int32_t body) {
    return [=](Request& request) {
        request.num_groups = groups;
        request.data_len = body;
    };
}

class HeaderChecks : public OneDaemon, public testing::WithParamInterface<HeaderCase> {
  protected:
    void SetUp() override {
        if (!GetParam().stock_differs.empty()) {
            SPREAD_DIFFERS_FROM_STOCK(GetParam().stock_differs);
        }
    }

    /// Just the header goes out: the daemon need not wait for more (CP 5.1).
    static void expect_dropped(Order order, std::uint32_t base) {
        Member watcher = witness();
        Session sinner = session("sinner");
        sinner.enter(watcher.group);
        watcher.session.next_view(watcher.group, kByJoin);
        Request request = sinner.request(base, {watcher.group});
        request.order = order;
        GetParam().change(request);
        const Bytes bytes = encode(request);
        sinner.send(std::span(bytes).first(kHeaderBytes));
        sinner.connection().expect_end();
        const View view = watcher.session.next_view(watcher.group, kByDisconnect);
        EXPECT_EQ(view.changed(), sinner.name());
        EXPECT_EQ(view.members, Names{watcher.session.name()});
        watcher.session.expect_nothing();
    }
};

TEST_P(HeaderChecks, DropTheSession) {
    for (const Order order : {Order::kLittle, Order::kBig}) {
        if (order == Order::kBig && GetParam().only_little) {
            continue;
        }
        SCOPED_TRACE(order == Order::kLittle ? "little-endian" : "big-endian");
        expect_dropped(order, kAgreed);
    }
}

std::vector<HeaderCase> all_cases() {
    std::vector<HeaderCase> cases{
        // exactly one of services, JOIN, LEAVE and KILL
        {"no_kind", type(0), ""},
        {"only_self_discard", type(kSelfDiscard), ""},
        {"only_drop_recv", type(kDropRecv), ""},
        {"all_kinds", type(0x0007003f), ""},
        // a well-formed sender
        {"sender_empty", sender(""), ""},
        {"sender_without_marks", sender("sinner"), ""},
        {"sender_without_daemon", sender("#sinner"), ""},
        {"sender_with_empty_daemon", sender("#sinner#"), ""},
        {"sender_with_empty_user", sender("##d1"), ""},
        {"sender_without_first_mark", sender("sinner#d1"), ""},
        {"sender_with_long_user", sender("#sinnersinne#d1"), ""},
        {"sender_with_long_daemon", sender("#sinner#abcdefghijabcdefghij"), ""},
        {"sender_with_blank", sender("#sin er#d1"), ""},
        {"sender_with_third_mark", sender("#sinner#d1#"), ""},
        {"sender_with_high_byte", sender("#sinne\xff#d1"), ""},
        // of this daemon
        {"sender_of_other_daemon", sender("#sinner#d2"), ""},
        {"sender_of_longer_daemon", sender("#sinner#d1x"), ""},
        {"sender_of_shorter_daemon", sender("#sinner#d"), ""},
        {"sender_of_daemon_in_upper_case", sender("#sinner#D1"), ""},
        // and of this session
        {"sender_of_nobody", sender("#nobody#d1"), ""},
        {"sender_of_longer_user", sender("#sinnerx#d1"), ""},
        {"sender_of_shorter_user", sender("#sinne#d1"), ""},
        {"sender_in_upper_case", sender("#Sinner#d1"), ""},
        // 0 to 100 groups
        {"groups_minus_1", lengths(-1, 0), ""},
        {"groups_101", lengths(101, 0), ""},
        {"groups_most_negative", lengths(INT32_MIN, 0), ""},
        {"groups_most", lengths(INT32_MAX, 0), ""},
        {"groups_whose_bytes_wrap", lengths(0x08000001, 0), ""},
        // 0 to 144000 bytes
        {"body_minus_1", lengths(1, -1), ""},
        {"body_144001", lengths(1, 144001), ""},
        {"body_most_negative", lengths(1, INT32_MIN), ""},
        {"body_most", lengths(1, INT32_MAX), ""},
        // body and groups together: we take what libraries send, stock a little less
        {"body_and_group_144001", lengths(1, 143969), ""},
        {"body_and_100_groups_144001", lengths(100, 140801), ""},
        {"body_that_wraps_with_groups", lengths(100, INT32_MAX - 3199), ""},
        // one of the two endian bits: taken for a big-endian word, which it is not
        {"endian_bit_low", [](Request& r) { r.type_word = 0x00000090; }, "", true},
        {"endian_bit_high", [](Request& r) { r.type_word = 0x80000010; }, "", true},
        {"all_zero",
         [](Request& r) {
             r = Request{};
             r.type_word = 0;
             r.hint = Bytes(4);
         },
         ""},
        {"all_ones",
         [](Request& r) {
             r.type_word = 0xffffffff;
             r.sender = std::string(32, '\xff');
             r.hint = Bytes(4, std::byte{0xff});
             r.num_groups = -1;
             r.data_len = -1;
         },
         ""},
        {"http",
         [](Request& r) {
             r.type_word = 0x20544547;  // "GET "
             r.sender = "/index.html HTTP/1.1\r\nHost: d1\r\n";
         },
         ""},
    };
    const auto hex = [](std::uint32_t value) {
        std::string text(8, '0');
        for (std::size_t i = 0; i < 8; ++i, value >>= 4U) {
            text[7 - i] = "0123456789abcdef"[value & 0xfU];
        }
        return text;
    };
    // every two of the nine
    std::vector<std::uint32_t> kinds{kJoin, kLeave, kKill};
    kinds.insert(kinds.end(), kServices.begin(), kServices.end());
    for (std::size_t i = 0; i < kinds.size(); ++i) {
        for (std::size_t j = 0; j < i; ++j) {
            cases.push_back({"kinds_" + hex(kinds[i] | kinds[j]), type(kinds[i] | kinds[j]), ""});
        }
    }
    for (unsigned bit = 0; bit < 32; ++bit) {
        const std::uint32_t mask = 1U << bit;
        // a hint with a bit outside 0x80ffff80
        if ((mask & 0x80ffff80U) == 0) {
            cases.push_back({"hint_" + hex(mask), hint(kEndian | 0x1200U | mask), ""});
        }
        // a type bit no client has any business with
        if ((mask & 0xd10700ffU) == 0) {
            cases.push_back({"bit_" + hex(mask), type(kAgreed | mask),
                             "stock relays it as a forged notice, or dies"});
        }
    }
    return cases;
}

INSTANTIATE_TEST_SUITE_P(Of, HeaderChecks, testing::ValuesIn(all_cases()), header_case_name);

class HeaderChecksOfKinds : public OneDaemon, public testing::WithParamInterface<std::uint32_t> {};

// CP 5.1: joins, leaves and kills are checked like multicasts
TEST_P(HeaderChecksOfKinds, HoldForAllRequests) {
    const std::vector<std::function<void(Request&)>> changes{
        sender("#nobody#d1"), sender("#sinner#d2"), sender("sinner"),   hint(0x81000080),
        lengths(-1, 0),       lengths(101, 0),      lengths(1, 144001), lengths(1, -1)};
    for (const auto& change : changes) {
        for (const Order order : {Order::kLittle, Order::kBig}) {
            Member watcher = witness();
            Session sinner = session("sinner");
            sinner.enter(watcher.group);
            watcher.session.next_view(watcher.group, kByJoin);
            Request request = sinner.request(GetParam(), {watcher.group});
            request.order = order;
            change(request);
            const Bytes bytes = encode(request);
            sinner.send(std::span(bytes).first(kHeaderBytes));
            sinner.connection().expect_end();
            EXPECT_EQ(watcher.session.next_view(watcher.group, kByDisconnect).changed(),
                      sinner.name());
            watcher.session.expect_nothing();
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Of, HeaderChecksOfKinds,
                         testing::Values(kJoin, kLeave, kKill, kUnreliable, kSafe));

class HeaderChecksPassed : public OneDaemon, public testing::WithParamInterface<HeaderCase> {};

class HeaderChecksAlone : public OneDaemon {};

// CP 5.1: what looks odd and is legal
TEST_P(HeaderChecksPassed, KeepTheSession) {
    for (const Order order : {Order::kLittle, Order::kBig}) {
        Session alice = session(fresh("al"));
        Request request = alice.request(kAgreed, {alice.name()});
        request.order = order;
        GetParam().change(request);
        Bytes bytes = encode(request);
        const auto groups = request.num_groups.value_or(1);
        const auto body = request.data_len.value_or(0);
        bytes.resize(kHeaderBytes + static_cast<std::size_t>(groups) * kNameBytes +
                     static_cast<std::size_t>(body));
        alice.send(bytes);
        if (groups > 0) {
            const Frame frame = alice.next();
            EXPECT_EQ(frame.num_groups, groups);
            EXPECT_EQ(frame.data_len, body);
            EXPECT_EQ(frame.group_bytes.size(), static_cast<std::size_t>(groups) * kNameBytes);
        }
        alice.expect_nothing();
    }
}

std::vector<HeaderCase> legal_cases() {
    std::vector<HeaderCase> cases{
        {"no_groups", lengths(0, 0), ""},
        {"no_groups_and_a_body", lengths(0, 1000), ""},
        {"drop_recv", type(kAgreed | kDropRecv), ""},
        {"flush_layer_subgroup", type(kAgreed | 0x40000000), ""},
        {"flush_layer_dont_block", type(kAgreed | 0x10000000), ""},
        {"sender_with_junk", [](Request& r) { r.sender += std::string(1, '\0') + "##junk\xff"; },
         ""},
    };
    for (const std::uint32_t value : {0x80ffff80U, 0x00ffff00U, 0x80000000U, 0x00000080U, 0U}) {
        cases.push_back({"hint_" + std::to_string(value), hint(value), ""});
    }
    return cases;
}

INSTANTIATE_TEST_SUITE_P(Of, HeaderChecksPassed, testing::ValuesIn(legal_cases()),
                         header_case_name);

// CP 5.1: a partial header just waits; nothing comes of it
TEST_F(HeaderChecksAlone, WaitForTheWholeHeader) {
    Session alice = session(fresh("al"));
    Request request = alice.request(kAgreed, {alice.name()}, "late");
    Bytes bytes = encode(request);
    bytes[0] = std::byte{0x94};  // two services
    alice.send(std::span(bytes).first(kHeaderBytes - 1));
    EXPECT_FALSE(alice.connection().has_input_within(std::chrono::milliseconds(50)));
    alice.send(std::span(bytes).subspan(kHeaderBytes - 1, 1));
    alice.connection().expect_end();
}

// CP 5.1: with one of the two endian bits a header is big-endian, as stock has it; the
// receivers see a whole mark
TEST_F(HeaderChecksAlone, TakeHalfAMarkForBigEndian) {
    for (const std::uint32_t type : {kAgreed | 0x80U, kAgreed | 0x80000000U}) {
        Session alice = session(fresh("al"));
        Request request = alice.request(kAgreed, {alice.name()}, "half");
        request.order = Order::kBig;
        request.type_word = type;
        alice.send(encode(request));
        const Frame frame = alice.next_text("half");
        EXPECT_EQ(Bytes(frame.raw.begin(), frame.raw.begin() + 4),
                  word(kEndian | kAgreed, Order::kLittle));
        alice.expect_nothing();
    }
}

// CP 5.1: what went before is served, what comes behind is not
TEST_F(HeaderChecksAlone, SpareWhatWentBefore) {
    Member watcher = witness();
    Session sinner = session(fresh("si"));
    Bytes bytes = encode(sinner.request(kAgreed, {watcher.group}, "before"));
    append(bytes, encode(sinner.request(kFifo | kAgreed, {watcher.group}, "the sin")));
    append(bytes, encode(sinner.request(kAgreed, {watcher.group}, "behind")));
    sinner.send(bytes);
    sinner.connection().expect_end();
    watcher.session.next_text("before");
    watcher.session.expect_nothing();
}

}  // namespace
}  // namespace spread::interop
