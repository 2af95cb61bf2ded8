#include "daemon/admin/bundle.hpp"

#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/admin/tar.hpp"
#include "daemon/host/recent_lines.hpp"

namespace spread::admin {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::vector<TarFile> sample() {
    return {{"n1/status.json", "{}\n"},
            {"n1/empty", ""},
            {"n1/block", std::string(512, 'x')},
            {"n1/long", std::string(1000, 'y')}};
}

TEST(Tar, ReadsWhatItWrites) {
    const auto files = files_of_tar(tar_of(sample(), 1000));
    ASSERT_TRUE(files) << files.error();
    ASSERT_EQ(files->size(), sample().size());
    for (std::size_t i = 0; i < files->size(); ++i) {
        EXPECT_EQ((*files)[i].name, sample()[i].name);
        EXPECT_EQ((*files)[i].text, sample()[i].text);
    }
}

TEST(Tar, WhatIsCutOffOrDamagedIsAnError) {
    const std::string archive = tar_of(sample(), 1000);
    for (std::size_t bytes = 0; bytes < archive.size(); bytes += 7) {
        const auto files = files_of_tar(std::string_view(archive).substr(0, bytes));
        EXPECT_TRUE(!files || files->size() <= sample().size()) << bytes;
    }
    std::string damaged = archive;
    damaged[3] = '!';
    EXPECT_THAT(files_of_tar(damaged).error(), HasSubstr("damaged"));
    EXPECT_FALSE(files_of_tar(""));
    EXPECT_FALSE(files_of_tar(std::string(2048, '\0')));
    std::string endless = archive;
    endless.replace(124, 11, "77777777777");
    EXPECT_FALSE(files_of_tar(endless));
}

TEST(Bundle, NamesOfDaemonsBecomeNamesOfDirectories) {
    EXPECT_EQ(directory_name("node-1.example_a"), "node-1.example_a");
    EXPECT_EQ(directory_name("../../etc"), "_.._.._etc");
    EXPECT_EQ(directory_name("/x y\n"), "_x_y_");
    EXPECT_EQ(directory_name(""), "_");
}

TEST(Bundle, TheHostTellsItsLimits) {
    for (const TarFile& file : host_files(4803)) {
        if (file.name == "limits.txt") {
            EXPECT_THAT(file.text, HasSubstr("Max open files"));
        }
        if (file.name == "sockets.txt") {
            EXPECT_THAT(file.text, StartsWith("/proc/net/udp\n"));
        }
    }
    EXPECT_EQ(host_files(4803).front().name, "limits.txt");
}

TEST(RecentLines, KeepsTheLastOnes) {
    daemon::RecentLines lines;
    for (std::size_t i = 0; i < daemon::RecentLines::kLinesMax + 5; ++i) {
        lines.add(std::to_string(i) + "\n");
    }
    EXPECT_THAT(lines.text(), StartsWith("5\n6\n"));
    lines.add(std::string(daemon::RecentLines::kBytesMax, 'x'));
    EXPECT_EQ(lines.text().size(), daemon::RecentLines::kBytesMax) << "the others made room";
}

}  // namespace
}  // namespace spread::admin
