#include "tools/spuser/login_file.hpp"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>

namespace spread::spuser {
namespace {

using ::testing::HasSubstr;

class LoginFileTest : public ::testing::Test {
  protected:
    ~LoginFileTest() override { std::filesystem::remove(path_); }

    protocol::Result<Login, std::string> login(const std::string& text) {
        std::ofstream(path_) << text;
        return read_login(path_, "alice");
    }

    std::string path_ =
        std::filesystem::temp_directory_path() / ("spuser-login." + std::to_string(::getpid()));
};

TEST_F(LoginFileTest, HasNameAndPasswordOrThePasswordAlone) {
    EXPECT_EQ(login("carol:secret\nmore\n")->user, "carol");
    EXPECT_EQ(login("carol:secret\nmore\n")->password, "secret");
    EXPECT_EQ(login("secret")->user, "alice");
    EXPECT_EQ(login("secret\r\n")->password, "secret");
    EXPECT_EQ(login("carol:a:b\n")->password, "a:b");
}

TEST_F(LoginFileTest, AFileThatHoldsNoneIsRefusedWithAReason) {
    EXPECT_THAT(login("").error(), HasSubstr("the file is empty"));
    EXPECT_THAT(login("carol:\n").error(), HasSubstr("is not NAME:PASSWORD"));
    EXPECT_THAT(login("carol:longer than 8\n").error(), HasSubstr("is not NAME:PASSWORD"));
    EXPECT_THAT(read_login("/nonexistent", "alice").error(), HasSubstr("No such file"));
}

}  // namespace
}  // namespace spread::spuser
