// Partitions and windows for trying things: by spreadctl, and by stock's monitor, unchanged.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "daemon/host/unique_fd.hpp"
#include "tests/support/child_process.hpp"
#include "tests/support/deadline.hpp"
#include "tests/support/temp_dir.hpp"
#include "tests/support/test_ring.hpp"
#include "tests/system/spreadctl.hpp"

namespace spread::system_test {
namespace {

using nlohmann::json;
using support::ChildProcess;
using support::TestClient;
using support::TestRing;
using testing::HasSubstr;

/// Five daemons, which obey.
class MonitorTest : public testing::Test {
  protected:
    explicit MonitorTest(const std::string& options = "DangerousMonitor = true\n")
        : ring_(5, support::on_loopback(options)) {
        ring_.wait_formed();
    }

    Answer ctl(std::size_t daemon, const std::vector<std::string>& arguments) {
        return spreadctl(ring_.daemon(daemon), arguments);
    }
    json status(std::size_t daemon) { return json::parse(ctl(daemon, {"status", "--json"}).text); }
    /// Daemons 1 and 2 are a ring, and the other three.
    void wait_split() {
        ring_.wait_formed({0, 1});
        ring_.wait_formed({2, 3, 4});
    }
    void wait_whole_again() { ring_.wait_formed(); }

    TestRing ring_;
    support::TempDir scratch_;
};

TEST_F(MonitorTest, SpreadctlSplitsAndHealsUnderLoad) {
    TestClient left = ring_.client(0, "left");
    TestClient right = ring_.client(4, "right");
    left.join("room");
    right.join("room");
    left.wait_for_members("room", {left.private_group(), right.private_group()});
    right.wait_for_members("room", {left.private_group(), right.private_group()});

    const Answer cut = ctl(2, {"partition", "d1 d2 / d3 d4 d5"});
    EXPECT_EQ(cut.status, 0) << cut.text;
    EXPECT_EQ(cut.text, "partition d1 d2 / d3 d4 d5 for 60 s\n");
    wait_split();
    left.wait_for_members("room", {left.private_group()});
    right.wait_for_members("room", {right.private_group()});
    support::wait_until("the cause", [&] {
        return status(0)["ring"]["missing"][0]["cause"] == "monitor_partition";
    });
    EXPECT_EQ(status(0)["ring"]["cut_off"], json({"d3", "d4", "d5"}));
    EXPECT_THAT(ctl(0, {"events"}).text, HasSubstr("lost d3 d4 d5"));

    // All of them answer, whichever ring they are in.
    const json all = json::parse(ctl(0, {"status", "--all", "--json"}).text)["daemons"];
    ASSERT_EQ(all.size(), 5U);
    EXPECT_EQ(all[1]["report"]["members"], 2) << all.dump();
    EXPECT_EQ(all[4]["report"]["members"], 3) << all.dump();
    EXPECT_EQ(all[1]["verdict"], "degraded");
    EXPECT_TRUE(all[1]["cause"].is_null());
    EXPECT_EQ(all[4]["cause"], "monitor_partition") << "why d1 misses it";
    EXPECT_EQ(ctl(0, {"status", "--all"}).status, 1);

    EXPECT_EQ(ctl(0, {"heal"}).status, 0);
    wait_whole_again();
    left.wait_for_members("room", {left.private_group(), right.private_group()});
    support::wait_until("all to say so", [&] { return ctl(3, {"status", "--all"}).status == 0; });
    // Their questions are no damaged packets.
    EXPECT_EQ(status(4)["counters"]["ring"]["packets_malformed"], 0);
    EXPECT_EQ(status(4)["ring"]["refused"]["datagrams"], 0);
    EXPECT_THAT(ctl(4, {"trace", "dump"}).text, testing::Not(HasSubstr("datagrams refused")));
}

TEST_F(MonitorTest, WhoDoesNotAnswerIsNamed) {
    ring_.daemon(3).crash();
    ring_.wait_formed({0, 1, 2, 4});
    const Answer all = ctl(0, {"status", "--all"});
    EXPECT_EQ(all.status, 1);
    EXPECT_THAT(all.text, testing::ContainsRegex("d4 +[0-9.]+ +NO ANSWER within 1 s\n"));
    const Answer cut = ctl(0, {"partition", "d1 / d2"});
    EXPECT_EQ(cut.status, 1);
    EXPECT_EQ(cut.text, "partition d1 / d2 / d3 d4 d5 for 60 s; no answer of d4 within 1 s\n");
}

TEST_F(MonitorTest, WindowsAreSetAndChecked) {
    EXPECT_EQ(ctl(0, {"flow-control", "--window", "200", "--personal", "30"}).status, 0);
    EXPECT_EQ(ctl(0, {"flow-control", "--personal", "20", "--daemon", "d3"}).status, 0);
    support::wait_until("windows to be seen everywhere", [&] {
        const json all = json::parse(ctl(1, {"status", "--all", "--json"}).text)["daemons"];
        return all[1]["report"]["window_packets"] == 200 &&
               all[1]["report"]["personal_window_packets"] == 30 &&
               all[2]["report"]["personal_window_packets"] == 20;
    });
    const Answer wide = ctl(0, {"flow-control", "--window", "30000"});
    EXPECT_EQ(wide.status, 1);
    EXPECT_THAT(wide.text, HasSubstr("refused: windows are 1 to "));
    EXPECT_EQ(ctl(0, {"flow-control", "--window", "0"}).status, 1);
    EXPECT_EQ(ctl(0, {"flow-control", "--personal", "5", "--daemon", "d9"}).status, 1);
    TestClient client = ring_.client(0, "busy");
    client.join("room");
    client.wait_for_members("room", {client.private_group()});
}

class SafeMonitorTest : public MonitorTest {
  protected:
    SafeMonitorTest() : MonitorTest("") {}
};

TEST_F(SafeMonitorTest, WithoutDangerousMonitorNothingIsChanged) {
    for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
             {"partition", "d1 / d2"}, {"heal"}, {"flow-control", "--window", "100"}}) {
        const Answer refused = ctl(0, arguments);
        EXPECT_EQ(refused.status, 1);
        EXPECT_THAT(refused.text, HasSubstr("refused: DangerousMonitor is not set"));
    }
    ring_.daemon(0).wait_logged("wants other windows: refused");
    EXPECT_EQ(status(0)["ring"]["members"], 5);
}

