#pragma once

#include <string>
#include <vector>

namespace spread::checker {

/// A property that does not hold, in words for whoever has to find out why.
struct Violation {
    std::string property;  ///< "P4", "G7", "L1", "R2": docs/correctness.md lists them
    std::string summary;   ///< one line: who, which message or view, what is wrong
    /// The histories that disagree, a few lines each, every line starting with whose it is.
    std::vector<std::string> evidence;
};

}  // namespace spread::checker
