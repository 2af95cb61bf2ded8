#pragma once

// spread::Session for programs built on Boost.Asio: every operation takes a completion token, such
// as use_awaitable, use_future, yield_context or a function.
//
// Header only: the library itself knows nothing of Asio. Boost 1.74 or later; its coroutines need
// <utility> before anything of Asio with newer standard libraries, which is why it comes first.

#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/error_code.hpp>

#include "spread/session.hpp"

namespace spread {

/// The category of error codes whose values are ErrorCode's.
[[nodiscard]] inline const boost::system::error_category& error_category() {
    // The destructor of Boost's class is protected where it can be; nobody deletes through it.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
    class Category final : public boost::system::error_category {
      public:
        [[nodiscard]] const char* name() const noexcept override { return "spread"; }
        [[nodiscard]] std::string message(int value) const override {
            return std::string(to_string(static_cast<ErrorCode>(value)));
        }
    };
#pragma GCC diagnostic pop
    static const Category category;
    return category;
}

[[nodiscard]] inline boost::system::error_code make_error_code(ErrorCode code) {
    return {static_cast<int>(code), error_category()};
}

/// A session in the world of Asio:
///
///     spread::AsyncSession session(executor);
///     co_await session.async_connect({.servers = {"4803@localhost"}}, use_awaitable);
///     co_await session.async_join("room", use_awaitable);
///     while (true) {
///         spread::Event event = co_await session.async_receive(use_awaitable);
///         ...
///     }
///
/// Errors are of error_category(); last_error() has the text. One receive at a time; any number of
/// sends, which complete in their order. A send completes when the message is queued below the
/// limits of Options: that is the back-pressure. close() completes what is under way with
/// operation_aborted, and so does the destructor. Use from one thread, or one strand, which is then
/// the executor. Connecting runs in a thread of its own, since name resolution blocks; everything
/// else waits on one descriptor.
class AsyncSession {
  public:
    using executor_type = boost::asio::any_io_executor;
    using error_code = boost::system::error_code;

    explicit AsyncSession(executor_type executor) : core_(std::make_shared<Core>(executor)) {}
    AsyncSession(executor_type executor, Session session) : AsyncSession(std::move(executor)) {
        core_->adopt(std::move(session));
    }
    AsyncSession(AsyncSession&&) noexcept = default;
    AsyncSession& operator=(AsyncSession&& other) noexcept {
        std::swap(core_, other.core_);
        return *this;
    }
    ~AsyncSession() { close(); }

    [[nodiscard]] executor_type get_executor() const { return core_->executor; }

    /// void(error_code)
    template <typename Token>
    auto async_connect(Options options, Token&& token) {
        return initiate<void(error_code)>(
            [core = core_, options = std::move(options)](auto finish) mutable {
                std::thread([core, options = std::move(options),
                             guard = boost::asio::make_work_guard(core->executor),
                             finish = std::move(finish)]() mutable {
                    auto connected =
                        std::make_shared<Result<Session>>(Session::connect(std::move(options)));
                    const auto executor = core->executor;
                    boost::asio::post(executor, [core = std::move(core), connected,
                                                 finish = std::move(finish)]() mutable {
                        if (!*connected) {
                            finish(core->failed(connected->error()));
                        } else {
                            finish(core->adopt(std::move(**connected)));
                        }
                    });
                }).detach();
            },
            std::forward<Token>(token));
    }

    /// void(error_code, Event)
    template <typename Token>
    auto async_receive(Token&& token) {
        return initiate<void(error_code, Event)>(
            [core = core_](auto finish) {
                core->receive([finish = std::make_shared<decltype(finish)>(std::move(finish))](
                                  const error_code& error, Event event) {
                    (*finish)(error, std::move(event));
                });
            },
            std::forward<Token>(token));
    }