/// Stock's monitor on the host of the first daemon, whose operator types.
class StockMonitor {
  public:
    StockMonitor(const std::string& configuration, const std::filesystem::path& directory)
        : pipe_(directory / "typed") {
        if (::mkfifo(pipe_.c_str(), 0600) != 0) {
            throw std::runtime_error("no pipe");
        }
        typed_ = daemon::UniqueFd(::open(pipe_.c_str(), O_RDWR | O_CLOEXEC));
        child_ = std::make_unique<ChildProcess>(ChildProcess::Options{
            .command = {"sh", "-c",
                        "exec stdbuf -o0 " +
                            (*support::stock_directory() / "sbin/spmonitor").string() +
                            " -n d1 -t 1 -p " + std::to_string(support::pick_port()) + " -c '" +
                            configuration + "' < '" + pipe_.string() + "'"},
            .output = directory / "monitor",
            .input = {},
            .network_namespace = -1,
            .directory = {}});
    }

    /// Types a line, and waits until the monitor says `prompt` once more than before.
    void type(const std::string& line, const std::string& prompt) {
        const std::size_t before = count(prompt);
        const std::string text = line + "\n";
        ASSERT_EQ(::write(typed_.get(), text.data(), text.size()),
                  static_cast<ssize_t>(text.size()));
        support::wait_until("stock's monitor to say " + prompt,
                            [&] { return count(prompt) > before; });
    }
    [[nodiscard]] std::string output() const { return child_->output(); }
    [[nodiscard]] std::size_t count(const std::string& word) const {
        const std::string text = output();
        std::size_t times = 0;
        for (std::size_t at = text.find(word); at != std::string::npos;
             at = text.find(word, at + 1)) {
            ++times;
        }
        return times;
    }
    int leave() {
        type("9", "Bye.");
        return child_->wait_exit();
    }

  private:
    std::filesystem::path pipe_;
    daemon::UniqueFd typed_;
    std::unique_ptr<ChildProcess> child_;
};

