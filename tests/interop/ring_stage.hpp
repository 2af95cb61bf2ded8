#pragma once

#include <string>
#include <vector>

#include "tests/interop/stage.hpp"

namespace spread::interop {

/// Tests of one ring. All tests of a process share it: four daemons whose order in the
/// configuration is neither that of their names nor that of their letters. Each test begins with
/// all of them in one ring and all links whole.
class SharedRing : public testing::Test {
  public:
    /// After which a ring of ours is given up.
    static constexpr std::chrono::milliseconds kTokenTimeout{600};

    /// In configuration order.
    static constexpr std::size_t kZeta = 0;
    static constexpr std::size_t kAlpha = 1;
    static constexpr std::size_t kMid = 2;
    static constexpr std::size_t kLast = 3;  ///< "d4"
    static constexpr std::size_t kDaemons = 4;

    [[nodiscard]] static Cluster& ring();
    [[nodiscard]] static Session session(std::size_t daemon, const std::string& name,
                                         unsigned flags = 1) {
        return {ring().connect(daemon), name, {.version = {}, .flags = flags}};
    }
    /// Sessions in one group, entered one after the other; each has heard of all of them.
    static GroupId enter_all(const std::string& group, const std::vector<Session*>& sessions);

    /// Only daemons of one side hear each other.
    static void cut(const std::vector<std::vector<std::size_t>>& sides);
    /// All links work again, and something is sent over them, without which stock would look for
    /// others every half minute only.
    static void heal();
    /// Tokens no longer arrive at `daemon` (from anybody), but messages do.
    static void block_tokens_at(std::size_t daemon);
    static void restart(std::size_t daemon);

  protected:
    void SetUp() override;
    void TearDown() override;
};

/// The next message must say that the view `id` of `group` is ending.
void expect_signal(Session& session, const std::string& group, const GroupId& id);

/// What is sorted bytewise inside each daemon, by the order of daemons.
[[nodiscard]] Names names_of(const std::vector<const Session*>& sessions);

}  // namespace spread::interop
