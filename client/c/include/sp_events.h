/** @file sp_events.h
 *  A small event loop: timers and descriptors in three priorities. One loop per process, for one
 *  thread. sp.h includes this file.
 */
#ifndef SPREAD_SP_EVENTS_H
#define SPREAD_SP_EVENTS_H

#include "sp.h"

#define MAX_FD_EVENTS 2000 /**< descriptors per priority */

#define NUM_PRIORITY 3
#define LOW_PRIORITY 0
#define MEDIUM_PRIORITY 1
#define HIGH_PRIORITY 2

#define NUM_FDTYPES 3
#define READ_FD 0
#define WRITE_FD 1
#define EXCEPT_FD 2

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/** Forgets all timers and descriptors. Call it first. @return 0 */
int E_init(void);

sp_time E_get_time(void);           /**< wall clock */
sp_time E_get_time_monotonic(void); /**< the clock of the timers */
sp_time E_sub_time(sp_time t, sp_time delta);
sp_time E_add_time(sp_time t, sp_time delta);
sp_time E_neg_time(sp_time t);
/** @return 1, 0 or -1 */
int E_compare_time(sp_time t1, sp_time t2);

/** Calls `func(code, data)` once, `delta_time` from now. A timer that waits with the same three
 *  is replaced. @return 0
 */
int E_queue(void (*func)(int code, void *data), int code, void *data, sp_time delta_time);
/** @return 1 when such a timer waits, else 0 */
int E_in_queue(void (*func)(int code, void *data), int code, void *data);
/** @return 0, -1 when there was none */
int E_dequeue(void (*func)(int code, void *data), int code, void *data);
/** Sleeps; a signal ends it. */
void E_delay(sp_time t);

/** Calls `func(fd, code, data)` whenever `fd` is ready for `fd_type`.
 *  @return 0; 1 when it replaced what was attached at this priority; -1 for bad arguments
 */
int E_attach_fd(int fd, int fd_type, void (*func)(int fd, int code, void *data), int code,
                void *data, int priority);
/** At all priorities. @return 0, -1 when it was not attached */
int E_detach_fd(int fd, int fd_type);
int E_detach_fd_priority(int fd, int fd_type, int priority);
/** Stops or resumes watching. @return 0, -1 when it was not attached */
int E_deactivate_fd(int fd, int fd_type);
int E_activate_fd(int fd, int fd_type);
/** Watches only this priority and above. @return it, or -1 */
int E_set_active_threshold(int priority);
/** @return active descriptors of a priority, or -1 */
int E_num_active(int priority);

/** Runs until E_exit_events(): timers first, then the ready descriptors of the highest priority
 *  above LOW that has any, then at most one of LOW, in turns.
 */
void E_handle_events(void);
/** Leaves the loop after the callback that runs. */
void E_exit_events(void);
/** The same, from a signal handler. */
void E_exit_events_async_safe(void);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
