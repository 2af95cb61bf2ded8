#include "daemon/host/host_facts.hpp"

#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/host/startup_error.hpp"
#include "temporary_directory.hpp"

namespace spread::daemon {
namespace {

using ::testing::HasSubstr;

TEST(HostFacts, AnExplicitFileIsNeverReplacedByAnother) {
    const TemporaryDirectory directory;
    std::ofstream(directory / "other.conf") << "other";
    try {
        (void)read_configuration(directory / "typo.conf", {directory / "other.conf"});
        FAIL() << "a missing file was accepted";
    } catch (const StartupError& error) {
        EXPECT_THAT(error.what(), HasSubstr("typo.conf"));
        EXPECT_THAT(error.what(), HasSubstr("No such file"));
    }
}

TEST(HostFacts, TheFirstExistingFallbackIsRead) {
    const TemporaryDirectory directory;
    std::ofstream(directory / "second.conf") << "two";
    std::ofstream(directory / "third.conf") << "three";
    const ConfigText found = read_configuration(
        "", {directory / "first.conf", directory / "second.conf", directory / "third.conf"});
    EXPECT_EQ(found.path, directory / "second.conf");
    EXPECT_EQ(found.text, "two");
}

TEST(HostFacts, NoFileAtAllMeansTheBuiltInDefault) {
    const TemporaryDirectory directory;
    const ConfigText found = read_configuration("", {directory / "a", directory / "b"});
    EXPECT_EQ(found.path, "");
    EXPECT_EQ(found.text, "");
}

TEST(HostFacts, ADirectoryIsNoConfigurationFile) {
    const TemporaryDirectory directory;
    EXPECT_THROW((void)read_configuration(directory.path(), {}), StartupError);
}

TEST(HostFacts, TheWholeLoopbackNetworkIsLocal) {
    LocalAddress loopback;
    loopback.address = *config::parse_ip("127.0.0.1");
    loopback.loopback = true;
    LocalAddress ethernet;
    ethernet.address = *config::parse_ip("10.0.0.7");
    const std::vector<LocalAddress> locals = {ethernet, loopback};
    EXPECT_EQ(find_local(locals, *config::parse_ip("127.3.2.1")), &locals[1]);
    EXPECT_EQ(find_local(locals, *config::parse_ip("10.0.0.7")), &locals[0]);
    EXPECT_EQ(find_local(locals, *config::parse_ip("10.0.0.8")), nullptr);
    EXPECT_EQ(find_local({ethernet}, *config::parse_ip("127.0.0.1")), nullptr);
}

TEST(HostFacts, TheResolverReadsAddressLiterals) {
    SystemResolver resolver;
    std::string error;
    const auto v4 = resolver.resolve("127.0.0.9", std::nullopt, error);
    ASSERT_TRUE(v4);
    EXPECT_EQ(v4->to_string(), "127.0.0.9");
    EXPECT_FALSE(resolver.resolve("127.0.0.9", config::IpAddress::Family::kV6, error));
    EXPECT_NE(error, "");
}

}  // namespace
}  // namespace spread::daemon
