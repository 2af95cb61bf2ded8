// A network with delay for kernels that have none (netem): all frames between the given interfaces
// pass through this program and wait as long as asked. Prints a line when it is ready and its
// counts as JSON when SIGTERM or SIGINT ends it.
#include <sys/resource.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "tests/chaos/link_emulator.hpp"

namespace {

using spread::chaos::LinkEmulator;
using spread::chaos::LinkQuality;

double cpu_seconds() {
    rusage used{};
    static_cast<void>(getrusage(RUSAGE_SELF, &used));
    const auto seconds = [](const timeval& time) {
        return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
    };
    return seconds(used.ru_utime) + seconds(used.ru_stime);
}

int run(const std::vector<std::string>& interfaces, std::chrono::microseconds delay) {
    sigset_t ends{};
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    // Before the emulator starts its thread, so that only sigwait() sees them.
    sigprocmask(SIG_BLOCK, &ends, nullptr);
    LinkEmulator links(interfaces, 1);
    LinkQuality quality;
    quality.delay = delay;
    for (std::size_t from = 0; from < interfaces.size(); ++from) {
        for (std::size_t to = 0; to < interfaces.size(); ++to) {
            links.set(from, to, quality);
        }
    }
    std::puts("ready");
    std::fflush(stdout);
    int signal = 0;
    sigwait(&ends, &signal);
    const auto counts = links.counts();
    std::printf(
        "{\"forwarded\": %llu, \"overflowed\": %llu, \"oversized\": %llu, \"cpu_s\": %.3f}\n",
        static_cast<unsigned long long>(counts.forwarded),
        static_cast<unsigned long long>(counts.overflowed),
        static_cast<unsigned long long>(counts.oversized), cpu_seconds());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    std::vector<std::string> interfaces;
    unsigned delay_us = 0;
    CLI::App app("An Ethernet switch in a program, with delay.", "spread_delay_hub");
    app.add_option("INTERFACE", interfaces, "Outer ends of the hosts' links")->required();
    app.add_option("--delay-us", delay_us, "How long every frame waits, one way");
    CLI11_PARSE(app, argc, argv);
    try {
        return run(interfaces, std::chrono::microseconds(delay_us));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "spread_delay_hub: %s\n", error.what());
        return 1;
    }
}
