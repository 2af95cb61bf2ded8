// The recorded two-daemon conversations, byte for byte: the engines get the configurations and ring
// counters that the recording shows, and must produce every membership frame of it.

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <gtest/gtest.h>

#include "protocol/session_wire.hpp"
#include "total_order_bus.hpp"

namespace spread::membership::testing {
namespace {

using Client = TotalOrderBus::Client;

constexpr std::uint32_t kIdOfD1 = 0x5c8d7aef;
constexpr std::uint32_t kIdOfD2 = 0x14c565a0;

/// Value of `key` in one line of a recording: all are flat, and these values hold no quotes.
std::string value_of(const std::string& line, const std::string& key) {
    const std::string mark = "\"" + key + "\": \"";
    const auto begin = line.find(mark);
    if (begin == std::string::npos) {
        return "";
    }
    const auto from = begin + mark.size();
    return line.substr(from, line.find('"', from) - from);
}

/// What the daemons sent to `client`, in order, as hex.
std::vector<std::string> recorded(const std::string& file, const std::string& client) {
    std::ifstream in(std::string(SPREAD_TEST_DATA) + "/golden/" + file + ".jsonl");
    EXPECT_TRUE(in.is_open()) << file;
    std::vector<std::string> frames;
    for (std::string line; std::getline(in, line);) {
        if (value_of(line, "conn") == client && value_of(line, "dir") == "d2c" &&
            value_of(line, "what") == "message") {
            frames.push_back(value_of(line, "hex"));
        }
    }
    EXPECT_FALSE(frames.empty()) << client;
    return frames;
}

std::vector<std::string> received(const Client& client) {
    std::vector<std::string> frames;
    for (const Seen& seen : client.seen) {
        std::string& hex = frames.emplace_back();
        for (const std::byte b : seen.frame) {
            constexpr std::string_view kDigits = "0123456789abcdef";
            hex += kDigits[std::to_integer<unsigned>(b) >> 4U];
            hex += kDigits[std::to_integer<unsigned>(b) & 15U];
        }
    }
    return frames;
}

class GroupGolden : public ::testing::Test {
  protected:
    GroupGolden() : bus_({"d1", "d2"}, {kIdOfD1, kIdOfD2}) {
        bus_.set_next_counter(0x6b0346bf);
        bus_.reform({{0, 1}});
        bus_.settle();
    }

    void join(Client& client, std::string_view group) {
        bus_.join(client, group);
        bus_.settle();
    }

    /// The recorded senders' application message types are 1 to 6, which `mess_type` gives.
    void send(Client& client, const std::string& group, const std::string& body,
              std::int16_t mess_type, std::uint32_t type = protocol::kAgreedMess) {
        bus_.send(client, {group}, body, type, mess_type);
        bus_.settle();
    }

    TotalOrderBus bus_;
};

TEST_F(GroupGolden, TwoDaemonsPartitionMerge) {
    const std::string file = "two-daemons-partition-merge";
    Client& alice = bus_.connect(0, "alice");
    Client& anna = bus_.connect(0, "anna");
    Client& bob = bus_.connect(1, "bob");
    Client& carl = bus_.connect(1, "carl");
    join(alice, "room");
    join(anna, "room");
    join(bob, "room");
    join(carl, "other");

    bus_.set_next_counter(0x6b0349d6);
    bus_.reform({{0}, {1}});
    bus_.settle();
    send(bob, "room", "side-two", 5);
    send(alice, "room", "side-one", 5);
    bus_.leave(anna, "room");
    bus_.settle();
    join(anna, "room");

    bus_.set_next_counter(0x6b0349f6);
    bus_.reform({{0, 1}});
    bus_.settle();
    send(bob, "room", "merged", 6, protocol::kSafeMess);
    bus_.disconnect(alice);
    bus_.settle();
    bus_.disconnect(anna);
    bus_.settle();

    EXPECT_EQ(received(alice), recorded(file, "alice"));
    EXPECT_EQ(received(anna), recorded(file, "anna"));
    EXPECT_EQ(received(bob), recorded(file, "bob"));
    EXPECT_EQ(received(carl), recorded(file, "carl"));
}

TEST_F(GroupGolden, TwoDaemonsBasic) {
    const std::string file = "two-daemons-basic";
    Client& bob = bus_.connect(1, "bob");
    Client& zoe = bus_.connect(0, "zoe");
    Client& alice = bus_.connect(0, "alice");
    join(bob, "room");
    join(zoe, "room");
    join(alice, "room");
    send(bob, "room", "across", 5);
    send(bob, "#alice#d1", "private", 5, protocol::kSafeMess);
    bus_.leave(zoe, "room");
    bus_.settle();
    bus_.disconnect(alice);
    bus_.settle();

    EXPECT_EQ(received(bob), recorded(file, "bob"));
    EXPECT_EQ(received(zoe), recorded(file, "zoe"));
    EXPECT_EQ(received(alice), recorded(file, "alice"));
}

}  // namespace
}  // namespace spread::membership::testing
