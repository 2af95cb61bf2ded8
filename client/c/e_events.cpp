// The functions of sp_events.h.

#include <sp.h>
#include <sys/time.h>

#include <cstdio>
#include <ctime>

#include "client/c/event_loop.hpp"
#include "client/c/guard.hpp"

namespace spread::c_api {

namespace {

/// Lives as long as the process: exit handlers may use it.
EventLoop& event_loop() {
    static EventLoop* const loop = new EventLoop;
    return *loop;
}

bool is_type(int type) {
    return type >= READ_FD && type < NUM_FDTYPES;
}

bool is_priority(int priority) {
    return priority >= LOW_PRIORITY && priority < NUM_PRIORITY;
}

int complain(const char* function, const char* what, int value) {
    static_cast<void>(std::printf("%s: %s %d\n", function, what, value));
    return -1;
}

int detach(const char* function, int fd, int fd_type, int first, int last) {
    if (!is_type(fd_type)) {
        return complain(function, "invalid descriptor type", fd_type);
    }
    return event_loop().detach(fd, fd_type, first, last) ? 0 : -1;
}

int set_active(const char* function, int fd, int fd_type, bool is_active) {
    if (!is_type(fd_type)) {
        return complain(function, "invalid descriptor type", fd_type);
    }
    return event_loop().set_active(fd, fd_type, is_active) ? 0 : -1;
}

}  // namespace

}  // namespace spread::c_api

using spread::c_api::complain;
using spread::c_api::event_loop;
using spread::c_api::guarded;
using spread::c_api::normalised;

extern "C" {

int E_init(void) {
    return guarded([] {
        event_loop().reset();
        return 0;
    });
}

sp_time E_get_time(void) {
    timeval now{};
    static_cast<void>(gettimeofday(&now, nullptr));
    return {now.tv_sec, now.tv_usec};
}

sp_time E_get_time_monotonic(void) {
    return spread::c_api::monotonic_now();
}

sp_time E_sub_time(sp_time t, sp_time delta) {
    return normalised(t.sec - delta.sec, t.usec - delta.usec);
}

sp_time E_add_time(sp_time t, sp_time delta) {
    return normalised(t.sec + delta.sec, t.usec + delta.usec);
}

sp_time E_neg_time(sp_time t) {
    return {-t.sec, -t.usec};
}

int E_compare_time(sp_time t1, sp_time t2) {
    return spread::c_api::compare(t1, t2);
}

int E_queue(void (*func)(int code, void* data), int code, void* data, sp_time delta_time) {
    return guarded([&] {
        event_loop().queue(func, code, data, delta_time);
        return 0;
    });
}

int E_in_queue(void (*func)(int code, void* data), int code, void* data) {
    return guarded([&] { return event_loop().is_queued(func, code, data) ? 1 : 0; });
}

int E_dequeue(void (*func)(int code, void* data), int code, void* data) {
    return guarded([&] { return event_loop().dequeue(func, code, data) ? 0 : -1; });
}

void E_delay(sp_time t) {
    const timespec time{t.sec, t.usec * 1000};
    static_cast<void>(nanosleep(&time, nullptr));
}

int E_attach_fd(int fd, int fd_type, void (*func)(int fd, int code, void* data), int code,
                void* data, int priority) {
    return guarded([&] {
        if (!spread::c_api::is_priority(priority)) {
            return complain("E_attach_fd", "invalid priority", priority);
        }
        if (!spread::c_api::is_type(fd_type)) {
            return complain("E_attach_fd", "invalid descriptor type", fd_type);
        }
        if (fd < 0) {
            return complain("E_attach_fd", "invalid descriptor", fd);
        }
        const int attached = event_loop().attach(fd, fd_type, func, code, data, priority);
        return attached >= 0
                   ? attached
                   : complain("E_attach_fd", "too many descriptors at priority", priority);
    });
}

int E_detach_fd(int fd, int fd_type) {
    return guarded([&] {
        return spread::c_api::detach("E_detach_fd", fd, fd_type, LOW_PRIORITY, HIGH_PRIORITY);
    });
}

int E_detach_fd_priority(int fd, int fd_type, int priority) {
    return guarded([&] {
        if (!spread::c_api::is_priority(priority)) {
            return complain("E_detach_fd_priority", "invalid priority", priority);
        }
        return spread::c_api::detach("E_detach_fd_priority", fd, fd_type, priority, priority);
    });
}

int E_deactivate_fd(int fd, int fd_type) {
    return guarded(
        [&] { return spread::c_api::set_active("E_deactivate_fd", fd, fd_type, false); });
}

int E_activate_fd(int fd, int fd_type) {
    return guarded([&] { return spread::c_api::set_active("E_activate_fd", fd, fd_type, true); });
}

int E_set_active_threshold(int priority) {
    return guarded([&] {
        if (!spread::c_api::is_priority(priority)) {
            return complain("E_set_active_threshold", "invalid priority", priority);
        }
        event_loop().set_threshold(priority);
        return priority;
    });
}

int E_num_active(int priority) {
    return guarded([&] {
        if (!spread::c_api::is_priority(priority)) {
            return complain("E_num_active", "invalid priority", priority);
        }
        return event_loop().active_count(priority);
    });
}

void E_handle_events(void) {
    event_loop().run();
}

void E_exit_events(void) {
    event_loop().stop();
}

void E_exit_events_async_safe(void) {
    event_loop().stop();
}

// Exported by the stock libraries without being declared anywhere: its own diagnostics of slow
// callbacks, of which there are none here. They are kept so that whatever names them links.
#pragma GCC visibility push(default)
const char* E_lookup_function_name(void (*function)(void));
void E_print_slow_event(void);
void E_print_slow_events(void);
void E_time_events(void);
#pragma GCC visibility pop

const char* E_lookup_function_name(void (* /*function*/)(void)) {
    return "unknown";
}

void E_print_slow_event(void) {}

void E_print_slow_events(void) {}

void E_time_events(void) {}

}  // extern "C"
