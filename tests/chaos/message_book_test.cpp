#include "tests/chaos/message_book.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace spread::chaos {
namespace {

TEST(MessageBook, KnowsAMessageByItsBody) {
    MessageBook book;
    const auto first = book.write("#a#d1", 100);
    const auto second = book.write("#a#d1", 100);
    EXPECT_NE(first.id, second.id);
    EXPECT_EQ(book.find("#a#d1", first.mess_type, first.body), first.id);
    EXPECT_EQ(book.find("#a#d1", second.mess_type, second.body), second.id);
}

TEST(MessageBook, TellsEmptyMessagesByTheirType) {
    MessageBook book;
    const auto first = book.write("#a#d1", 0);
    const auto second = book.write("#a#d1", 0);
    EXPECT_TRUE(first.body.empty());
    EXPECT_EQ(book.find("#a#d1", first.mess_type, {}), first.id);
    EXPECT_EQ(book.find("#a#d1", second.mess_type, {}), second.id);
    EXPECT_EQ(book.find("#a#d1", static_cast<std::int16_t>(second.mess_type + 1), {}),
              std::nullopt);
}

TEST(MessageBook, DoesNotKnowAMessageOfAnotherSenderOrType) {
    MessageBook book;
    const auto draft = book.write("#a#d1", 100);
    const auto other = book.write("#b#d1", 100);
    EXPECT_EQ(book.find("#b#d1", draft.mess_type, draft.body), std::nullopt);
    EXPECT_EQ(book.find("#c#d1", draft.mess_type, draft.body), std::nullopt);
    EXPECT_EQ(book.find("#a#d1", other.mess_type, draft.body), std::nullopt);
}

TEST(MessageBook, SeesEveryDamageToABody) {
    MessageBook book;
    const auto draft = book.write("#a#d1", 5000);
    for (std::size_t at = 0; at < draft.body.size(); ++at) {
        auto damaged = draft.body;
        damaged[at] ^= std::byte{0x10};
        ASSERT_EQ(book.find("#a#d1", draft.mess_type, damaged), std::nullopt) << "byte " << at;
    }
    for (const std::size_t bytes : {0U, 7U, 8U, 4999U}) {
        const auto shorter = std::span(draft.body).first(bytes);
        EXPECT_EQ(book.find("#a#d1", draft.mess_type, shorter), std::nullopt) << bytes;
    }
}

}  // namespace
}  // namespace spread::chaos
