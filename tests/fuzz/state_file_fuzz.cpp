// Any bytes as the file a daemon remembers its last life by: what is believed can be written again,
// and a new life is past it.

#include <cstddef>
#include <cstdint>
#include <string>

#include "daemon/ring/state_file.hpp"
#include "tests/fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace spread::daemon;
    using spread::fuzz::require;
    const std::string text(data, data + size);
    const auto state = parse_state(text);
    if (!state) {
        return 0;
    }
    require(parse_state(format_state(*state)) == state);
    constexpr std::uint64_t kNow = 1'700'000'000'000;
    const DaemonState next = spread::driver::next_state(state, kNow);
    require(next.incarnation >= kNow || next.incarnation > state->incarnation);
    return 0;
}
