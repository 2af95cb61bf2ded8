#include "daemon/ring/error_queue.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <gtest/gtest.h>

#include "daemon/host/unique_fd.hpp"

namespace spread::daemon {
namespace {

Endpoint loopback(std::uint8_t last, std::uint16_t port) {
    config::IpAddress address;
    address.bytes = {127, 0, 0, last};
    return make_endpoint(address, port);
}

TEST(ErrorQueue, AClosedPortSaysSoItself) {
    // A port that was free a moment ago and has nobody now.
    Endpoint closed = loopback(9, 0);
    {
        const UniqueFd holder(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
        ASSERT_EQ(::bind(holder.get(), closed.address(), closed.length), 0);
        closed.length = sizeof closed.storage;
        ASSERT_EQ(::getsockname(holder.get(), closed.address(), &closed.length), 0);
    }
    const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int on = 1;
    ASSERT_EQ(::setsockopt(fd.get(), IPPROTO_IP, IP_RECVERR, &on, sizeof on), 0);
    EXPECT_FALSE(next_error(fd.get()));
    ASSERT_EQ(::sendto(fd.get(), "x", 1, 0, closed.address(), closed.length), 1);
    pollfd poll_fd{fd.get(), 0, 0};
    ASSERT_EQ(::poll(&poll_fd, 1, 30000), 1);
    const auto error = next_error(fd.get());
    ASSERT_TRUE(error);
    EXPECT_TRUE(error->port_unreachable);
    EXPECT_TRUE(error->by_destination);
    EXPECT_EQ(error->destination, closed);
    EXPECT_FALSE(next_error(fd.get()));
}

}  // namespace
}  // namespace spread::daemon
