// The page spread.conf(5) says of every option what the table says.
#include "config/manual.hpp"

#include <string>

#include <gtest/gtest.h>

#include "config/options.hpp"
#include "config_test_support.hpp"

namespace spread::config {
namespace {

TEST(Manual, PageHoldsWhatTheTableOfOptionsSays) {
    const std::string page =
        read_file(std::string(SPREAD_TEST_DATA) + "/../../docs/man/spread.conf.5");
    const std::string manual = options_manual();
    EXPECT_NE(page.find(".\\\" From the table of options"), std::string::npos);
    EXPECT_NE(page.find(manual + ".\\\" End of the table.\n"), std::string::npos)
        << "put this into docs/man/spread.conf.5:\n"
        << manual;
}

TEST(Manual, HasAnItemForEachOption) {
    const std::string manual = options_manual();
    for (const std::string_view name : option_names()) {
        const std::string item = "\n.It " + std::string(name);
        const std::size_t at = manual.find(item);
        ASSERT_NE(at, std::string::npos) << name;
        const char behind = manual[at + item.size()];
        EXPECT_TRUE(behind == '\n' || behind == ' ') << name;
    }
}

}  // namespace
}  // namespace spread::config
