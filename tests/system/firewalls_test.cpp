// A packet filter on one host: status, doctor and the page of a daemon name the daemon and the
// port.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/support/admin_page.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/test_ring.hpp"
#include "tests/system/spreadctl.hpp"

namespace spread::system_test {
namespace {

using nlohmann::json;
using support::NetworkLab;
using support::TestClient;
using support::TestRing;
using support::wait_until;
using testing::HasSubstr;

constexpr std::string_view kFilteredGroup = "239.77.0.2";
/// The host whose packet filter closes something.
constexpr std::size_t kFilteredHost = 2;

class Firewalls : public testing::Test {
  protected:
    void SetUp() override {
        if (const std::string& problem = support::enter_private_network(); !problem.empty()) {
            GTEST_SKIP() << "NOT TESTED: " << problem;
        }
        TestRing::Options options;
        options.segment_address = std::string(kFilteredGroup);
        ring_ = std::make_unique<TestRing>(3, options);
        ring_->wait_formed();
    }
    void TearDown() override {
        if (HasFailure() && ring_) {
            ADD_FAILURE() << ring_->logs();
        }
    }

    [[nodiscard]] std::string data_port() { return std::to_string(ring_->daemon(0).port()); }
    [[nodiscard]] std::string token_port() { return std::to_string(ring_->daemon(0).port() + 1); }
    [[nodiscard]] static std::string host() { return NetworkLab::address(kFilteredHost); }
    void close(const std::string& rule) { ring_->links().filter(kFilteredHost, rule); }

    Answer ctl(std::size_t daemon, const std::vector<std::string>& arguments) {
        return spreadctl(ring_->daemon(daemon), arguments);
    }
    /// One of d1 and d2 says `text` in status, doctor and page, while `traffic` goes on.
    std::size_t wait_named(const std::string& text, const std::function<void()>& traffic = {}) {
        std::size_t found = 0;
        wait_until(text, [&] {
            if (traffic) {
                traffic();
            }
            for (found = 0; found < kFilteredHost; ++found) {
                const auto& daemon = ring_->daemon(found);
                if (ctl(found, {"status"}).text.find(text) != std::string::npos &&
                    ctl(found, {"doctor"}).text.find(text) != std::string::npos &&
                    admin_page(daemon, "/").find(text) != std::string::npos) {
                    return true;
                }
            }
            return false;
        });
        return found;
    }

    std::unique_ptr<TestRing> ring_;
};

TEST_F(Firewalls, AClosedTokenPortIsNamed) {
    close("udp dport " + token_port() + " drop");
    ring_->wait_formed({0, 1});
    const std::size_t at = wait_named("the token port UDP " + host() + ":" + token_port() +
                                      " of d3 gets nothing of d");
    EXPECT_EQ(ctl(at, {"status"}).status, 1);
    EXPECT_EQ(ctl(at, {"doctor"}).status, 1);
    EXPECT_THAT(ctl(at, {"check"}).text, HasSubstr("missing d3 (token_port)"));
}

TEST_F(Firewalls, AClosedDataPortIsNamed) {
    close("udp dport " + data_port() + " drop");
    ring_->wait_formed({0, 1});
    const std::size_t at =
        wait_named("the data port UDP " + host() + ":" + data_port() + " of d3 gets nothing of d");
    EXPECT_THAT(ctl(at, {"check"}).text, HasSubstr("missing d3 (data_port)"));
}

// A busy ring hands its token to whoever wants to send. Two of three can be a ring then; which two,
// the daemons agree on.
TEST_F(Firewalls, ATokenPortThatIsClosedToOnePeerIsNamed) {
    close("ip saddr " + NetworkLab::address(0) + " udp dport " + token_port() + " drop");
    std::vector<TestClient> talkers;
    for (std::size_t i = 0; i < ring_->size(); ++i) {
        talkers.push_back(ring_->client(i, "talker"));
    }
    const auto talk = [&talkers] {
        for (int i = 0; i < 10; ++i) {
            for (TestClient& talker : talkers) {
                talker.multicast("nobody", std::string(100, 'x'));
            }
        }
    };
    const std::size_t at = wait_named("the token port UDP " + host() + ":" + token_port() +
                                          " of d3 gets nothing of d1, its data port does",
                                      talk);
    EXPECT_EQ(ctl(at, {"status"}).status, 1);
}

// All stay together, with more packets.
TEST_F(Firewalls, MulticastThatDoesNotArriveIsNamed) {
    close("ip daddr " + std::string(kFilteredGroup) + " drop");
    TestClient sender = ring_->client(0, "sender");
    const std::string text = "multicast " + std::string(kFilteredGroup) + " at UDP port " +
                             data_port() + " does not reach d3";
    const std::size_t at =
        wait_named(text, [&] { sender.multicast("nobody", std::string(100, 'x')); });
    wait_until("all to be together", [&] { return ctl(at, {"status"}).status == 0; });
    const json status = json::parse(ctl(at, {"status", "--json"}).text);
    EXPECT_EQ(status["ring"]["without_multicast"], json({"d3"}));
    EXPECT_THAT(ctl(at, {"events"}).text, HasSubstr("multicast_lost"));
    EXPECT_THAT(ctl(at, {"doctor"}).text, HasSubstr("WARNING  multicast: "));
}

}  // namespace
}  // namespace spread::system_test
