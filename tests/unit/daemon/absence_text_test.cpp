#include "daemon/ring/absence_text.hpp"

#include <array>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::daemon {
namespace {

using membership::Absence;
using membership::Cause;
using protocol::DaemonId;
using testing::HasSubstr;

class AbsenceTextTest : public testing::Test {
  protected:
    static config::Configuration configuration() {
        config::Configuration out;
        for (std::uint8_t i = 1; i <= 3; ++i) {
            config::Daemon daemon;
            daemon.name = "node" + std::to_string(i);
            daemon.id = i;
            daemon.address = *config::parse_ip("10.0.0." + std::to_string(i));
            out.daemons.push_back(daemon);
        }
        out.segments.emplace_back();
        return out;
    }

    [[nodiscard]] std::string of(Cause cause) const {
        return text_.describe(std::array{Absence{DaemonId{3}, cause, DaemonId{3}, DaemonId{1}}});
    }

    AbsenceText text_{configuration(), 0};
};

TEST_F(AbsenceTextTest, NamesPortsAddressesAndDaemons) {
    EXPECT_EQ(of(Cause::kTokenPort),
              "node3 (the token port UDP 10.0.0.3:4804 of node3 gets nothing of node1, its data "
              "port does; on node3, let UDP 4804 in from 10.0.0.1 (or look at what is between); "
              "node3 joins by itself then)");
    EXPECT_THAT(of(Cause::kDataPort), HasSubstr("data port UDP 10.0.0.3:4803 of node3"));
    EXPECT_THAT(of(Cause::kOneWay), HasSubstr("node3 hears nothing of node1"));
    EXPECT_THAT(of(Cause::kLargePackets), HasSubstr("large packets of node1 to node3 are lost"));
    EXPECT_THAT(of(Cause::kSilent), HasSubstr("UDP 10.0.0.3:4803 and UDP 10.0.0.3:4804"));
    EXPECT_EQ(of(Cause::kLeft), "node3 (has left)");
}

TEST_F(AbsenceTextTest, NamesAllWhoAreNotHeard) {
    const Absence inward{DaemonId{3}, Cause::kTokenPort, DaemonId{3}, DaemonId{1}, {}, {1}};
    EXPECT_EQ(text_.why(inward),
              "the token port UDP 10.0.0.3:4804 of node3 gets nothing of node1 and node2, its data "
              "port does; on node3, let UDP 4804 in from 10.0.0.1 and 10.0.0.2 (or look at what is "
              "between); node3 joins by itself then");
    const Absence outward{DaemonId{3}, Cause::kDataPort, DaemonId{2}, DaemonId{3}, {}, {0}};
    EXPECT_EQ(
        text_.why(outward),
        "the data ports UDP 10.0.0.1:4803 of node1 and UDP 10.0.0.2:4803 of node2 get nothing "
        "of node3, their token ports do; on node1 and node2, let UDP 4803 in from 10.0.0.3 "
        "(or look at what is between); node3 joins by itself then");
    const Absence deaf{DaemonId{3}, Cause::kOneWay, DaemonId{3}, DaemonId{1}, {}, {1}};
    EXPECT_THAT(text_.why(deaf), HasSubstr("node3 hears nothing of node1 and node2"));
}

TEST_F(AbsenceTextTest, ListsAllOfThem) {
    const std::array missing{Absence{DaemonId{2}, Cause::kLeft, {}, {}},
                             Absence{DaemonId{3}, Cause::kLeft, {}, {}}};
    EXPECT_EQ(text_.describe(missing), "node2 (has left), node3 (has left)");
}

}  // namespace
}  // namespace spread::daemon
