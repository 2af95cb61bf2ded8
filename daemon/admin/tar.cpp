#include "daemon/admin/tar.hpp"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace spread::admin {
namespace {

// One block: name 0..99, mode 100..107, uid 108, gid 116, size 124..135, mtime 136..147, checksum
// 148..155, type 156, magic 257. Numbers are octal text.
constexpr std::size_t kBlock = 512;
constexpr std::size_t kSizeAt = 124;
constexpr std::size_t kSizeDigits = 11;
constexpr std::size_t kSumAt = 148;
constexpr std::size_t kSumBytes = 8;
constexpr std::size_t kTypeAt = 156;

std::size_t padding(std::size_t bytes) {
    return (kBlock - bytes % kBlock) % kBlock;
}

/// Over the header, with the checksum's own bytes as blanks.
unsigned checksum(std::string_view header) {
    unsigned sum = 0;
    for (std::size_t i = 0; i < kBlock; ++i) {
        sum += i >= kSumAt && i < kSumAt + kSumBytes ? ' ' : static_cast<unsigned char>(header[i]);
    }
    return sum;
}

std::uint64_t octal(std::string_view digits) {
    std::uint64_t value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '7') {
            break;
        }
        value = value * 8 + static_cast<std::uint64_t>(c - '0');
    }
    return value;
}

}  // namespace

std::string tar_of(const std::vector<TarFile>& files, long seconds) {
    std::string out;
    for (const TarFile& file : files) {
        std::string header(kBlock, '\0');
        const auto put = [&header](std::size_t at, std::string_view text) {
            std::copy(text.begin(), text.end(), header.begin() + static_cast<std::ptrdiff_t>(at));
        };
        put(0, std::string_view(file.name).substr(0, kTarNameMax));
        put(100, "0000640");
        put(108, "0000000");
        put(116, "0000000");
        put(kSizeAt, fmt::format("{:011o}", file.text.size()));
        put(136, fmt::format("{:011o}", std::max(seconds, 0L)));
        put(kTypeAt, "0");
        put(257, "ustar");
        put(263, "00");
        put(kSumAt, fmt::format("{:06o}", checksum(header)));
        header[kSumAt + kSumBytes - 1] = ' ';
        out += header + file.text;
        out.append(padding(file.text.size()), '\0');
    }
    out.append(2 * kBlock, '\0');
    return out;
}

tl::expected<std::vector<TarFile>, std::string> files_of_tar(std::string_view archive) {
    std::vector<TarFile> out;
    while (archive.size() >= kBlock && archive.front() != '\0') {
        const std::string_view header = archive.substr(0, kBlock);
        if (octal(header.substr(kSumAt, kSumBytes)) != checksum(header)) {
            return tl::unexpected(std::string("that is no tar archive, or it is damaged"));
        }
        if (out.size() == kTarFilesMax) {
            return tl::unexpected(std::string("there are too many files in it"));
        }
        const std::uint64_t size = octal(header.substr(kSizeAt, kSizeDigits));
        archive.remove_prefix(kBlock);
        if (size > archive.size()) {
            return tl::unexpected(std::string("the archive is cut off"));
        }
        if (header[kTypeAt] == '0' || header[kTypeAt] == '\0') {
            const std::string_view name = header.substr(0, kTarNameMax);
            out.push_back({std::string(name.substr(0, name.find('\0'))),
                           std::string(archive.substr(0, size))});
        }
        archive.remove_prefix(std::min(archive.size(), size + padding(size)));
    }
    if (out.empty()) {
        return tl::unexpected(std::string("that is no tar archive with files"));
    }
    return out;
}

}  // namespace spread::admin
