// The same in a coroutine, over Boost.Asio: coroutine [DAEMON]

#include <iostream>
#include <spread/asio.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_awaitable.hpp>

using boost::asio::use_awaitable;

boost::asio::awaitable<void> talk(spread::AsyncSession& session, spread::Options options) {
    co_await session.async_connect(options, use_awaitable);
    co_await session.async_join("room", use_awaitable);
    co_await session.async_multicast(spread::Service::kAgreed, "room", "hello", use_awaitable);
    while (true) {
        const spread::Event event = co_await session.async_receive(use_awaitable);
        if (const auto* message = std::get_if<spread::Message>(&event)) {
            std::cout << message->sender << ": " << message->text() << '\n';
            co_return;
        }
    }
}

int main(int argc, char** argv) {
    spread::Options options;
    if (argc > 1) {
        options.servers = {argv[1]};
    }
    boost::asio::io_context io;
    spread::AsyncSession session(io.get_executor());
    int status = 0;
    boost::asio::co_spawn(io, talk(session, options), [&](const std::exception_ptr& failure) {
        if (failure) {
            std::cerr << session.last_error().text << '\n';
            status = 1;
        }
        session.close();
    });
    io.run();
    return status;
}
