#include "daemon/clients/listeners.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/host/startup_error.hpp"
#include "loopback_ports.hpp"

namespace spread::daemon {
namespace {

using ::testing::HasSubstr;

TEST(TcpListeners, DaemonsOfOneHostWithTheSamePortListenAtTheirOwnAddresses) {
    const auto locals = loopback_only();
    const auto open = with_free_ports({"127.0.0.1", "127.0.0.2"}, [&](std::uint16_t port) {
        const auto configuration = loopback_configuration({"127.0.0.1", "127.0.0.2"}, port);
        std::vector<std::vector<TcpListener>> listeners;
        listeners.push_back(open_tcp_listeners(configuration, 0, locals));
        listeners.push_back(open_tcp_listeners(configuration, 1, locals));
        return listeners;
    });
    ASSERT_EQ(open[0].size(), 1U);
    ASSERT_EQ(open[1].size(), 1U);
    EXPECT_THAT(open[0][0].at.to_string(), HasSubstr("127.0.0.1:"));
    EXPECT_THAT(open[1][0].at.to_string(), HasSubstr("127.0.0.2:"));
}

TEST(TcpListeners, ADaemonAloneOnItsHostServesEveryAddress) {
    const auto locals = loopback_only();
    const auto open = with_free_ports({"0.0.0.0"}, [&](std::uint16_t port) {
        return open_tcp_listeners(loopback_configuration({"127.0.0.1"}, port), 0, locals);
    });
    ASSERT_EQ(open.size(), 1U);
    EXPECT_THAT(open[0].at.to_string(), HasSubstr("0.0.0.0:"));
}

TEST(TcpListeners, AStanzaDecidesAloneAndLettersCount) {
    const auto locals = loopback_only();
    const auto open = with_free_ports({"127.0.0.4", "127.0.0.5"}, [&](std::uint16_t port) {
        auto configuration = loopback_configuration({"127.0.0.4"}, port);
        config::Interface ring;
        ring.address = *config::parse_ip("127.0.0.4");
        ring.client = false;
        config::Interface clients;
        clients.address = *config::parse_ip("127.0.0.5");
        configuration.daemons[0].interfaces = {ring, clients};
        return open_tcp_listeners(configuration, 0, locals);
    });
    ASSERT_EQ(open.size(), 1U);
    EXPECT_THAT(open[0].at.to_string(), HasSubstr("127.0.0.5:"));
}

TEST(TcpListeners, ATakenPortIsOneClearLine) {
    const auto locals = loopback_only();
    with_free_ports({"127.0.0.6"}, [&](std::uint16_t port) {
        auto configuration = loopback_configuration({"127.0.0.6"}, port);
        config::Interface only;
        only.address = *config::parse_ip("127.0.0.6");
        configuration.daemons[0].interfaces = {only};
        const auto first = open_tcp_listeners(configuration, 0, locals);
        try {
            (void)open_tcp_listeners(configuration, 0, locals);
            ADD_FAILURE() << "the port was taken twice";
        } catch (const StartupError& error) {
            EXPECT_THAT(error.what(), HasSubstr("127.0.0.6:" + std::to_string(port)));
            EXPECT_THAT(error.what(), HasSubstr("Address already in use"));
        }
        return 0;
    });
}

}  // namespace
}  // namespace spread::daemon
