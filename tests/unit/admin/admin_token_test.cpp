#include "daemon/admin/admin_token.hpp"

#include <filesystem>
#include <fstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/host/startup_error.hpp"
#include "tests/unit/daemon/temporary_directory.hpp"

namespace spread::admin {
namespace {

using testing::HasSubstr;
namespace fs = std::filesystem;

class AdminTokenTest : public testing::Test {
  protected:
    AdminToken load(const std::string& content, fs::perms mode = fs::perms::owner_read) {
        const fs::path path = directory_ / ("token" + std::to_string(++files_));
        std::ofstream(path) << content;
        fs::permissions(path, mode);
        config::Configuration configuration;
        configuration.admin_write = true;
        configuration.admin_token_file = path.string();
        return AdminToken::load(configuration);
    }
    std::string error_of(const std::string& content, fs::perms mode = fs::perms::owner_read) {
        try {
            (void)load(content, mode);
        } catch (const daemon::StartupError& error) {
            return error.what();
        }
        return {};
    }

    daemon::TemporaryDirectory directory_;
    int files_ = 0;
};

TEST_F(AdminTokenTest, IsTheFirstLineOfItsFile) {
    const AdminToken token = load("0123456789abcdef\nmore\n");
    EXPECT_TRUE(token.is_shown_by("Bearer 0123456789abcdef"));
    for (const char* shown :
         {"", "0123456789abcdef", "Bearer ", "Bearer 0123456789abcdeF", "Bearer 0123456789abcde",
          "Bearer 0123456789abcdef0", "Bearer 0123456789abcdef0123456789abcdef",
          "bearer 0123456789abcdef"}) {
        EXPECT_FALSE(token.is_shown_by(shown)) << shown;
    }
}

TEST_F(AdminTokenTest, WithoutItNobodyShowsAny) {
    config::Configuration configuration;
    configuration.admin_token_file = "/nowhere";
    const AdminToken none = AdminToken::load(configuration);
    EXPECT_TRUE(none.empty());
    EXPECT_FALSE(none.is_shown_by("Bearer "));
    EXPECT_FALSE(none.is_shown_by("Bearer x"));
}

TEST_F(AdminTokenTest, AFileThatKeepsNoSecretIsRefused) {
    EXPECT_EQ(error_of("0123456789abcdef\n"), "");
    EXPECT_THAT(error_of("0123456789abcde\n"), HasSubstr("16 to 1024 printable characters"));
    EXPECT_THAT(error_of(""), HasSubstr("openssl rand"));
    EXPECT_THAT(error_of("0123456789 abcdef\n"), HasSubstr("without blanks"));
    EXPECT_THAT(error_of(std::string(1025, 'x')), HasSubstr("16 to 1024"));
    EXPECT_THAT(error_of("0123456789abcdef\n", fs::perms::owner_read | fs::perms::others_read),
                HasSubstr("chmod 640"));
    config::Configuration configuration;
    configuration.admin_write = true;
    configuration.admin_token_file = "/nowhere/token";
    EXPECT_THROW((void)AdminToken::load(configuration), daemon::StartupError);
}

}  // namespace
}  // namespace spread::admin
