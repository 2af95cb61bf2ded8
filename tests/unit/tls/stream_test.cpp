#include "tls/stream.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/certificates.hpp"

namespace spread::tls {
namespace {

using State = Stream::State;
using support::Authority;
using testing::HasSubstr;

Identity identity_of(const support::SignedPair& pair) {
    return {{"a.crt", pair.certificate}, {"a.key", pair.key}};
}

std::span<const std::byte> bytes_of(std::string_view text) {
    return std::as_bytes(std::span(text));
}

/// Both ends of a connection, in one thread.
class Pair : public testing::Test {
  protected:
    Pair() {
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends_.data()) != 0) {
            throw std::runtime_error("socketpair");
        }
    }
    ~Pair() override {
        server_.reset();
        client_.reset();
        ::close(ends_[0]);
        ::close(ends_[1]);
    }
    void make(const std::optional<Pem>& client_ca = std::nullopt,
              const std::optional<Identity>& client_identity = std::nullopt) {
        const auto pair = authority_.sign(
            {.common_name = "the daemon", .alternatives = {"DNS:d1.example", "IP:127.0.0.1"}});
        auto server = Context::server(identity_of(pair), client_ca);
        ASSERT_TRUE(server) << server.error();
        EXPECT_EQ((*server)->own()->name, "d1.example");
        auto client = Context::client(Pem{"ca", authority_.certificate()}, client_identity);
        ASSERT_TRUE(client) << client.error();
        server_ = Stream::server(*server, ends_[0]);
        client_ = Stream::client(*client, ends_[1], "127.0.0.1");
    }
    /// The last states of client and server.
    std::pair<State, State> shake_hands() {
        State client = State::kWantRead;
        State server = State::kWantRead;
        for (int i = 0; i < 10; ++i) {
            client = client_->handshake();
            server = server_->handshake();
        }
        return {client, server};
    }

    Authority authority_{"authority"};
    std::array<int, 2> ends_{};
    std::unique_ptr<Stream> server_;
    std::unique_ptr<Stream> client_;
};

TEST_F(Pair, CarriesBytesBothWays) {
    make();
    EXPECT_EQ(client_->handshake(), State::kWantRead);
    EXPECT_EQ(shake_hands(), std::pair(State::kDone, State::kDone));
    EXPECT_EQ(server_->version(), "TLSv1.3");
    EXPECT_FALSE(server_->peer());
    EXPECT_EQ(client_->peer()->name, "d1.example");

    std::array<std::byte, 100> room{};
    EXPECT_EQ(server_->read(room).state, State::kWantRead);
    EXPECT_EQ(client_->write(bytes_of("hello")).bytes, 5U);
    EXPECT_EQ(client_->write(bytes_of(", daemon")).bytes, 8U);
    const auto got = server_->read(room);
    EXPECT_EQ(got.state, State::kWantRead);
    EXPECT_EQ(got.bytes, 13U) << "two records";
    EXPECT_EQ(server_->write(bytes_of("hello, client")).bytes, 13U);
    const auto part = client_->read(std::span(room).first(5));
    EXPECT_EQ(part.state, State::kDone);
    EXPECT_EQ(client_->pending(), 8U);
    EXPECT_EQ(client_->read(room).bytes, 8U);
    EXPECT_EQ(client_->pending(), 0U);

    client_->close();
    EXPECT_EQ(server_->read(room).state, State::kEnd);
    EXPECT_EQ(server_->read(room).state, State::kEnd);
    EXPECT_EQ(server_->write(bytes_of("late")).bytes, 4U) << "the other direction is open";
}

