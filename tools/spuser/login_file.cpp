#include "tools/spuser/login_file.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace spread::spuser {
namespace {

// What the wire has room for.
constexpr std::size_t kUserBytesMax = 32;
constexpr std::size_t kPasswordBytesMax = 8;

}  // namespace

protocol::Result<Login, std::string> read_login(const std::string& path, const std::string& user) {
    errno = 0;
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line)) {
        return tl::unexpected("cannot read a login from " + path + ": " +
                              (errno == 0 ? "the file is empty" : std::strerror(errno)));
    }
    if (!line.empty() && line.back() == '\r') {
        line.pop_back();
    }
    const auto colon = line.find(':');
    Login login{colon == std::string::npos ? user : line.substr(0, colon),
                colon == std::string::npos ? line : line.substr(colon + 1)};
    if (login.user.empty() || login.user.size() > kUserBytesMax || login.password.empty() ||
        login.password.size() > kPasswordBytesMax) {
        return tl::unexpected("the first line of " + path +
                              " is not NAME:PASSWORD with a name of 1 to 32 bytes and a password "
                              "of 1 to 8");
    }
    return login;
}

}  // namespace spread::spuser
