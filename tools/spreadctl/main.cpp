#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tools/spreadctl/command_line.hpp"

int main(int argc, char** argv) {
    try {
        return spread::spreadctl::run(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "spreadctl: %s\n", error.what());
        return 1;
    }
}
