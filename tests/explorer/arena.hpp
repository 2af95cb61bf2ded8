#pragma once

#include <cstddef>
#include <vector>

namespace spread::explorer {

/// One region of memory that can be saved and put back as bytes, so that whatever lives in it is
/// copied without knowing how to copy itself. While a Scope is open, everything that is allocated
/// lies there.
///
/// A program that links this has its operator new replaced. One thread. What lives in the region
/// must be reached, changed and freed only inside a Scope; what lives outside must not point into
/// it.
class Arena {
  public:
    class Scope {
      public:
        Scope();
        ~Scope();
        Scope(const Scope&) = delete;
        Scope& operator=(const Scope&) = delete;

      private:
        bool before_;
    };

    using Snapshot = std::vector<std::byte>;

    /// Everything that is in the region now.
    static void save(Snapshot& into);
    static void restore(const Snapshot& from);
    /// Empty, as at the start of the program.
    static void clear();
    [[nodiscard]] static std::size_t bytes_used();
};

}  // namespace spread::explorer
