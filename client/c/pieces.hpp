#pragma once

#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>

namespace spread::c_api {

/// Most pieces one message is sent from or received into: a hundred of the caller, and header, type
/// of a refused request, groups, and what is skipped.
inline constexpr std::size_t kPiecesMax = 108;

/// Memory in pieces that bytes go into or come from, in order. Owns nothing. A piece without
/// memory is skipped: read and thrown away.
class Pieces {
  public:
    Pieces() = default;
    ~Pieces() = default;
    // Only what is there is copied, not the room for a hundred.
    Pieces(const Pieces& other) { append(other); }
    Pieces& operator=(const Pieces& other) {
        if (this != &other) {
            first_ = count_ = bytes_ = 0;
            append(other);
        }
        return *this;
    }
    // NOLINTNEXTLINE(performance-move-constructor-init): it points into itself
    Pieces(Pieces&& other) noexcept : Pieces(std::as_const(other)) {}
    Pieces& operator=(Pieces&& other) noexcept { return *this = std::as_const(other); }

    /// Empty pieces are left out: a system call would take them for the end of the stream.
    void add(void* data, std::size_t bytes) {
        if (bytes > 0) {
            pieces_[count_++] = {data, bytes};
            bytes_ += bytes;
        }
    }
    void add(const void* data, std::size_t bytes) {
        // Never written to: a gathered write takes the same descriptors as a scattered read.
        add(const_cast<void*>(data), bytes);  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    }
    void skip(std::size_t bytes) { add(static_cast<void*>(nullptr), bytes); }

    [[nodiscard]] std::size_t bytes() const { return bytes_; }
    [[nodiscard]] bool empty() const { return bytes_ == 0; }

    /// What is left, for a system call; skipped pieces up to the size of `scratch` end up there.
    [[nodiscard]] std::span<iovec> next(std::array<iovec, kPiecesMax>& out,
                                        std::span<std::byte> scratch) const {
        std::size_t count = 0;
        for (std::size_t i = first_; i < count_; ++i) {
            const iovec& piece = pieces_[i];
            if (piece.iov_base != nullptr) {
                out[count++] = piece;
                continue;
            }
            out[count++] = {scratch.data(), std::min(piece.iov_len, scratch.size())};
            if (piece.iov_len > scratch.size()) {
                break;
            }
        }
        return std::span(out).first(count);
    }

    /// That many bytes are done.
    void advance(std::size_t bytes) {
        bytes_ -= bytes;
        while (bytes > 0) {
            iovec& piece = pieces_[first_];
            const std::size_t part = std::min(bytes, piece.iov_len);
            if (piece.iov_base != nullptr) {
                piece.iov_base = static_cast<std::byte*>(piece.iov_base) + part;
            }
            piece.iov_len -= part;
            bytes -= part;
            if (piece.iov_len == 0) {
                ++first_;
            }
        }
    }

    /// The first `bytes` of all this, as pieces of their own.
    [[nodiscard]] Pieces prefix(std::size_t bytes) const {
        Pieces part;
        for (std::size_t i = first_; i < count_ && bytes > 0; ++i) {
            const std::size_t taken = std::min(bytes, pieces_[i].iov_len);
            part.add(pieces_[i].iov_base, taken);
            bytes -= taken;
        }
        return part;
    }

    void append(const Pieces& other) {
        for (std::size_t i = other.first_; i < other.count_; ++i) {
            add(other.pieces_[i].iov_base, other.pieces_[i].iov_len);
        }
    }

    /// Copies `out.size()` bytes from `offset` on; false when there are not as many.
    [[nodiscard]] bool copy_out(std::size_t offset, std::span<std::byte> out) const {
        return walk(offset, out.size(),
                    [&out](std::byte* data, std::size_t done, std::size_t part) {
                        std::memcpy(out.data() + done, data, part);
                    });
    }
    [[nodiscard]] bool copy_in(std::size_t offset, std::span<const std::byte> from) const {
        return walk(offset, from.size(),
                    [&from](std::byte* data, std::size_t done, std::size_t part) {
                        std::memcpy(data, from.data() + done, part);
                    });
    }

  private:
    template <typename Visit>
    [[nodiscard]] bool walk(std::size_t offset, std::size_t length, Visit visit) const {
        if (offset > bytes_ || length > bytes_ - offset) {
            return false;
        }
        std::size_t done = 0;
        for (std::size_t i = first_; i < count_ && done < length; ++i) {
            const iovec& piece = pieces_[i];
            if (offset >= piece.iov_len) {
                offset -= piece.iov_len;
                continue;
            }
            const std::size_t part = std::min(length - done, piece.iov_len - offset);
            visit(static_cast<std::byte*>(piece.iov_base) + offset, done, part);
            done += part;
            offset = 0;
        }
        return true;
    }

    std::array<iovec, kPiecesMax> pieces_;  // the first count_ are set
    std::size_t first_ = 0;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace spread::c_api
