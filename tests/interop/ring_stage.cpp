#include "tests/interop/ring_stage.hpp"

#include <algorithm>
#include <csignal>
#include <stdexcept>

namespace spread::interop {
namespace {

std::unique_ptr<Cluster>& shared_ring() {
    static std::unique_ptr<Cluster> ring;
    return ring;
}

class StopsRing : public testing::Environment {
  public:
    void TearDown() override {
        if (auto ring = std::move(shared_ring())) {
            for (std::size_t i = 0; i < ring->size(); ++i) {
                EXPECT_EQ(ring->daemon(i).stop(), 0) << ring->daemon(i).log();
            }
        }
    }
};

const auto* const kStopsRing = testing::AddGlobalTestEnvironment(new StopsRing);

}  // namespace

Cluster& SharedRing::ring() {
    auto& ring = shared_ring();
    if (!ring) {
        // So that a test can break the ring at will, it does not learn to wait. More than usual, so
        // that a busy machine does not break it.
        const std::string timeout = std::to_string(kTokenTimeout.count());
        ring = std::make_unique<Cluster>(
            std::vector<std::string>{"zeta", "alpha", "Mid", "d4"}, true,
            stock() ? "" : "TokenTimeout = " + timeout + "\nTokenTimeoutMax = " + timeout + "\n");
    }
    return *ring;
}

void SharedRing::SetUp() {
    SPREAD_REQUIRE_NAMESPACES();
    ring().wait_formed();
}

void SharedRing::TearDown() {
    auto& ring = shared_ring();
    if (!ring) {
        return;
    }
    for (std::size_t i = 0; i < ring->size(); ++i) {
        if (!ring->daemon(i).process().is_running()) {
            ADD_FAILURE() << "a daemon has ended:\n" << ring->daemon(i).log();
            ring.reset();
            return;
        }
        ring->daemon(i).process().signal(SIGCONT);
    }
    heal();
}

GroupId SharedRing::enter_all(const std::string& group, const std::vector<Session*>& sessions) {
    GroupId id;
    for (std::size_t i = 0; i < sessions.size(); ++i) {
        id = sessions[i]->enter(group).id;
        for (std::size_t j = 0; j < i; ++j) {
            EXPECT_EQ(sessions[j]->next_view(group, kByJoin).id, id);
        }
    }
    return id;
}

void SharedRing::cut(const std::vector<std::vector<std::size_t>>& sides) {
    ring().links().partition(sides);
}

void SharedRing::heal() {
    ring().links().heal();
    if (stock()) {
        for (std::size_t i = 0; i < kDaemons; ++i) {
            Session driver = session(i, fresh("dr"));
            driver.multicast({"nobody"}, "wake up");
            driver.expect_nothing();
        }
    }
}

void SharedRing::block_tokens_at(std::size_t daemon) {
    // Tokens go to the port behind that of messages, with us as with stock.
    support::run_command({"nft", "add", "rule", "inet", "lab", "in", "udp", "dport",
                          std::to_string(ring().daemon(daemon).port() + 1), "drop"},
                         ring().links().namespace_of(daemon));
}

void SharedRing::restart(std::size_t daemon) {
    ring().daemon(daemon).restart();
}

void expect_signal(Session& session, const std::string& group, const GroupId& id) {
    const Frame frame = session.next();
    if (!frame.is_signal() || frame.name() != group) {
        throw std::runtime_error(session.name() + " expects a transitional signal of " + group +
                                 " but gets " + describe(frame));
    }
    // CP 7.3
    EXPECT_EQ(frame.raw.size(), kHeaderBytes + 12);
    EXPECT_EQ(frame.hint, word(kEndian, Order::kLittle));
    EXPECT_EQ(signal_id(frame), id) << session.name();
}

Names names_of(const std::vector<const Session*>& sessions) {
    Names names;
    std::ranges::transform(sessions, std::back_inserter(names),
                           [](const Session* session) { return session->name(); });
    return names;
}

}  // namespace spread::interop
