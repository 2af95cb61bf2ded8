#pragma once

#include <string>

namespace spread::spreadctl {

// Key files of rings. Each function returns an exit status and says on standard error what is
// wrong.

struct KeyNewSettings {
    std::string file;
    bool add = false;  ///< another key to a file that there is, which is kept until it is used
    bool passphrase = false;  ///< the key follows from a line of standard input
};

/// Writes a file that nobody but its owner can read, whole or not at all.
[[nodiscard]] int key_new(const KeyNewSettings& settings);

/// Ids and roles; never a key.
[[nodiscard]] int key_list(const std::string& file);

}  // namespace spread::spreadctl
