// Unmodified client programs of the stock distribution against our daemons.

#include <memory>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_ring.hpp"

namespace spread::system_test {
namespace {

using support::ChildProcess;
using support::TempDir;
using support::TestClient;
using support::TestRing;
using testing::HasSubstr;

class StockClients : public testing::Test {
  protected:
    void SetUp() override {
        if (!support::stock_directory()) {
            GTEST_SKIP() << "SPREAD_STOCK_DIR is not set: no stock programs to run";
        }
    }

    [[nodiscard]] std::unique_ptr<ChildProcess> start(const std::string& program,
                                                      std::vector<std::string> arguments,
                                                      std::optional<std::string> input = {}) {
        arguments.insert(arguments.begin(),
                         (*support::stock_directory() / "bin" / program).string());
        return std::make_unique<ChildProcess>(ChildProcess::Options{
            .command = std::move(arguments),
            .output = directory_.path() / (program + std::to_string(++count_)),
            .input = std::move(input),
            .network_namespace = -1,
            .directory = {}});
    }

    TempDir directory_;
    int count_ = 0;
};

std::string address_of(support::DaemonProcess& daemon) {
    return std::to_string(daemon.port()) + "@" + daemon.spec().address;
}

TEST_F(StockClients, FloodersOnThreeDaemonsLoseNothing) {
    TestRing ring(3);
    ring.wait_formed();
    std::vector<std::unique_ptr<ChildProcess>> flooders;
    for (std::size_t i = 0; i < 3; ++i) {
        flooders.push_back(
            start("spflooder", {"-u", "flood" + std::to_string(i), "-n", "3", "-m", "3000", "-b",
                                "1000", "-s", address_of(ring.daemon(i))}));
    }
    for (auto& flooder : flooders) {
        EXPECT_EQ(flooder->wait_exit(std::chrono::minutes(2)), 0) << flooder->output();
        EXPECT_THAT(flooder->output(), HasSubstr("completed"));
    }
}

TEST_F(StockClients, SpuserTalksToOurClients) {
    TestRing ring(3);
    ring.wait_formed();
    TestClient listener = ring.client(2, "listener");
    listener.join("room");
    listener.receive_membership("room", protocol::kCausedByJoin);
    auto user = start("spuser", {"-u", "stock", "-s", address_of(ring.daemon(0))},
                      "j room\ns room\nhello from stock\nq\n");
    EXPECT_EQ(user->wait_exit(), 0) << user->output();
    listener.wait_for_members("room", {"#stock#d1", "#listener#d3"});
    EXPECT_EQ(listener.receive().text(), "hello from stock\n");
}

}  // namespace
}  // namespace spread::system_test