    /// void(error_code)
    template <typename Token>
    auto async_join(std::string group, Token&& token) {
        return request([group = std::move(group)](Session& session) { return session.join(group); },
                       std::forward<Token>(token));
    }
    /// void(error_code)
    template <typename Token>
    auto async_leave(std::string group, Token&& token) {
        return request(
            [group = std::move(group)](Session& session) { return session.leave(group); },
            std::forward<Token>(token));
    }

    /// void(error_code, std::uint64_t sequence). The body is copied: it may go at once.
    template <typename Token>
    auto async_multicast(const Delivery& delivery, std::string group, Body body, Token&& token) {
        return async_multigroup_multicast(delivery, {std::move(group)}, body,
                                          std::forward<Token>(token));
    }
    /// void(error_code, std::uint64_t sequence)
    template <typename Token>
    auto async_multigroup_multicast(const Delivery& delivery, std::vector<std::string> groups,
                                    Body body, Token&& token) {
        const auto bytes = body.bytes();
        return initiate<void(error_code, std::uint64_t)>(
            [core = core_, delivery, groups = std::move(groups),
             copy = std::vector<std::byte>(bytes.begin(), bytes.end())](auto finish) mutable {
                core->send([delivery, groups = std::move(groups), copy = std::move(copy),
                            finish = std::make_shared<decltype(finish)>(std::move(finish))](
                               Core& self, const error_code& aborted) {
                    if (aborted) {
                        (*finish)(aborted, std::uint64_t{0});
                        return true;
                    }
                    const std::vector<std::string_view> names(groups.begin(), groups.end());
                    const auto sent = self.session->try_multigroup_multicast(delivery, names, copy);
                    if (!sent && sent.error().code == ErrorCode::kWouldBlock) {
                        return false;
                    }
                    (*finish)(sent ? error_code() : self.failed(sent.error()),
                              sent.value_or(std::uint64_t{0}));
                    return true;
                });
            },
            std::forward<Token>(token));
    }

    /// Completes when nothing waits to be sent any more. void(error_code)
    template <typename Token>
    auto async_flush(Token&& token) {
        return request(
            [](Session& session) -> Result<void> {
                const auto left = session.flush();
                if (!left) {
                    return tl::unexpected(left.error());
                }
                if (*left > 0) {
                    return fail(ErrorCode::kWouldBlock, "the send queue is not empty");
                }
                return {};
            },
            std::forward<Token>(token));
    }

    /// Says good-bye and ends everything under way.
    void close() {
        if (core_) {
            core_->close();
        }
    }

    /// The session itself, for what needs no waiting: private_group(), stats(), try_multicast().
    /// Only once connected.
    [[nodiscard]] Session& session() { return *core_->session; }
    [[nodiscard]] bool is_open() const { return core_->session.has_value(); }
    /// The text behind the last error code.
    [[nodiscard]] const Error& last_error() const { return core_->last_error; }

  private:
    using Descriptor = boost::asio::posix::stream_descriptor;

    /// Shared with the operations under way.
    struct Core : std::enable_shared_from_this<Core> {
        using Receiver = std::function<void(const error_code&, Event)>;
        /// Tries once; false: not yet. With an error: reports that and is done.
        using Sender = std::function<bool(Core&, const error_code&)>;

        explicit Core(executor_type on) : executor(on), descriptor(on), room(on) {}

        error_code failed(const Error& error) {
            last_error = error;
            return make_error_code(error.code);
        }

        error_code adopt(Session connected) {
            session.emplace(std::move(connected));
            if (!assign(descriptor, session->descriptor()) ||
                !assign(room, session->room_descriptor())) {
                session.reset();
                return failed({ErrorCode::kCouldNotConnect, "no descriptor to wait on"});
            }
            return {};
        }
        /// Asio closes what it is given; ours is the session's.
        static bool assign(Descriptor& to, const Result<int>& from) {
            const int copy = from ? dup(*from) : -1;
            if (copy >= 0) {
                to.assign(copy);
            }
            return copy >= 0;
        }

