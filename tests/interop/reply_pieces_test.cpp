// Old libraries read the list of methods, and the private group of an acceptance, with a single
// read (CP 3.2, 3.5): each must come in one write.

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/interop/segment_sniffer.hpp"
#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

using support::RawConnection;
using testing::ElementsAre;

class ReplyPieces : public OneDaemon {
  protected:
    void SetUp() override {
        SPREAD_REQUIRE_NAMESPACES();
        const auto port = cluster().daemon().port();
        sniffer_ = std::make_unique<SegmentSniffer>(port);
    }

    /// The sizes of the segments that came with what `connection` has just read.
    [[nodiscard]] std::vector<std::size_t> segments() { return sniffer_->take(); }

    void expect_whole_replies(const Version& version) {
        const std::string name = fresh("p");
        RawConnection connection = connect();
        EXPECT_THAT(segments(), ElementsAre());
        connection.send(opening(name, version));
        if (version.chooses()) {
            EXPECT_EQ(read_method_list(connection).list, "NULL ");
            if (stock()) {
                // Length and list are two writes; what old libraries read as one is the list.
                EXPECT_EQ(segments().back(), 5U);
            } else {
                EXPECT_THAT(segments(), ElementsAre(6U));
            }
            connection.send(choice({"NULL"}));
        }
        const Verdict verdict = read_verdict(connection, version);
        EXPECT_EQ(verdict.code, 1);
        const std::size_t group = verdict.private_group.size();
        if (stock()) {
            EXPECT_EQ(segments().back(), group);
        } else {
            EXPECT_THAT(segments(), ElementsAre((version.has_patch() ? 5 : 4) + group));
        }
    }

  private:
    std::unique_ptr<SegmentSniffer> sniffer_;
};

// CP 3.2, 3.5
TEST_F(ReplyPieces, ListAndAcceptanceAreOneWriteEach) {
    for (const Version& version : {Version{3, 8, 0}, Version{3, 15, 0}, Version{3, 17, 3},
                                   Version{4, 4, 0}, Version{5, 0, 1}}) {
        for (int i = 0; i < 20; ++i) {
            expect_whole_replies(version);
        }
    }
}

// CP 3.6
TEST_F(ReplyPieces, ARefusalIsOneSegment) {
    for (const Bytes& bytes : {opening("a b"), opening("al", {2, 0, 0})}) {
        RawConnection connection = connect();
        connection.send(bytes);
        EXPECT_LT(read_method_list(connection).code, 0);
        EXPECT_THAT(segments(), ElementsAre(1U));
    }
}

// CP 3.2, 3.5: also when the answers to both come at the same time
TEST_F(ReplyPieces, PipelinedHandshakesGetWholeReplies) {
    SPREAD_DIFFERS_FROM_STOCK("stock takes no pipelined handshake");
    for (int i = 0; i < 50; ++i) {
        RawConnection connection = connect();
        const std::string name = fresh("p");
        Bytes bytes = opening(name);
        append(bytes, choice({"NULL"}));
        connection.send(bytes);
        EXPECT_EQ(read_method_list(connection).list, "NULL ");
        EXPECT_EQ(read_verdict(connection).private_group, "#" + name + "#d1");
        const std::size_t accept = 5 + name.size() + 4;
        // Both may share a write. Neither may straddle two.
        EXPECT_THAT(segments(), testing::AnyOf(ElementsAre(6 + accept), ElementsAre(6U, accept)));
    }
}

// CP 3.2, 3.5: also while the daemon is busy with others and their full queues
TEST_F(ReplyPieces, StayWholeUnderBackPressure) {
    // Its own messages, faster than it reads them, over the socket that the sniffer does not see.
    Session flooder(connect(Transport::kUnix), fresh("fl"));
    std::atomic<bool> enough{false};
    const Bytes message = encode(flooder.request(kAgreed, {flooder.name()}, std::string(500, 'x')));
    std::thread reader([&] {
        Bytes burst;
        for (int i = 0; i < 200; ++i) {
            append(burst, message);
        }
        while (!enough) {
            flooder.send(burst);
            for (int i = 0; i < 200; ++i) {
                static_cast<void>(flooder.next());
            }
        }
    });
    for (int i = 0; i < 100; ++i) {
        expect_whole_replies({5, 0, 1});
    }
    enough = true;
    reader.join();
}

// CP 3.2, 3.5: over the Unix socket, as a reader sees it that takes what is there as
// soon as anything is
TEST_F(ReplyPieces, ArriveWholeOverTheUnixSocket) {
    SPREAD_DIFFERS_FROM_STOCK("stock sends the acceptance in several writes");
    for (int i = 0; i < 200; ++i) {
        RawConnection connection = connect(Transport::kUnix);
        const std::string name = fresh("p");
        connection.send(opening(name));
        EXPECT_EQ(connection.read_once(1000).size(), 6U);
        connection.send(choice({"NULL"}));
        EXPECT_EQ(connection.read_once(1000).size(), 5 + name.size() + 4);
    }
}

}  // namespace
}  // namespace spread::interop
