#include "daemon/access/password_file.hpp"

#include <algorithm>
#include <cstdint>

#include "config/diagnostics.hpp"
#include "config/text.hpp"
#include "daemon/access/line_reader.hpp"

namespace spread::access {

namespace {

using config::in_quotes;
using config::Position;

/// Whether a hash has the shape crypt(3) gives it: `$id$...`, the 13 bytes of DES or the 20 of its
/// BSD extension. What is neither is most likely a password somebody forgot to hash.
bool looks_like_hash(std::string_view hash) {
    constexpr std::size_t kDesBytes = 13;
    constexpr std::size_t kBsdBytes = 20;
    constexpr std::string_view kDigits =
        "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const bool is_clean = std::all_of(hash.begin(), hash.end(), [](char c) {
        return c > ' ' && c < '\x7F' &&
               std::string_view(":;*!\\").find(c) == std::string_view::npos;
    });
    if (!is_clean || hash.empty() || hash.size() > kHashBytesMax) {
        return false;
    }
    if (hash.front() == '$') {
        const std::size_t end_of_id = hash.find('$', 1);
        return end_of_id != std::string_view::npos && end_of_id > 1 && hash.size() > kDesBytes;
    }
    if (hash.front() == '_') {
        return hash.size() == kBsdBytes &&
               hash.find_first_not_of(kDigits, 1) == std::string_view::npos;
    }
    return hash.size() == kDesBytes && hash.find_first_not_of(kDigits) == std::string_view::npos;
}

class PasswordParser {
  public:
    explicit PasswordParser(std::string_view text) : reader_(text, LineReader::Comment::kAnyHash) {}

    std::vector<PasswordFile::User> run();
    [[nodiscard]] config::Diagnostics& diagnostics() { return diagnostics_; }

  private:
    void read_line(const std::vector<Word>& words);
    void find_duplicates();

    LineReader reader_;
    config::Diagnostics diagnostics_;
    std::vector<PasswordFile::User> users_;
};

std::vector<PasswordFile::User> PasswordParser::run() {
    while (!diagnostics_.is_full()) {
        const std::vector<Word>& words = reader_.next();
        if (words.empty()) {
            break;
        }
        read_line(words);
    }
    std::stable_sort(users_.begin(), users_.end(),
                     [](const auto& a, const auto& b) { return a.name < b.name; });
    find_duplicates();
    return std::move(users_);
}

// A line may hold a password in clear text, so that messages repeat nothing but names.
void PasswordParser::read_line(const std::vector<Word>& words) {
    const Word& word = words.front();
    const std::size_t colon = word.text.find(':');
    if (colon == std::string_view::npos) {
        diagnostics_.error(word.at, "there is no ':' in this line; write user:hash");
        return;
    }
    const std::string_view name = word.text.substr(0, colon);
    const std::string_view hash = word.text.substr(colon + 1);
    if (name.empty() || name.size() > kLoginBytesMax) {
        diagnostics_.error(word.at, "a user name has 1 to " + std::to_string(kLoginBytesMax) +
                                        " bytes, this one has " + std::to_string(name.size()));
        return;
    }
    if (!std::all_of(name.begin(), name.end(), is_text_byte)) {
        diagnostics_.error(word.at,
                           "the user name " + in_quotes(name) + " contains a control character");
        return;
    }
    const Position at{word.at.line, word.at.column + static_cast<std::uint32_t>(colon) + 1};
    if (words.size() > 1) {
        diagnostics_.error(words[1].at, "there is something behind the hash of " + in_quotes(name) +
                                            "; write user:hash without blanks");
        return;
    }
    if (!looks_like_hash(hash)) {
        diagnostics_.error(at, "what stands behind " + in_quotes(name) +
                                   " is no hash of crypt(3); make one with: openssl passwd -6");
        return;
    }
    users_.push_back({std::string(name), std::string(hash), at});
}

void PasswordParser::find_duplicates() {
    for (std::size_t i = 1; i < users_.size(); ++i) {
        if (users_[i].name == users_[i - 1].name) {
            diagnostics_.error({users_[i].at.line, 1},
                               "user " + in_quotes(users_[i].name) + " is there already in line " +
                                   std::to_string(users_[i - 1].at.line) + "; remove one of them");
        }
    }
}

}  // namespace

PasswordFileResult PasswordFile::parse(std::string_view text) {
    PasswordParser parser(text);
    PasswordFile file;
    file.users_ = parser.run();
    PasswordFileResult result;
    if (parser.diagnostics().error_count() == 0) {
        result.file = std::move(file);
    }
    result.diagnostics = parser.diagnostics().take();
    return result;
}

const std::string* PasswordFile::hash_of(std::string_view user) const {
    const auto found =
        std::lower_bound(users_.begin(), users_.end(), user,
                         [](const User& one, std::string_view name) { return one.name < name; });
    return found == users_.end() || found->name != user ? nullptr : &found->hash;
}

const std::string* PasswordFile::stand_in_for(std::string_view user) const {
    if (users_.empty()) {
        return nullptr;
    }
    std::uint64_t hash = 0xcbf29ce484222325U;  // FNV-1a: any even spread will do
    for (const char byte : user) {
        hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001b3U;
    }
    return &users_[hash % users_.size()].hash;
}

}  // namespace spread::access