        void receive(Receiver wanted) {
            if (!session) {
                return wanted(make_error_code(ErrorCode::kIllegalSession), {});
            }
            if (receiver) {
                return wanted(boost::asio::error::already_started, {});
            }
            receiver = std::move(wanted);
            turn();
        }

        void send(Sender wanted) {
            if (!session) {
                wanted(*this, make_error_code(ErrorCode::kIllegalSession));
                return;
            }
            senders.push_back(std::move(wanted));
            turn();
        }

        /// Does what can be done, then waits if something is left to do. Completions are posted, so
        /// nothing here calls into itself.
        void turn() {
            while (session && !senders.empty() && senders.front()(*this, {})) {
                senders.pop_front();
            }
            if (!session) {
                return;
            }
            if (session->stats().queued_bytes > 0) {
                static_cast<void>(session->flush());
            }
            if (receiver) {
                auto event = session->try_receive();
                if (!event) {
                    std::exchange(receiver, nullptr)(failed(event.error()), {});
                } else if (*event) {
                    std::exchange(receiver, nullptr)({}, std::move(**event));
                }
            }
            if (receiver) {
                wait(descriptor, is_waiting);
            }
            if (!senders.empty() || session->stats().queued_bytes > 0) {
                wait(room, is_waiting_for_room);
            }
        }

        void wait(Descriptor& waited_on, bool& flag) {
            if (flag) {
                return;
            }
            flag = true;
            waited_on.async_wait(Descriptor::wait_read,
                                 [self = this->shared_from_this(), &flag](const error_code& error) {
                                     flag = false;
                                     if (!error) {
                                         self->turn();
                                     }
                                 });
        }

        void close() {
            if (!session) {
                return;
            }
            session->close();
            session.reset();
            error_code ignored;
            descriptor.close(ignored);
            room.close(ignored);
            const error_code aborted = boost::asio::error::operation_aborted;
            for (auto& sender : std::exchange(senders, {})) {
                sender(*this, aborted);
            }
            if (receiver) {
                std::exchange(receiver, nullptr)(aborted, {});
            }
        }

        executor_type executor;
        Descriptor descriptor;  // for whoever receives
        Descriptor room;        // for whoever sends
        std::optional<Session> session;
        Receiver receiver;
        std::deque<Sender> senders;
        bool is_waiting = false;
        bool is_waiting_for_room = false;
        Error last_error;
    };

    /// Makes of `start(finish)` an operation for any token. `finish` may be called from anywhere:
    /// the handler runs on its own executor, never inside the initiating function.
    template <typename Signature, typename Start, typename Token>
    auto initiate(Start start, Token&& token) {
        return boost::asio::async_initiate<Token, Signature>(
            [executor = core_->executor](auto handler, Start begin) {
                const auto own = boost::asio::get_associated_executor(handler, executor);
                begin([guard = boost::asio::make_work_guard(own),
                       handler = std::move(handler)](auto... results) mutable {
                    boost::asio::post(guard.get_executor(),
                                      [handler = std::move(handler),
                                       results = std::make_tuple(std::move(results)...)]() mutable {
                                          std::apply(std::move(handler), std::move(results));
                                      });
                });
            },
            token, std::move(start));
    }

    template <typename Ask, typename Token>
    auto request(Ask ask, Token&& token) {
        return initiate<void(error_code)>(
            [core = core_, ask = std::move(ask)](auto finish) {
                core->send([ask, finish = std::make_shared<decltype(finish)>(std::move(finish))](
                               Core& self, const error_code& aborted) {
                    const Result<void> done = aborted ? Result<void>() : ask(*self.session);
                    if (!done && done.error().code == ErrorCode::kWouldBlock) {
                        return false;
                    }
                    (*finish)(aborted ? aborted
                                      : (done ? error_code() : self.failed(done.error())));
                    return true;
                });
            },
            std::forward<Token>(token));
    }

    std::shared_ptr<Core> core_;
};

}  // namespace spread
