#include "daemon/access/ban_list.hpp"

#include <algorithm>
#include <utility>

namespace spread::access {
namespace {

constexpr std::string_view kUserWord = "user:";
constexpr std::string_view kLoginWord = "login:";
constexpr std::string_view kAddressWord = "address:";

bool is_printable(char c) {
    return c > ' ' && c < '\x7f';
}

/// So that it stands for nothing but itself.
std::string literal(std::string_view name) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string out;
    for (const char c : name) {
        if (!is_printable(c)) {
            const auto byte = static_cast<unsigned char>(c);
            out += {'\\', 'x', kDigits[byte / 16U], kDigits[byte % 16U]};
            continue;
        }
        if (std::string_view("*?\\").find(c) != std::string_view::npos) {
            out += '\\';
        }
        out += c;
    }
    return out;
}

}  // namespace

tl::expected<BanSubject, std::string> BanSubject::parse(std::string_view text,
                                                        std::string_view own_daemon) {
    if (text.starts_with(kUserWord)) {
        return named(Kind::kUser, text.substr(kUserWord.size()));
    }
    if (text.starts_with(kLoginWord)) {
        return named(Kind::kLogin, text.substr(kLoginWord.size()));
    }
    if (text.starts_with(kAddressWord)) {
        return placed(text.substr(kAddressWord.size()));
    }
    if (text.starts_with('#')) {
        const std::size_t hash = text.find('#', 1);
        if (hash == std::string_view::npos) {
            return tl::unexpected(std::string("a private name is #USER#DAEMON"));
        }
        const std::string_view daemon = text.substr(hash + 1);
        if (daemon != own_daemon) {
            return tl::unexpected("it is a client of " + std::string(daemon) +
                                  ", and a ban is of one daemon: ask that one");
        }
        return named(Kind::kUser, literal(text.substr(1, hash - 1)));
    }
    return parse_address_pattern(text).pattern ? placed(text) : named(Kind::kUser, text);
}

tl::expected<BanSubject, std::string> BanSubject::named(Kind kind, std::string_view glob) {
    if (glob.empty()) {
        return tl::unexpected(std::string("whom? Write a name or an address"));
    }
    if (!std::all_of(glob.begin(), glob.end(), is_printable)) {
        return tl::unexpected(std::string("write \\xNN for blanks and bytes that are no text"));
    }
    auto parsed = parse_glob(glob);
    if (!parsed.glob) {
        return tl::unexpected(std::move(parsed.error));
    }
    BanSubject out(kind,
                   std::string(kind == Kind::kUser ? kUserWord : kLoginWord) + std::string(glob));
    out.name_ = *std::move(parsed.glob);
    return out;
}

tl::expected<BanSubject, std::string> BanSubject::placed(std::string_view address) {
    auto parsed = parse_address_pattern(address);
    if (!parsed.pattern) {
        return tl::unexpected(std::move(parsed.error));
    }
    BanSubject out(Kind::kAddress, std::string(kAddressWord) + std::string(address));
    out.address_ = *parsed.pattern;
    return out;
}

bool BanSubject::is_about(const Identity& who) const {
    switch (kind_) {
        case Kind::kUser: return name_.matches(who.user);
        case Kind::kLogin: return !who.login.empty() && name_.matches(who.login);
        case Kind::kAddress: return address_.matches(who.peer);
    }
    return false;
}

bool BanList::add(protocol::Instant now, Ban ban) {
    static_cast<void>(lift(now, ban.subject.text()));
    if (bans_.size() >= kBansMax) {
        return false;
    }
    const auto place = std::upper_bound(
        bans_.begin(), bans_.end(), ban.until,
        [](protocol::Instant until, const Ban& each) { return until < each.until; });
    bans_.insert(place, std::move(ban));
    return true;
}

bool BanList::lift(protocol::Instant now, std::string_view subject) {
    forget_ended(now);
    return std::erase_if(bans_, [&](const Ban& ban) { return ban.subject.text() == subject; }) > 0;
}

const Ban* BanList::refuse(protocol::Instant now, const Identity& who) {
    forget_ended(now);
    const auto found = std::find_if(bans_.begin(), bans_.end(),
                                    [&](const Ban& ban) { return ban.subject.is_about(who); });
    if (found == bans_.end()) {
        return nullptr;
    }
    ++found->refused;
    return &*found;
}

const std::vector<Ban>& BanList::bans(protocol::Instant now) {
    forget_ended(now);
    return bans_;
}

void BanList::forget_ended(protocol::Instant now) {
    const auto first =
        std::find_if(bans_.begin(), bans_.end(), [&](const Ban& ban) { return ban.until > now; });
    bans_.erase(bans_.begin(), first);
}

}  // namespace spread::access
