#include "daemon/host/memory_limit.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gtest/gtest.h>

#include "temporary_directory.hpp"

namespace spread::daemon {
namespace {

class MemoryLimits : public ::testing::Test {
  protected:
    void write(const std::string& path, const std::string& text) {
        std::filesystem::create_directories(
            std::filesystem::path(root_.path() + path).parent_path());
        std::ofstream(root_.path() + path) << text;
    }
    [[nodiscard]] MemoryLimit limit() const { return memory_limit(root_.path()); }

    TemporaryDirectory root_;
};

TEST_F(MemoryLimits, WithoutOthersItIsTheHosts) {
    EXPECT_GT(limit().bytes, std::uint64_t{1} << 20U);
    EXPECT_LT(limit().bytes, std::uint64_t{1} << 50U);
}

TEST_F(MemoryLimits, AControlGroupAndThoseAboveItCount) {
    write("/proc/self/cgroup", "0::/system.slice/spreadd.service\n");
    write("/sys/fs/cgroup/system.slice/spreadd.service/memory.max", "max\n");
    write("/sys/fs/cgroup/system.slice/memory.max", "70000000\n");
    EXPECT_EQ(limit().bytes, 70000000U);
    EXPECT_EQ(limit().whose, "the control group");
    write("/sys/fs/cgroup/system.slice/spreadd.service/memory.max", "60000000\n");
    EXPECT_EQ(limit().bytes, 60000000U);
}

TEST_F(MemoryLimits, InAContainerTheTopIsItsOwn) {
    write("/proc/self/cgroup", "0::/\n");
    write("/sys/fs/cgroup/memory.max", "50000000\n");
    EXPECT_EQ(limit().bytes, 50000000U);
    write("/proc/self/cgroup", "5:cpu,memory:/docker/abc\n0::/\n");
    write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "40000000\n");
    EXPECT_EQ(limit().bytes, 40000000U);
}

TEST_F(MemoryLimits, WhatCannotBeReadIsNoLimit) {
    for (const std::string text : {"", "nonsense", "0:", "0::", ":::", "0::/a\n0::/b"}) {
        write("/proc/self/cgroup", text);
        EXPECT_GT(limit().bytes, std::uint64_t{1} << 20U) << text;
    }
    EXPECT_EQ(memory_group_of("1:memory2:/x\n"), std::nullopt);
    EXPECT_EQ(memory_group_of("1:name=systemd:/x\n0::/y\n")->path, "/y");
}

}  // namespace
}  // namespace spread::daemon
