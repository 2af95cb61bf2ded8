#include "tests/golden/deviations.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <utility>

#include "protocol/session_wire.hpp"

namespace spread::golden {
namespace {

using protocol::kNameFieldBytes;
using protocol::kSessionHeaderBytes;

/// The index of the first line `test` holds for.
template <typename Test>
std::size_t find_line(const Scenario& scenario, Test test) {
    const auto found = std::ranges::find_if(scenario.lines, test);
    if (found == scenario.lines.end()) {
        throw std::runtime_error("no such line in " + scenario.name);
    }
    return static_cast<std::size_t>(found - scenario.lines.begin());
}

void insert_line(Scenario& scenario, std::size_t at, Line line) {
    scenario.lines.insert(scenario.lines.begin() + static_cast<std::ptrdiff_t>(at),
                          std::move(line));
}

bool is_request_with(const Line& line, std::uint32_t bits) {
    return line.direction == Direction::kToDaemon && line.what == "message" &&
           (request_type(line.bytes) & bits) == bits;
}

/// A multicast to more than 43 groups reaches the members of every one of them. Stock looks the
/// groups up at the wrong place and delivers it to nobody (CP 9, item 1).
void deliver_to_many_groups(Scenario& scenario) {
    const auto sent = find_line(
        scenario, [](const Line& line) { return is_request_with(line, protocol::kAgreedMess); });
    Line delivered = scenario.lines[sent];
    delivered.direction = Direction::kToClient;
    insert_line(scenario, sent + 1, std::move(delivered));
}

/// A membership message as any daemon would send it for one client's disconnect.
Bytes disconnect_of(const std::string& client, const std::string& group,
                    const std::string& survivor, const Bytes& earlier_membership) {
    protocol::SessionHeader header;
    header.type = protocol::kRegMembMess | protocol::kCausedByDisconnect;
    header.private_group_name = protocol::NameField(group);
    header.num_groups = 1;
    header.hint = protocol::make_hint(0);
    header.data_len = 20 + 4 + kNameFieldBytes;
    Bytes message(kSessionHeaderBytes);
    protocol::encode_session_header(header, std::span(message).first<kSessionHeaderBytes>());
    const auto append = [&message](std::span<const std::byte> bytes) {
        message.insert(message.end(), bytes.begin(), bytes.end());
    };
    append(protocol::NameField(survivor).bytes());
    // The group id: that of the membership before, with the index grown by one.
    const auto before =
        protocol::decode_session_header(std::span(earlier_membership).first<kSessionHeaderBytes>());
    const std::size_t body =
        kSessionHeaderBytes + kNameFieldBytes * static_cast<std::size_t>(before.num_groups);
    std::array<std::byte, 12> id{};
    std::copy_n(earlier_membership.begin() + static_cast<std::ptrdiff_t>(body), id.size(),
                id.begin());
    id[8] = static_cast<std::byte>(std::to_integer<unsigned>(id[8]) + 1U);
    append(id);
    append(std::array<std::byte, 12>{std::byte{1}, {}, {}, {}, {}, {}, {}, {}, std::byte{1}});
    append(protocol::NameField(client).bytes());
    return message;
}

/// Forged membership bits next to a service drop the session; stock relays them as if they were a
/// membership message of its own (CP 5.1).
void drop_forger(Scenario& scenario) {
    const auto forged = find_line(scenario, [](const Line& line) {
        return is_request_with(line, protocol::kAgreedMess | protocol::kRegMembMess);
    });
    const auto last_membership = find_line(scenario, [](const Line& line) {
        return line.connection == "tst" && line.direction == Direction::kToClient &&
               line.what == "message";
    });
    const Bytes membership = scenario.lines[last_membership].bytes;
    std::erase_if(scenario.lines, [&, index = std::size_t{0}](const Line& line) mutable {
        return index++ > forged && (line.connection == "tst" || line.what == "message") &&
               line.direction == Direction::kToClient && line.connection != "-";
    });
    const double time = scenario.lines[forged].time;
    insert_line(scenario, forged + 1, {time, "tst", Direction::kToClient, "eof", {}});
    insert_line(scenario, forged + 2,
                {time, "watch", Direction::kToClient, "message",
                 disconnect_of("#tst#d1", "room", "#watch#d1", membership)});
}

/// A choice of methods that arrives in pieces is waited for; stock rejects what it cannot read at
/// once (CP 3.3).
void wait_for_whole_choice(Scenario& scenario) {
    const auto piece = find_line(scenario, [](const Line& line) { return line.what == "partial"; });
    const auto verdict =
        find_line(scenario, [](const Line& line) { return line.what == "reject"; });
    const std::size_t missing = protocol::kAuthChoiceBytes - scenario.lines[piece].bytes.size();
    const std::string private_group = "#xx#d1";
    const double time = scenario.lines[verdict].time;
    scenario.lines[verdict] = {time, "x", Direction::kToClient, "accept",
                               protocol::encode_accept(protocol::kPresentedVersion, private_group)};
    insert_line(scenario, verdict,
                {time, "x", Direction::kToDaemon, "auth_choice", Bytes(missing)});
    std::erase_if(scenario.lines, [](const Line& line) { return line.what == "eof"; });
    for (Line& line : scenario.lines) {
        line.connection = "x";
    }
}

/// Opening bytes in two segments are put together; stock closes the connection (client protocol
/// 3.1). The recording has the opening bytes in one line; the replay of this one sends single
/// bytes.
void accept_opening_in_pieces(Scenario& scenario) {
    std::erase_if(scenario.lines, [](const Line& line) { return line.what == "eof"; });
    scenario.lines.push_back({0, scenario.lines.front().connection, Direction::kToClient,
                              "auth_list",
                              protocol::encode_auth_list(std::array<std::string, 1>{"NULL"})});
}

}  // namespace

void expect_better_than_stock(Scenario& scenario) {
    if (scenario.name == "groups-44" || scenario.name == "max-groups") {
        deliver_to_many_groups(scenario);
    } else if (scenario.name == "ok-spoofed-membership-bits") {
        drop_forger(scenario);
    } else if (scenario.name == "connect-short-auth") {
        wait_for_whole_choice(scenario);
    } else if (scenario.name == "handshake-fragmented") {
        accept_opening_in_pieces(scenario);
    }
}

}  // namespace spread::golden
