#include "daemon/ring/send_errors.hpp"

#include <cerrno>
#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "log_to_file.hpp"

namespace spread::daemon {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

class SendErrorsTest : public testing::Test {
  protected:
    std::optional<Endpoint> refuse(int error) {
        msghdr message{};
        message.msg_name = to_.address();
        message.msg_namelen = to_.length;
        return errors_.note(error, message, now_);
    }

    LogToFile log_;
    Endpoint to_ = make_endpoint(*config::parse_ip("10.0.0.3"), 4803);
    SendErrors errors_;
    protocol::Instant now_{100s};
};

TEST_F(SendErrorsTest, AFullBufferIsOrdinaryLoss) {
    EXPECT_FALSE(refuse(EAGAIN));
    EXPECT_THAT(log_.lines(), Not(HasSubstr("cannot send")));
}

TEST_F(SendErrorsTest, NoRoomIsNobodysRefusalAndNamesTheTableOfNeighbours) {
    EXPECT_FALSE(refuse(ENOBUFS));
    const std::string text = log_.lines();
    EXPECT_THAT(text, HasSubstr("cannot send to UDP 10.0.0.3:4803: No buffer space available; "));
    EXPECT_THAT(text, HasSubstr("net.ipv4.neigh.default.gc_thresh3"));
}

TEST_F(SendErrorsTest, EachKindOfErrorIsToldOnceInTenSeconds) {
    EXPECT_EQ(refuse(EPERM), to_);
    EXPECT_EQ(refuse(EPERM), to_);
    EXPECT_EQ(refuse(ENETUNREACH), to_);
    now_ += 10s;
    EXPECT_EQ(refuse(EPERM), to_);
    const std::string text = log_.lines();
    EXPECT_THAT(text, HasSubstr("Operation not permitted; does a packet filter of this host forbid "
                                "it? (0 more since the last warning)"));
    EXPECT_THAT(text, HasSubstr("(1 more since the last warning)"));
    EXPECT_THAT(text, HasSubstr("this host has no route there"));
}

}  // namespace
}  // namespace spread::daemon
