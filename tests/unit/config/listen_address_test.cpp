#include "config/listen_address.hpp"

#include <gtest/gtest.h>

namespace spread::config {
namespace {

TEST(ListenAddress, IsAnAddressAndAPort) {
    const auto v4 = parse_listen_address("127.0.0.1:4805");
    ASSERT_TRUE(v4.has_value());
    EXPECT_EQ(v4->address.to_string(), "127.0.0.1");
    EXPECT_EQ(v4->port, 4805);
    const auto v6 = parse_listen_address("[::1]:1");
    ASSERT_TRUE(v6.has_value());
    EXPECT_EQ(v6->address.to_string(), "::1");
}

TEST(ListenAddress, NothingElseIsOne) {
    for (const char* text : {"", "4805", "127.0.0.1", "127.0.0.1:", "127.0.0.1:0",
                             "127.0.0.1:70000", "127.0.0.1:-1", "localhost:4805", "::1:4805",
                             "[127.0.0.1]:4805", "[]:4805", "127.0.0.1:48x", ":4805", "[::1]"}) {
        EXPECT_FALSE(parse_listen_address(text).has_value()) << text;
    }
}

}  // namespace
}  // namespace spread::config
