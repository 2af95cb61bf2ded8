// Methods of authentication and access rules, as clients meet them (CP 3.2
// to 3.4, 7.5).

#include <crypt.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/interop/stage.hpp"

namespace spread::interop {
namespace {

using support::RawConnection;
using testing::HasSubstr;

/// Files that a configuration names, and the daemon that reads them.
class Access : public testing::Test {
  protected:
    [[nodiscard]] std::string file(const std::string& name, const std::string& text) {
        const auto path = files_.path() / name;
        // As an administrator should: the daemon never sees half of a file.
        std::ofstream(path.string() + ".new") << text;
        std::filesystem::rename(path.string() + ".new", path);
        return path.string();
    }

    void start(const std::string& options) { cluster_.emplace(Names{"d1"}, false, options); }

    [[nodiscard]] Cluster& cluster() { return *cluster_; }

    /// Announces `version` and chooses `methods`; the code, 1 for accepted.
    [[nodiscard]] int enter(const std::vector<std::string>& methods,
                            Transport transport = Transport::kTcp, const Version& version = {}) {
        RawConnection connection = cluster().connect(0, transport);
        connection.send(opening(fresh("u"), version));
        if (version.chooses()) {
            EXPECT_EQ(read_method_list(connection).code, 0);
            connection.send(choice(methods));
        }
        const Verdict verdict = read_verdict(connection, version);
        if (verdict.code != 1) {
            connection.expect_end();
        }
        return verdict.code;
    }

    [[nodiscard]] std::string method_list() {
        RawConnection connection = cluster().connect();
        connection.send(opening(fresh("u")));
        return read_method_list(connection).list;
    }

    [[nodiscard]] Session session(const std::string& name, Transport transport = Transport::kTcp) {
        return {cluster().connect(0, transport), name};
    }

    /// Has the files read again; returns when that is done.
    void reload() {
        const std::string before = cluster().daemon().log();
        cluster().daemon().process().signal(SIGHUP);
        support::wait_until("the access files to be read again", [&] {
            return cluster().daemon().log().find("access files read again", before.size()) !=
                   std::string::npos;
        });
    }

    void TearDown() override {
        if (cluster_) {
            EXPECT_EQ(cluster().daemon().stop(), 0) << cluster().logs();
        }
    }

