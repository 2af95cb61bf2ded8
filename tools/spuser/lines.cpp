#include "tools/spuser/lines.hpp"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace spread::spuser {
namespace {

class PlainLines final : public LineSource {
  public:
    bool fill() override {
        std::array<char, 4096> chunk{};
        const ssize_t count = read(STDIN_FILENO, chunk.data(), chunk.size());
        if (count > 0) {
            buffer_.append(chunk.data(), static_cast<std::size_t>(count));
            return true;
        }
        return count < 0 && (errno == EINTR || errno == EAGAIN);
    }

    std::optional<std::string> next() override {
        const auto end = buffer_.find('\n');
        if (end == std::string::npos) {
            return std::nullopt;
        }
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
    }
    std::string take_rest() override { return std::exchange(buffer_, {}); }
    [[nodiscard]] bool has_line() const override { return buffer_.find('\n') != std::string::npos; }

  private:
    std::string buffer_;
};

}  // namespace

std::unique_ptr<LineSource> plain_lines() {
    return std::make_unique<PlainLines>();
}

}  // namespace spread::spuser
