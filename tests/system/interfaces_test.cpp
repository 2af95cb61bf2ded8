// What happens to a ring when a host's interface or address goes away and comes back.

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/deadline.hpp"
#include "tests/support/test_ring.hpp"

namespace spread::system_test {
namespace {

using support::NetworkLab;
using support::TestRing;

constexpr std::size_t kHost = 2;

class Interfaces : public testing::Test {
  protected:
    void SetUp() override {
        if (!ring_.has_links()) {
            GTEST_SKIP() << "NOT TESTED: " << support::enter_private_network();
        }
        ring_.wait_formed();
    }

    /// The ring carries messages of every daemon to every daemon.
    void expect_traffic() {
        for (std::size_t from = 0; from < ring_.size(); ++from) {
            auto sender = ring_.client(from, "from" + std::to_string(from));
            for (std::size_t to = 0; to < ring_.size(); ++to) {
                auto receiver = ring_.client(to, "to" + std::to_string(to));
                sender.multicast(receiver.private_group(), "hello");
                EXPECT_EQ(receiver.receive().text(), "hello");
            }
        }
    }

    TestRing ring_{3,
                   {.kind = support::DaemonKind::kOurs,
                    .loopback = false,
                    .segment_address = "239.77.0.2",
                    .extra_options = {}}};
};

// As a VLAN, a bond or a container's network is made anew.
TEST_F(Interfaces, AnInterfaceMadeAnewIsAMemberOfTheGroupAgain) {
    ring_.links().remove_interface(kHost);
    ring_.wait_formed({0, 1});
    ring_.links().add_interface(kHost);
    ring_.wait_formed();
    expect_traffic();
    ring_.daemon(kHost).wait_logged("is back on lab2in");
}

TEST_F(Interfaces, AnAddressThatIsReplacedIsNamedAndTakenBack) {
    ring_.links().remove_address(kHost, NetworkLab::address(kHost));
    ring_.links().add_address(kHost, "10.77.0.33");
    ring_.wait_formed({0, 1});
    ring_.links().remove_address(kHost, "10.77.0.33");
    ring_.links().add_address(kHost, NetworkLab::address(kHost));
    ring_.wait_formed();
    expect_traffic();
    const auto& daemon = ring_.daemon(kHost);
    daemon.wait_logged("warning network: own address 10.77.0.3 is gone from this host");
    daemon.wait_logged("own address 10.77.0.3 is back on lab2in");
}

}  // namespace
}  // namespace spread::system_test
