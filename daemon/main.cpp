#include <cstdio>
#include <exception>
#include <string>
#include <variant>
#include <vector>

#include "daemon/daemon.hpp"
#include "daemon/options.hpp"

int main(int argc, char** argv) {
    using namespace spread::daemon;  // NOLINT(google-build-using-namespace): main has no namespace
    try {
        const auto parsed = parse_options(std::vector<std::string>(argv + 1, argv + argc));
        if (const auto* stop = std::get_if<OptionsExit>(&parsed)) {
            std::fprintf(stop->status == 0 ? stdout : stderr, "%s%s", stop->text.c_str(),
                         stop->status == 0 ? "" : "\n");
            return stop->status;
        }
        return run_daemon(std::get<Options>(parsed));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "spreadd: %s\n", error.what());
        return 1;
    }
}
