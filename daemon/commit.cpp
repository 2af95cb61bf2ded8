#include "daemon/commit.hpp"

namespace spread::daemon {

const char* const kCommit = SPREAD_COMMIT;

}  // namespace spread::daemon
