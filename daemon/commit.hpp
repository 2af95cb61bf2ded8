#pragma once

namespace spread::daemon {

/// The commit of the sources that were compiled, shortened; empty where that is not known, as in a
/// tarball. Not in a header, so that a commit compiles one file again.
extern const char* const kCommit;

}  // namespace spread::daemon