  private:
    support::TempDir files_;
    std::optional<Cluster> cluster_;
};

// CP 3.2: the list in order of registration, whatever the order in the file
TEST_F(Access, TheListNamesWhatIsAllowed) {
    struct Row {
        const char* allowed;
        const char* list;
    };
    for (const Row& row : {Row{"NULL", "NULL "}, Row{"IP", "IP "}, Row{"NULL IP", "NULL IP "},
                           Row{"IP NULL", "NULL IP "}}) {
        std::string options = std::string("AllowedAuthMethods = \"") + row.allowed + "\"\n";
        if (!stock()) {
            options += "AccessIPFile = \"" + file("ip", "local\n") + "\"\n";
        }
        start(options);
        EXPECT_EQ(method_list(), row.list) << row.allowed;
    }
}

// CP 3.3: required methods run in addition to those chosen
TEST_F(Access, RequiredMethodsMustBePassed) {
    SPREAD_DIFFERS_FROM_STOCK("stock has its address file in the working directory only");
    start("AllowedAuthMethods = \"NULL\"\nRequiredAuthMethods = \"IP\"\nAccessIPFile = \"" +
          file("ip", "10.0.0.0/8\n") + "\"\n");
    EXPECT_EQ(method_list(), "NULL ");
    EXPECT_EQ(enter({"NULL"}), -9);
    static_cast<void>(file("ip", "127.0.0.1\n"));
    reload();
    EXPECT_EQ(enter({"NULL"}), 1);
    EXPECT_EQ(enter({"IP"}), -9);
}

struct AddressRow {
    std::string text;
    bool tcp;
    bool unix_socket;
};

// CP 3.4: the address file, with what stock reads wrongly read rightly
TEST_F(Access, AddressesAreWhatTheFileSays) {
    SPREAD_DIFFERS_FROM_STOCK("unix, 0.0.0.0/0 and blank lines do not work with stock");
    const std::vector<AddressRow> rows{
        {"", false, false},
        {"# nothing but this\n\n", false, false},
        {"127.0.0.1\n", true, false},
        {"127.0.0.2\n", false, false},
        {"127.0.0.0/8\n", true, false},
        {"126.0.0.0/7\n", true, false},
        {"127.0.0.2/32\n", false, false},
        {"127.0.0.2/31\n", false, false},
        {"127.0.0.0/31\n", true, false},
        {"0.0.0.0/0\n", true, false},
        {"::/0\n", false, false},
        {"::1\n", false, false},
        {"local\n", true, false},
        {"unix\n", false, true},
        {"unix\n\n10.0.0.0/8\n\n127.0.0.1   # behind blank lines\n", true, true},
    };
    const std::string path = file("ip", rows.front().text);
    start("AllowedAuthMethods = \"IP\"\nAccessIPFile = \"" + path + "\"\n");
    for (const AddressRow& row : rows) {
        SCOPED_TRACE(row.text);
        static_cast<void>(file("ip", row.text));
        reload();
        EXPECT_EQ(enter({"IP"}), row.tcp ? 1 : -9);
        EXPECT_EQ(enter({"IP"}, Transport::kUnix), row.unix_socket ? 1 : -9);
        // CP 3.1: who cannot choose is asked for the address, too
        EXPECT_EQ(enter({}, Transport::kTcp, {3, 13, 0}), row.tcp ? 1 : -9);
    }
}

// CP 3.4: without a file nobody passes
TEST_F(Access, WithoutAnAddressFileNobodyPasses) {
    if (!stock()) {
        start("AllowedAuthMethods = \"NULL IP\"\nAccessIPFile = \"/no/such/file\"\n");
    } else {
        start("AllowedAuthMethods = \"NULL IP\"\n");
    }
    EXPECT_EQ(enter({"IP"}), -9);
    EXPECT_EQ(enter({"NULL", "IP"}), -9);
    EXPECT_EQ(enter({"NULL"}), 1);
}

/// PWORD as its libraries speak it (CP 3.4): user and password in 32 and 8 bytes.
struct PasswordResult {
    int answer = -1;  ///< the byte of the method
    int code = 0;     ///< 1, or the reject code
};

PasswordResult log_in(RawConnection connection, const std::string& name, const std::string& user,
                      const std::string& password, bool in_pieces = false) {
    connection.send(opening(name));
    EXPECT_EQ(read_method_list(connection).code, 0);
    connection.send(choice({"PWORD"}));
    Bytes proof = bytes_of(user);
    proof.resize(32);
    append(proof, bytes_of(password));
    proof.resize(40);
    if (in_pieces) {
        for (const std::byte b : proof) {
            connection.send(std::vector{b});
        }
    } else {
        connection.send(std::span(proof).first(32));
        connection.send(std::span(proof).subspan(32));
    }
    PasswordResult result;
    result.answer = std::to_integer<int>(connection.read(1).front());
    result.code = read_verdict(connection).code;
    return result;
}

std::string hash_of(const std::string& password, const std::string& setting) {
    crypt_data data{};
    return crypt_r(password.c_str(), setting.c_str(), &data);
}

// CP 3.4: one byte, 1 or 0, then the acceptance or -9
TEST_F(Access, PasswordsAreChecked) {
    SPREAD_DIFFERS_FROM_STOCK("stock is built without PWORD");
    const std::string users =
        "alice:" + hash_of("geheim42", "$6$saltsalt$") + "\n" + "bob:" + hash_of("b", "ab") + "\n";
    start("AllowedAuthMethods = \"PWORD\"\nAccessPasswordFile = \"" + file("pword", users) +
          "\"\n");
    EXPECT_EQ(method_list(), "PWORD ");
    struct Row {
        const char* user;
        const char* password;
        bool right;
    };
    for (const Row& row :
         {Row{"alice", "geheim42", true}, Row{"bob", "b", true}, Row{"alice", "geheim4", false},
          Row{"alice", "Geheim42", false}, Row{"alice", "", false}, Row{"bob", "geheim42", false},
          Row{"", "", false}, Row{"mallory", "geheim42", false}, Row{"Alice", "geheim42", false}}) {
        for (const bool in_pieces : {false, true}) {
            const auto result =
                log_in(cluster().connect(), fresh("u"), row.user, row.password, in_pieces);
            EXPECT_EQ(result.answer, row.right ? 1 : 0) << row.user << ' ' << row.password;
            EXPECT_EQ(result.code, row.right ? 1 : -9) << row.user << ' ' << row.password;
        }
    }
    EXPECT_EQ(enter({"NULL"}), -9);
    // The name is free again after a failure, and one's user name need not be one's private name.
    EXPECT_EQ(log_in(cluster().connect(), "same", "alice", "wrong").code, -9);
    EXPECT_EQ(log_in(cluster().connect(), "same", "alice", "geheim42").code, 1);
}

// CP 3.4: a client that goes away before or while it is checked harms nobody
TEST_F(Access, AnUnfinishedPasswordIsForgotten) {
    SPREAD_DIFFERS_FROM_STOCK("stock is built without PWORD");
    const std::string users = "alice:" + hash_of("geheim42", "$6$saltsalt$") + "\n";
    start("AllowedAuthMethods = \"NULL PWORD\"\nAccessPasswordFile = \"" + file("pword", users) +
          "\"\n");
    Session witness = session("witness");
    witness.enter("room");
    for (std::size_t length = 0; length <= 40; ++length) {
        RawConnection connection = cluster().connect();
        connection.send(opening("passing"));
        EXPECT_EQ(read_method_list(connection).list, "NULL PWORD ") << length;
        Bytes bytes = choice({"PWORD"});
        append(bytes, Bytes(length, std::byte{'x'}));
        connection.send(bytes);
    }
    EXPECT_EQ(log_in(cluster().connect(), "alice", "alice", "geheim42").code, 1);
    witness.expect_nothing();
}

// beyond stock: a flood of guesses, of clients that stay and of clients that go, does not push
// others past their ten seconds
TEST_F(Access, AFloodOfPasswordsHoldsUpNobodyElse) {
    SPREAD_DIFFERS_FROM_STOCK("stock is built without PWORD");
    // Checking all these one after the other takes longer than a handshake may: about 50 ms each.
    constexpr int kGuesses = 400;
    const std::string slow = hash_of("geheim42", "$6$rounds=100000$saltsalt$");
    start("AllowedAuthMethods = \"PWORD\"\nAccessPasswordFile = \"" +
          file("pword", "alice:" + slow + "\nmallory:" + slow + "\n") + "\"\n");
    std::vector<RawConnection> flood;
    for (int i = 0; i < kGuesses; ++i) {
        RawConnection connection =
            cluster().connect(0, i % 2 == 0 ? Transport::kTcp : Transport::kUnix);
        Bytes bytes = opening(fresh("m"));
        append(bytes, choice({"PWORD"}));
        Bytes proof = bytes_of("mallory");
        proof.resize(32);
        append(proof, bytes_of("guess"));
        proof.resize(40);
        append(bytes, proof);
        connection.send(bytes);
        if (i % 4 != 0) {
            flood.push_back(std::move(connection));
        }
    }
    const auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(log_in(cluster().connect(), fresh("a"), "alice", "geheim42").code, 1);
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(10));
}

// CP 3.4, through the rules: connect, join and send, and whom they concern
TEST_F(Access, RulesDecideWhoConnectsJoinsAndSends) {
    SPREAD_DIFFERS_FROM_STOCK("stock knows no rules");
    const std::string rules =
        "allow connect * from unix\n"
        "deny connect bad*\n"
        "allow join ops* secret-*\n"
        "deny join * secret-*\n"
        "allow send ops* news\n"
        "deny send * news\n"
        "deny send * #ops*#d1\n"
        "default allow\n";
    start("AccessControlPolicy = \"RULES\"\nAccessRulesFile = \"" + file("rules", rules) + "\"\n");
    // Connecting: -9 in place of the acceptance.
    {
        RawConnection refused = cluster().connect();
        refused.send(opening("bad1"));
        EXPECT_EQ(read_method_list(refused).list, "NULL ");
        refused.send(choice({"NULL"}));
        EXPECT_EQ(read_verdict(refused).code, -9);
        refused.expect_end();
    }
    EXPECT_EQ(session("bad1", Transport::kUnix).name(), "#bad1#d1");
    Session ops = session("ops1");
    Session user = session("user");
    // Joining.
    ops.enter("secret-1");
    ops.enter("news");
    user.enter("news");
    ops.next_view("news", kByJoin);
    user.join("secret-1");
    const Frame join = user.next();
    EXPECT_EQ(join.type, kReject);
    EXPECT_EQ(join.old_type, word(kEndian | kByJoin, Order::kLittle));
    EXPECT_EQ(join.groups, (Names{"secret-1", "#user#d1"}));
    EXPECT_EQ(join.body.size(), 0U);
    // Sending: as a whole, also when other groups are allowed.
    ops.multicast({"news"}, "from above");
    user.next_text("from above");
    ops.next_text("from above");
    for (const Names& groups : {Names{"news"}, Names{"room", "news"}, Names{"#ops1#d1"}}) {
        user.multicast(groups, "from below");
        EXPECT_EQ(user.next().type, kReject);
    }
    user.multicast({"#user#d1", "secret-1"}, "sending is not joining");
    user.next_text("sending is not joining");
    ops.next_text("sending is not joining");
    // Leaving is always allowed.
    user.leave("news");
    user.next_self_leave("news");
    ops.next_view("news", kByLeave);
    ops.expect_nothing();
    user.expect_nothing();
}

// CP 7.5: the bytes of a message that comes back
TEST_F(Access, ARejectedMessageLooksAsDocumented) {
    SPREAD_DIFFERS_FROM_STOCK("stock never sends one");
    start("AccessControlPolicy = \"RULES\"\nAccessRulesFile = \"" +
          file("rules", "deny send * no\ndefault allow\n") + "\"\n");
    Session alice = session("alice");
    for (const Order order : {Order::kLittle, Order::kBig}) {
        for (const std::uint32_t service : kServices) {
            for (const std::size_t count : {1U, 2U, 99U, 100U}) {
                Names groups(count, "room");
                groups[count / 2] = "no";
                Request request = alice.request(service | kDropRecv, groups, "the body");
                request.order = order;
                request.hint = hint_of(-5, order);
                alice.send(request);
                const Frame frame = alice.next();
                Names expected = groups;
                if (count == 100) {
                    expected.back() = "#alice#d1";
                } else {
                    expected.push_back("#alice#d1");
                }
                Bytes bytes = word(kEndian | kReject, Order::kLittle);
                append(bytes, name_field("#alice#d1"));
                append(bytes, word(static_cast<std::uint32_t>(expected.size()), Order::kLittle));
                append(bytes, request.hint);
                append(bytes, word(8, Order::kLittle));  // old_type is not counted
                append(bytes, word(kEndian | service | kDropRecv, Order::kLittle));
                for (const std::string& group : expected) {
                    append(bytes, name_field(group));
                }
                append(bytes, bytes_of("the body"));
                EXPECT_EQ(support::hex_of(frame.raw), support::hex_of(bytes));
            }
        }
    }
    // Its author is the only target, so SELF_DISCARD leaves nobody.
    alice.multicast({"no"}, "unheard", kAgreed | kSelfDiscard);
    alice.expect_nothing();
}

// A bad file leaves the old rules in force.
TEST_F(Access, ABadFileLeavesTheOldRulesInForce) {
    SPREAD_DIFFERS_FROM_STOCK("stock knows no rules");
    start("AccessControlPolicy = \"RULES\"\nAccessRulesFile = \"" +
          file("rules", "deny join * room\n") + "\"\n");
    Session alice = session("alice");
    alice.join("room");
    EXPECT_EQ(alice.next().type, kReject);
    static_cast<void>(file("rules", "allow everything please\n"));
    reload();
    cluster().daemon().wait_logged("rules:1:");
    alice.join("room");
    EXPECT_EQ(alice.next().type, kReject);
    static_cast<void>(file("rules", "deny join * other\n"));
    reload();
    alice.enter("room");
    alice.join("other");
    EXPECT_EQ(alice.next().type, kReject);
}

}  // namespace
}  // namespace spread::interop
