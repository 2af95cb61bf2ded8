#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "total_order_bus.hpp"

namespace spread::membership::testing {

/// `count` daemons d1, d2, ... with ids 1, 2, ... on one ring with counter 100.
class Changes : public ::testing::Test {
  protected:
    void start(std::size_t count, const std::vector<std::uint32_t>& ids = {},
               std::size_t state_bytes = 100000) {
        std::vector<std::string> names;
        std::vector<std::size_t> all;
        for (std::size_t i = 0; i < count; ++i) {
            names.push_back("d" + std::to_string(i + 1));
            all.push_back(i);
        }
        bus_ = std::make_unique<TotalOrderBus>(names, ids, state_bytes);
        bus_->reform({all});
        bus_->settle();
    }

    using Client = TotalOrderBus::Client;

    Client& client(const std::string& user, std::size_t daemon, bool wants_membership = true) {
        return bus_->connect(daemon, user, wants_membership);
    }

    void join(const std::vector<Client*>& clients, std::string_view group) {
        for (Client* c : clients) {
            bus_->join(*c, group);
            bus_->settle();
        }
        for (Client* c : clients) {
            bus_->news(*c);
        }
    }

    /// The daemons of `who` agree about every group.
    void expect_same_tables(const std::vector<std::size_t>& who) {
        for (const std::size_t d : who) {
            EXPECT_EQ(bus_->engine(d).phase(), GroupPhase::kStable);
            EXPECT_TRUE(bus_->is_resumed(d));
            EXPECT_EQ(bus_->engine(d).stats().malformed_messages, 0U);
            ASSERT_EQ(bus_->engine(d).group_names(), bus_->engine(who.front()).group_names());
            for (const auto& group : bus_->engine(d).group_names()) {
                EXPECT_EQ(bus_->engine(d).members(group), bus_->engine(who.front()).members(group));
            }
        }
    }

    std::vector<std::string> news(Client& c) { return bus_->news(c); }

    std::unique_ptr<TotalOrderBus> bus_;
};

}  // namespace spread::membership::testing