TEST_F(Pair, WhatTheSocketDoesNotTakeIsOfferedAgain) {
    make();
    shake_hands();
    std::string sent;
    std::string waiting;
    std::string received;
    std::vector<std::byte> room(50'000);
    for (int round = 0; round < 200; ++round) {
        for (int i = 0; i < 3; ++i) {
            waiting += std::string(7001, static_cast<char>('a' + (round + i) % 26));
        }
        const auto out = server_->write(bytes_of(waiting));
        ASSERT_TRUE(out.state == State::kDone || out.state == State::kWantWrite)
            << server_->error();
        sent += waiting.substr(0, out.bytes);
        waiting.erase(0, out.bytes);
        if (round % 3 == 2) {
            const auto in = client_->read(room);
            for (std::size_t i = 0; i < in.bytes; ++i) {
                received += static_cast<char>(room[i]);
            }
        }
    }
    EXPECT_FALSE(waiting.empty()) << "the socket was never full";
    for (int i = 0; i < 1000 && (!waiting.empty() || received.size() < sent.size()); ++i) {
        const auto out = server_->write(bytes_of(waiting));
        sent += waiting.substr(0, out.bytes);
        waiting.erase(0, out.bytes);
        const auto in = client_->read(room);
        for (std::size_t k = 0; k < in.bytes; ++k) {
            received += static_cast<char>(room[k]);
        }
    }
    EXPECT_EQ(received, sent);
}

TEST_F(Pair, ClientsShowTheirCertificate) {
    const auto alice =
        authority_.sign({.common_name = "alice", .alternatives = {"email:a@b", "DNS:a.example"}});
    make(Pem{"ca", authority_.certificate()}, identity_of(alice));
    EXPECT_EQ(shake_hands(), std::pair(State::kDone, State::kDone));
    EXPECT_EQ(server_->peer()->name, "a.example");
}

TEST_F(Pair, WithoutACertificateTheyAreRefused) {
    make(Pem{"ca", authority_.certificate()});
    EXPECT_EQ(shake_hands().second, State::kBroken);
    EXPECT_THAT(server_->error(), HasSubstr("peer did not return a certificate"));
    std::array<std::byte, 10> room{};
    EXPECT_EQ(client_->read(room).state, State::kBroken);
    EXPECT_THAT(client_->error(), HasSubstr("alert certificate required"));
}

TEST_F(Pair, ANameThatDoesNotFitIsRefused) {
    make();
    auto client = Context::client(Pem{"ca", authority_.certificate()}, std::nullopt);
    client_ = Stream::client(*client, ends_[1], "d2.example");
    EXPECT_EQ(shake_hands().first, State::kBroken);
    EXPECT_THAT(client_->error(), HasSubstr("ostname mismatch"));
    EXPECT_THAT(server_->error(), HasSubstr("bad certificate"));
    client_ = Stream::client(*client, ends_[1], "");
    EXPECT_EQ(client_->handshake(), State::kBroken);
}

TEST_F(Pair, TheEndOfTheConnectionIsNoticed) {
    make();
    ::shutdown(ends_[1], SHUT_RDWR);
    EXPECT_EQ(server_->handshake(), State::kBroken);
    EXPECT_EQ(server_->error(), "the connection was closed");
}

TEST(TlsContext, SaysWhatIsWrongWithAFile) {
    const Authority authority("authority");
    const auto pair = authority.sign({.common_name = "x"});
    const auto other = authority.sign({.common_name = "y"});
    const auto problem = [&](std::string certificate, std::string key,
                             std::optional<Pem> ca = std::nullopt) {
        auto context =
            Context::server({{"a.crt", std::move(certificate)}, {"a.key", std::move(key)}}, ca);
        return context ? std::string() : context.error();
    };
    EXPECT_EQ(problem(pair.certificate, pair.key), "");
    EXPECT_EQ(problem(pair.certificate + authority.certificate(), pair.key), "");
    EXPECT_EQ(problem("", pair.key), "a.crt: holds no certificate in PEM");
    EXPECT_EQ(problem(pair.certificate, other.key),
              "a.key: is not the key of the certificate in a.crt");
    EXPECT_THAT(problem(pair.certificate, pair.certificate),
                HasSubstr("a.key: holds no private key"));
    EXPECT_THAT(problem(pair.certificate, pair.key, Pem{"ca.crt", "text"}),
                HasSubstr("ca.crt: holds no certificate in PEM"));
    std::string damaged = pair.certificate;
    damaged[damaged.find('\n') + 20] = '!';
    EXPECT_THAT(problem(damaged, pair.key), HasSubstr("a.crt: holds a damaged certificate"));
}

}  // namespace
}  // namespace spread::tls