TEST_F(MonitorTest, StocksMonitorSplitsHealsAndEndsDaemons) {
    if (!support::stock_directory()) {
        GTEST_SKIP() << "SPREAD_STOCK_DIR is not set: no stock programs to run";
    }
    const json config = json::parse(ctl(0, {"config", "show", "--json"}).text);
    StockMonitor monitor(config["file"].get<std::string>(), scratch_.path());
    support::wait_until("the menu", [&] { return monitor.count("Monitor> ") > 0; });

    monitor.type("0", "Enter Proc Name: ");
    monitor.type("all", "Enter Proc Name: ");
    monitor.type("", "Status at d5 V 5.00. 1 (state 1, gstate 1)");
    support::wait_until("all reports", [&] {
        for (int i = 1; i <= 5; ++i) {
            if (monitor.count("Status at d" + std::to_string(i)) == 0) {
                return false;
            }
        }
        return true;
    });
    EXPECT_THAT(monitor.output(), HasSubstr("Membership  :  5  procs in 1 segments, leader is d1"));
    monitor.type("0", "Enter Proc Name: ");
    monitor.type("none", "Enter Proc Name: ");
    monitor.type("", "Monitor> ");

    monitor.type("1", "\td1\t");
    monitor.type("0", "\td2\t");
    monitor.type("0", "\td3\t");
    monitor.type("1", "\td4\t");
    monitor.type("1", "\td5\t");
    monitor.type("1", "Partition Map:");
    monitor.type("2", "Monitor> ");
    wait_split();
    monitor.type("4", "Monitor> ");
    wait_whole_again();
    EXPECT_THAT(ring_.daemon(4).log(),
                HasSubstr("partition d1 d2 / d3 d4 d5 for 60 s by stock's monitor at 127.0.0.1:"));

    monitor.type("8", "Enter Proc Name to Terminate: ");
    monitor.type("d5", "Enter Proc Name to Terminate: ");
    monitor.type("", "Monitor> ");
    EXPECT_EQ(ring_.daemon(4).process().wait_exit(), 0);
    ring_.wait_formed({0, 1, 2, 3});
    EXPECT_EQ(monitor.leave(), 0);
}

/// The last report of each daemon on the monitor's screen: its numbers by the words before them.
std::map<std::string, long long> last_report(const std::string& screen, const std::string& daemon) {
    const std::size_t at = screen.rfind("Status at " + daemon + " V ");
    const std::size_t end = at == std::string::npos ? at : screen.find("\n====", at);
    std::map<std::string, long long> out;
    if (end == std::string::npos) {
        return out;  // it is being written
    }
    const std::string report = screen.substr(at, end - at);
    const std::regex head(R"(\(state (\d+), gstate (\d+)\) after (\d+) seconds)");
    const std::regex membership(R"((\d+)  procs in (\d+) segments, leader is d(\d+), (\w+))");
    std::smatch found;
    if (std::regex_search(report, found, head)) {
        out["state"] = std::stoll(found[1]);
        out["gstate"] = std::stoll(found[2]);
        out["seconds"] = std::stoll(found[3]);
    }
    if (std::regex_search(report, found, membership)) {
        out["procs"] = std::stoll(found[1]);
        out["segments"] = std::stoll(found[2]);
        out["leader"] = std::stoll(found[3]);
        out["regular"] = found[4] == "regular" ? 1 : 0;
    }
    const std::regex number(R"(([A-Za-z_/][A-Za-z_/ ]*?) *: +(\d+)(?:/(\d+))?)");
    for (std::sregex_iterator each(report.begin(), report.end(), number), none; each != none;
         ++each) {
        out[(*each)[1]] = std::stoll((*each)[2]);
        if ((*each)[3].matched) {
            out["A Window"] = std::stoll((*each)[3]);
        }
    }
    return out;
}

/// The same by spreadctl.
std::map<std::string, long long> as_stock_calls_it(const json& config, const json& status,
                                                   const json& report) {
    const json& ring = status["counters"]["ring"];
    const json& members = status["ring"]["member_names"];
    std::set<int> segments;
    for (const json& daemon : config["daemons"]) {
        if (std::find(members.begin(), members.end(), daemon["name"]) != members.end()) {
            segments.insert(daemon["segment"].get<int>());
        }
    }
    const auto number = [&ring](const char* name) { return ring[name].get<long long>(); };
    return {{"state", status["ring"]["state"] == "operational" ? 1 : 0},
            {"gstate", status["groups"]["settled"].get<bool>() ? 1 : 0},
            {"seconds", status["daemon"]["uptime_s"].get<long long>()},
            {"procs", status["ring"]["members"].get<long long>()},
            {"segments", static_cast<long long>(segments.size())},
            {"leader", std::stoll(status["ring"]["representative"].get<std::string>().substr(1))},
            {"regular", report["accelerated_window_packets"] == 0 ? 1 : 0},
            {"rounds", number("tokens_received")},
            {"tok_hurry", number("tokens_retransmitted")},
            {"memb change", number("memberships_installed")},
            {"sent pack", number("packets_sent")},
            {"recv pack", number("packets_received")},
            {"retrans", number("packets_retransmitted")},
            {"My_aru", number("my_aru")},
            {"Aru", number("safe_up_to")},
            {"Highest seq", number("high_seq")},
            {"Sessions", status["clients"]["connected"].get<long long>()},
            {"Groups", status["groups"]["count"].get<long long>()},
            {"Window", number("flow_window")},
            {"Deliver M", number("messages_delivered")},
            {"Deliver Pk", number("packets_sent") + number("packets_received")},
            {"P/A Window", report["personal_window_packets"].get<long long>()},
            {"A Window", report["accelerated_window_packets"].get<long long>()}};
}

