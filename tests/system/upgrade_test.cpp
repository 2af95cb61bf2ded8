// A ring of the release before is replaced by this one, daemon by daemon, under load. The daemon of
// the release before is what SPREAD_PREVIOUS_DAEMON names; tools/test --only upgrade
// builds it and runs this.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <iostream>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "protocol/ring_wire.hpp"
#include "tests/support/test_ring.hpp"
#include "tests/system/spreadctl.hpp"

namespace spread::system_test {
namespace {

using support::TestClient;
using support::TestRing;

class Upgrade : public testing::Test {
  protected:
    using Clock = std::chrono::steady_clock;

    void SetUp() override {
        const char* previous = std::getenv("SPREAD_PREVIOUS_DAEMON");
        if (previous == nullptr) {
            GTEST_SKIP() << "NOT TESTED: SPREAD_PREVIOUS_DAEMON is not set; run "
                            "tools/test --only upgrade";
        }
        previous_ = previous;
        TestRing::Options options;
        options.program = previous_;
        ring_.emplace(3, options);
        ring_->wait_formed();
    }

    /// As the daemon says it, which must be of this release.
    int wire_version(std::size_t daemon) {
        const Answer said = spreadctl(ring_->daemon(daemon), {"status", "--json"});
        EXPECT_EQ(said.status, 0) << said.text;
        return said.status == 0
                   ? nlohmann::json::parse(said.text)["counters"]["ring"]["wire_version"].get<int>()
                   : 0;
    }

    /// Replaces a daemon while members at the two others talk; nothing of what they say is lost or
    /// comes twice, and they are told of no change but the daemon's.
    void replace(std::size_t index, const std::filesystem::path& program) {
        SCOPED_TRACE("daemon " + std::to_string(index + 1));
        const std::size_t at_sender = (index + 1) % 3;
        const std::size_t at_receiver = (index + 2) % 3;
        TestClient sender = ring_->client(at_sender, "sender");
        TestClient receiver = ring_->client(at_receiver, "receiver", false);
        receiver.join("room");
        // Its own view shows that the join is in order with what follows.
        sender.join("room");
        std::vector<std::string> members{sender.private_group(), receiver.private_group()};
        if (at_receiver < at_sender) {  // daemons in the order of the file
            std::swap(members.front(), members.back());
        }
        sender.wait_for_members("room", members);
        std::atomic<bool> is_replaced{false};
        auto talk = std::async(std::launch::async,
                               [&] { return talk_until(is_replaced, sender, receiver); });
        // A daemon lives as long as the thread that started it: this one.
        support::DaemonProcess& daemon = ring_->daemon(index);
        EXPECT_EQ(daemon.stop(), 0);
        daemon.use_program(program);
        daemon.restart();
        ring_->wait_formed();
        is_replaced = true;
        const Talk said = talk.get();
        std::cout << "replaced d" << index + 1 << " during " << said.messages
                  << " safe messages; the longest silence at the others: "
                  << std::chrono::duration_cast<std::chrono::milliseconds>(said.silence).count()
                  << " ms\n"
                  << (said.silence > std::chrono::milliseconds(100) ? ring_->logs()
                                                                    : std::string());
    }

    struct Talk {
        int messages = 0;
        Clock::duration silence{};  ///< the longest
    };
    static Talk talk_until(const std::atomic<bool>& is_over, TestClient& sender,
                           TestClient& receiver) {
        constexpr int kInFlight = 50;
        Talk out;
        int sent = 0;
        auto last = Clock::now();
        for (bool over = false; !over || out.messages < sent;) {
            over = over || is_over;
            while (!over && sent < out.messages + kInFlight) {
                sender.multicast("room", std::to_string(sent++), protocol::kSafeMess);
            }
            if (out.messages == sent) {
                continue;
            }
            const std::string text = receiver.receive().text();
            if (text != std::to_string(out.messages)) {
                ADD_FAILURE() << "message " << out.messages << " was expected, " << text << " came";
                return out;
            }
            ++out.messages;
            out.silence = std::max(out.silence, Clock::now() - last);
            last = Clock::now();
        }
        return out;
    }

    std::filesystem::path previous_;
    std::optional<TestRing> ring_;
};

TEST_F(Upgrade, DaemonsAreReplacedOneByOneUnderLoadAndPutBack) {
    replace(0, support::daemon_binary());
    EXPECT_EQ(wire_version(0), protocol::kRingWireLeast);
    replace(1, support::daemon_binary());
    EXPECT_EQ(wire_version(0), protocol::kRingWireLeast);
    replace(2, support::daemon_binary());
    for (std::size_t i = 0; i < ring_->size(); ++i) {
        EXPECT_EQ(wire_version(i), protocol::kRingWireGreatest) << i;
    }
    replace(2, previous_);
    EXPECT_EQ(wire_version(0), protocol::kRingWireLeast);
}

}  // namespace
}  // namespace spread::system_test
