#include "sealing/key_file.hpp"

#include <string>

#include <gtest/gtest.h>

#include "tests/unit/sealing/bytes.hpp"

namespace spread::sealing {
namespace {

const std::string kFirst = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const std::string kSecond = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoM";

std::string error_of(const std::string& text) {
    const auto keys = parse_keys(text);
    if (keys) {
        return "none";
    }
    return std::to_string(keys.error().line) + ":" + std::to_string(keys.error().column) + ": " +
           keys.error().message;
}

TEST(KeyFile, SaysWhatIsWhat) {
    const auto keys = parse_keys("# the keys of the ring\nspreadd-keys 1\n\nuse " + kFirst +
                                 "  # f841a6b1 2026-11-30 node1\r\n\tkeep\t" + kSecond + "\n");
    ASSERT_TRUE(keys) << keys.error().message;
    ASSERT_EQ(keys->keys().size(), 2U);
    EXPECT_EQ(to_string(keys->in_use().id), "f841a6b1");
    EXPECT_EQ(keys->in_use().secret, test::key_from(0));
    EXPECT_EQ(keys->in_use().note, "2026-11-30 node1");
    EXPECT_EQ(keys->keys()[1].secret, test::key_from(100));
    EXPECT_EQ(keys->keys()[1].role, KeyRole::kKeep);
    EXPECT_NE(keys->find(KeyId{0x8d31ab2b}), nullptr);
    EXPECT_EQ(keys->find(KeyId{0x8d31ab2c}), nullptr);
}

TEST(KeyFile, ComesBackAsItWasWritten) {
    const KeyRing keys({RingKey::of(test::key_from(100), KeyRole::kOffer, "old"),
                        RingKey::of(test::key_from(0), KeyRole::kUse, "2026-11-30"),
                        RingKey::of(test::key_from(7), KeyRole::kKeep)});
    const std::string text = format_keys(keys);
    EXPECT_NE(text.find("use   " + kFirst + "  # f841a6b1 2026-11-30\n"), std::string::npos)
        << text;
    EXPECT_NE(text.find("offer " + kSecond + "  # 8d31ab2b old\n"), std::string::npos) << text;
    const auto again = parse_keys(text);
    ASSERT_TRUE(again) << again.error().message;
    EXPECT_EQ(format_keys(*again), text);
}

TEST(KeyFile, SaysWhatIsWrongAndWhere) {
    const std::string head = "spreadd-keys 1\n";
    EXPECT_EQ(error_of(""), "1:1: no key; `spreadctl key new` writes a file with one");
    EXPECT_EQ(error_of(head), "1:1: no key; `spreadctl key new` writes a file with one");
    EXPECT_EQ(error_of("use " + kFirst), "1:1: a key file begins with the line `spreadd-keys 1`");
    EXPECT_EQ(error_of("spreadd-keys 2\n"),
              "1:1: a key file begins with the line `spreadd-keys 1`");
    EXPECT_EQ(error_of(head + "keep " + kFirst),
              "2:1: no key with `use`, which says what this daemon seals with");
    EXPECT_EQ(error_of(head + "use " + kFirst + "\n  use " + kSecond),
              "3:3: a second key with `use`; one seals, the others are `keep`");
    EXPECT_EQ(error_of(head + "use " + kFirst + "\nkeep " + kFirst),
              "3:6: key f841a6b1 stands here twice");
    EXPECT_EQ(error_of(head + "sue " + kFirst), "2:1: a line begins with `use`, `keep` or `offer`");
    EXPECT_EQ(error_of(head + "use"), "2:1: a key is missing; `spreadctl key new` makes one");
    EXPECT_EQ(error_of(head + "use " + kFirst + " 2026"),
              "2:49: more than a role and a key; a note begins with #");
    std::string many = head;
    for (std::uint8_t i = 0; i < 9; ++i) {
        many += "keep " + format_keys(KeyRing({RingKey::of(test::key_from(i), KeyRole::kUse)}))
                              .substr(head.size() + 6);
    }
    EXPECT_EQ(error_of(many), "10:1: more than 8 keys; remove those that nobody uses any more");
}

TEST(KeyFile, TakesNoKeyThatIsNone) {
    const std::string complaint =
        "2:5: this is no key: 43 characters of A-Z a-z 0-9 - _, as `spreadctl key new` writes "
        "them";
    for (const std::string& bad :
         {kFirst.substr(1), kFirst + "A", kFirst + "=", "+" + kFirst.substr(1),
          kFirst.substr(0, 42) + "9" /* bits beyond the key */}) {
        EXPECT_EQ(error_of("spreadd-keys 1\nuse " + bad), complaint) << bad;
        EXPECT_EQ(complaint.find(bad), std::string::npos);
    }
}

TEST(KeyRing, TakesOverAKey) {
    KeyRing keys({RingKey::of(test::key_from(0), KeyRole::kUse)});
    keys.take_over(test::key_from(100), "from d1");
    EXPECT_EQ(to_string(keys.in_use().id), "8d31ab2b");
    EXPECT_EQ(keys.find(KeyId{0xf841a6b1})->role, KeyRole::kOffer);
    keys.take_over(test::key_from(0), "back");
    EXPECT_EQ(to_string(keys.in_use().id), "f841a6b1");
    EXPECT_EQ(keys.keys().size(), 2U);
    for (std::uint8_t i = 1; i < 20; ++i) {
        keys.take_over(test::key_from(i), "");
        EXPECT_EQ(keys.in_use().id, key_id(test::key_from(i)));
        EXPECT_LE(keys.keys().size(), KeyRing::kKeysMax);
    }
}

}  // namespace
}  // namespace spread::sealing