TEST_F(MonitorTest, StocksMonitorShowsOfEachDaemonUnderLoadWhatSpreadctlSays) {
    if (!support::stock_directory()) {
        GTEST_SKIP() << "SPREAD_STOCK_DIR is not set: no stock programs to run";
    }
    std::vector<TestClient> clients;
    for (std::size_t i = 0; i < 5; ++i) {
        clients.push_back(ring_.client(i, "c" + std::to_string(i)));
        clients.back().join("room");
        clients.back().join("room" + std::to_string(i));
    }
    const auto load = [&clients] {
        constexpr int kMessages = 20;
        const std::string text(1000, 'x');
        const support::Bytes body = support::bytes_of(text);
        for (TestClient& client : clients) {
            for (int i = 0; i < kMessages; ++i) {
                client.multicast("room", text);
            }
        }
        for (TestClient& client : clients) {
            for (std::size_t i = 0; i < kMessages * clients.size();) {
                i += client.receive().body == body ? 1U : 0U;
            }
        }
    };
    const json config = json::parse(ctl(0, {"config", "show", "--json"}).text);
    StockMonitor monitor(config["file"].get<std::string>(), scratch_.path());
    support::wait_until("the menu", [&] { return monitor.count("Monitor> ") > 0; });
    monitor.type("0", "Enter Proc Name: ");
    monitor.type("all", "Enter Proc Name: ");
    monitor.type("", "Status at d5 V ");

    const auto all = [this, &config] {
        std::vector<std::map<std::string, long long>> out;
        const json reports = json::parse(ctl(0, {"status", "--all", "--json"}).text)["daemons"];
        for (std::size_t i = 0; i < 5; ++i) {
            out.push_back(as_stock_calls_it(config, status(i), reports[i]["report"]));
        }
        return out;
    };
    load();
    const auto before = all();
    std::array<std::size_t, 5> shown{};
    const auto times = [&monitor](std::size_t i) {
        return monitor.count("Status at d" + std::to_string(i + 1) + " V ");
    };
    for (std::size_t i = 0; i < 5; ++i) {
        shown[i] = times(i);
    }
    // The next but one is asked for after `before`, whatever is under way now.
    support::wait_until("two more reports of each", [&] {
        load();
        bool are_there = true;
        for (std::size_t i = 0; i < 5; ++i) {
            are_there = are_there && times(i) >= shown[i] + 2 &&
                        !last_report(monitor.output(), "d" + std::to_string(i + 1)).empty();
        }
        return are_there;
    });
    const std::string screen = monitor.output();
    load();
    // What the daemons tell is up to a quarter of a second old.
    std::vector<std::map<std::string, long long>> after;
    std::vector<std::map<std::string, long long>> stock;
    for (std::size_t i = 0; i < 5; ++i) {
        stock.push_back(last_report(screen, "d" + std::to_string(i + 1)));
    }
    support::wait_until("spreadctl to have caught up", [&] {
        after = all();
        for (std::size_t i = 0; i < 5; ++i) {
            if (after[i]["Deliver M"] < stock[i]["Deliver M"] ||
                after[i]["rounds"] < stock[i]["rounds"]) {
                return false;
            }
        }
        return true;
    });
    for (std::size_t i = 0; i < 5; ++i) {
        for (const auto& [name, value] : after[i]) {
            ASSERT_TRUE(stock[i].contains(name)) << name << " in " << screen;
            EXPECT_LE(before[i].at(name), stock[i].at(name)) << name << " of d" << i + 1;
            EXPECT_LE(stock[i].at(name), value) << name << " of d" << i + 1;
        }
        EXPECT_LT(before[i].at("Deliver M"), after[i].at("Deliver M")) << "there was load";
    }
    EXPECT_EQ(monitor.leave(), 0);
}

}  // namespace
}  // namespace spread::system_test
