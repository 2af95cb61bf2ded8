// A program on the stock C library, run against our daemon and against stock's: what it prints must
// be the same. Needs an installed stock Spread (SPREAD_STOCK_DIR) and a C compiler.

#include <csignal>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

using support::ChildProcess;
using support::DaemonKind;
using testing::EndsWith;
using testing::HasSubstr;

class StockProgram : public testing::Test {
  protected:
    void SetUp() override {
        const auto stock = support::stock_directory();
        if (!stock) {
            GTEST_SKIP() << "SPREAD_STOCK_DIR is not set: no stock library to link with";
        }
        SPREAD_REQUIRE_NAMESPACES();
        program_ = directory_.path() / "stock_program";
        support::run_command({"cc", "-I", (*stock / "include").string(), SPREAD_STOCK_PROGRAM, "-o",
                              program_.string(), (*stock / "lib/libspread-core.a").string(),
                              "-lm"});
    }

    [[nodiscard]] std::unique_ptr<ChildProcess> start(std::vector<std::string> arguments,
                                                      const std::string& output) const {
        arguments.insert(arguments.begin(), program_.string());
        return std::make_unique<ChildProcess>(
            ChildProcess::Options{.command = std::move(arguments),
                                  .output = directory_.path() / output,
                                  .input = {},
                                  .network_namespace = -1,
                                  .directory = directory_.path()});
    }

    /// What the program prints in `mode` against a daemon of this kind.
    [[nodiscard]] std::string transcript(DaemonKind kind, const std::string& mode, bool over_tcp) {
        static int count = 0;
        const std::string number = std::to_string(++count);
        const auto port = support::pick_port();
        const auto configuration = directory_.write(
            number + ".conf",
            support::ring_configuration(kind, {{.name = "d1", .address = "127.0.0.1"}},
                                        "127.0.0.255", port));
        std::vector<std::string> command{support::daemon_binary().string(), "-n", "d1", "-c",
                                         configuration.string()};
        if (kind == DaemonKind::kStock) {
            command.front() = (*support::stock_directory() / "sbin/spread").string();
        } else {
            // The library looks for the Unix socket in /tmp, and there alone.
            command.insert(command.end(), {"--state-dir", directory_.path().string()});
        }
        ChildProcess daemon({.command = std::move(command),
                             .output = directory_.path() / (number + ".log"),
                             .input = {},
                             .network_namespace = -1,
                             .directory = directory_.path()});
        const std::filesystem::path socket = "/tmp/" + std::to_string(port);
        support::wait_until("the daemon's Unix socket", [&] {
            if (!daemon.is_running()) {
                throw std::runtime_error("the daemon has ended:\n" + daemon.output());
            }
            return std::filesystem::exists(socket);
        });
        const auto program =
            start({mode, std::to_string(port) + (over_tcp ? "@127.0.0.1" : "")}, number + ".out");
        EXPECT_EQ(program->wait_exit(), 0) << program->output();
        daemon.signal(SIGTERM);
        daemon.wait_exit();
        std::error_code ignored;
        std::filesystem::remove(socket, ignored);  // stock leaves it behind
        EXPECT_THAT(program->output(), EndsWith("done\n"));
        return program->output();
    }

    /// The same program in two daemons' rings, through a partition and a merge.
    [[nodiscard]] std::string transcript_of_partition(DaemonKind kind) {
        Cluster ring({"d1", "d2"}, true, "", kind);
        ring.wait_formed();
        const auto address = [&](std::size_t i) {
            return std::to_string(ring.daemon(i).port()) + "@" + ring.daemon(i).spec().address;
        };
        const std::string run = kind == DaemonKind::kStock ? "stock" : "ours";
        const auto has_seen = [](ChildProcess& program, const std::string& text) {
            support::wait_until(text,
                                [&] { return program.output().find(text) != std::string::npos; });
        };
        const auto ann = start({"watch", address(0), "ann", "5"}, "ann-" + run);
        has_seen(*ann, "set 0: #ann#d1");
        const auto bea = start({"watch", address(1), "bea", "4"}, "bea-" + run);
        has_seen(*ann, "set 0: #bea#d2");
        has_seen(*bea, "set 0: #bea#d2");
        ring.links().partition({{0}, {1}});
        has_seen(*ann, "type 0x1800");
        has_seen(*bea, "type 0x1800");
        has_seen(*ann, "set 0: #ann#d1 (");
        has_seen(*bea, "set 0: #bea#d2 (");
        ring.links().heal();
        for (std::size_t i = 0; i < 2; ++i) {
            // Stock looks for other rings when it hears something from them.
            Session driver(ring.connect(i), "driver");
            driver.multicast({"nobody"}, "wake up");
            driver.expect_nothing();
        }
        EXPECT_EQ(ann->wait_exit(), 0) << ann->output();
        EXPECT_EQ(bea->wait_exit(), 0) << bea->output();
        return ann->output() + bea->output();
    }

  private:
    support::TempDir directory_;
    std::filesystem::path program_;
};

// CP 10, 7.6 and all the rest, through the library
TEST_F(StockProgram, SeesTheSameFromBothDaemons) {
    std::string first;
    for (const bool over_tcp : {true, false}) {
        const std::string ours = transcript(DaemonKind::kOurs, "tour", over_tcp);
        EXPECT_EQ(ours, transcript(DaemonKind::kStock, "tour", over_tcp));
        // Whatever the transport.
        EXPECT_EQ(first.empty() ? ours : first, ours);
        first = ours;
    }
}

// CP 3.2: the library gives up when its method is not in the list
TEST_F(StockProgram, IsRefusedWithAnUnknownMethod) {
    const std::string ours = transcript(DaemonKind::kOurs, "auth", true);
    EXPECT_THAT(ours, HasSubstr("connects -9"));
    EXPECT_EQ(ours, transcript(DaemonKind::kStock, "auth", true));
}

// CP 7.2, 7.3: vs-sets and signals through the library's helpers
TEST_F(StockProgram, SeesTheSamePartitionAndMerge) {
    const std::string ours = transcript_of_partition(DaemonKind::kOurs);
    EXPECT_THAT(ours, HasSubstr("type 0x2000"));
    EXPECT_THAT(ours, HasSubstr("sets 2, own 1"));
    EXPECT_EQ(ours, transcript_of_partition(DaemonKind::kStock));
}

}  // namespace
}  // namespace spread::interop
