/* Workers that share tasks and take over from each other: workers DAEMON NAME [GROUP]
 *
 * A line that is typed is a task for whoever's turn it is. All members of a view get the same tasks in
 * one order, so that everybody knows without asking whose it is: the first one takes the first
 * task, and so on. Those who were in the view are the task's witnesses; when its owner is lost, the
 * next witness takes over. A task may thus be done twice, but is not forgotten while a witness
 * lives.
 */

#include <poll.h>
#include <sp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMBERS_MAX 32
#define TASKS_MAX 1000

typedef char name[MAX_GROUP_NAME];

struct task {
    name sender; /* with the number, the task's identity */
    int number;
    char text[200];
    name witnesses[MEMBERS_MAX]; /* in the order in which they take over; lost ones are empty */
    int count;
    int is_mine; /* and done */
};

static mailbox mbox;
static const char *group;
static name self;
static name members[MEMBERS_MAX];
static int member_count;
static int turn; /* tasks since the view began */
static struct task tasks[TASKS_MAX];
static int task_count;

static void say(service how, const char *text) {
    int code = SP_multicast(mbox, how, group, 0, (int)strlen(text), text);
    if (code < 0) {
        SP_error(code);
    }
}

static void forget(int index) {
    tasks[index] = tasks[--task_count];
}

/* Does what has become ours. */
static void work(void) {
    char text[300];
    int i, k;
    for (i = 0; i < task_count; i++) {
        struct task *task = &tasks[i];
        for (k = 0; k < task->count && task->witnesses[k][0] == '\0'; k++) {
        }
        if (k < task->count && strcmp(task->witnesses[k], self) == 0 && !task->is_mine) {
            task->is_mine = 1;
            printf("doing %s\n", task->text);
            fflush(stdout);
            snprintf(text, sizeof text, "done %d %.*s", task->number, MAX_GROUP_NAME, task->sender);
            say(AGREED_MESS, text);
        }
    }
}

static void on_message(const char *sender, const char *text) {
    int number, at = 0, i;
    if (sscanf(text, "task %d %n", &number, &at) == 1 && at > 0) {
        struct task *task = &tasks[task_count];
        if (task_count == TASKS_MAX || member_count == 0) {
            fprintf(stderr, "no room for another task\n");
            exit(1);
        }
        task_count++;
        memset(task, 0, sizeof *task);
        snprintf(task->sender, sizeof task->sender, "%s", sender);
        task->number = number;
        snprintf(task->text, sizeof task->text, "%s", text + at);
        task->count = member_count;
        for (i = 0; i < member_count; i++) {
            memcpy(task->witnesses[i], members[(turn + i) % member_count], sizeof(name));
        }
        turn++;
    } else if (sscanf(text, "done %d %n", &number, &at) == 1 && at > 0) {
        for (i = task_count - 1; i >= 0; i--) {
            if (tasks[i].number == number && strcmp(tasks[i].sender, text + at) == 0) {
                forget(i);
            }
        }
    }
}

static int is_among(const char *who, const name *names, int count) {
    while (count > 0 && strcmp(names[count - 1], who) != 0) {
        count--;
    }
    return count > 0;
}

/* Who did not come along into this view has missed what we know, or is gone. */
static void on_view(service type, const char *body, const name *now, int count) {
    membership_info info;
    name together[MEMBERS_MAX];
    int i, k, came = count;
    if (SP_get_memb_info(body, type, &info) != 1) {
        return;
    }
    memcpy(together, now, (size_t)count * sizeof(name));
    if (Is_caused_network_mess(type)) {
        came = SP_get_vs_set_members(body, &info.my_vs_set, together, MEMBERS_MAX);
    }
    for (i = 0; i < task_count; i++) {
        for (k = 0; k < tasks[i].count; k++) {
            if (!is_among(tasks[i].witnesses[k], together, came)) {
                tasks[i].witnesses[k][0] = '\0';
            }
        }
    }
    memcpy(members, now, (size_t)count * sizeof(name));
    member_count = count;
    turn = 0;
    printf("* workers: %d\n", count);
    fflush(stdout);
}

/* 0 when the session has ended. */
static int receive_next(void) {
    service type = 0;
    char sender[MAX_GROUP_NAME], body[10000];
    name groups[MEMBERS_MAX];
    int count, mismatch;
    int16 mess_type;
    int bytes = SP_receive(mbox, &type, sender, MEMBERS_MAX, &count, groups, &mess_type, &mismatch,
                           sizeof body - 1, body);
    if (bytes < 0) {
        SP_error(bytes);
        return 0;
    }
    body[bytes] = '\0';
    if (Is_regular_mess(type)) {
        on_message(sender, body);
    } else if (Is_reg_memb_mess(type)) {
        on_view(type, body, groups, count);
    }
    work();
    return 1;
}

int main(int argc, char **argv) {
    char line[200], text[300];
    sp_time limit = {5, 0};
    int code, submitted = 0;
    if (argc < 3) {
        fprintf(stderr, "usage: workers DAEMON NAME [GROUP]\n");
        return 2;
    }
    group = argc > 3 ? argv[3] : "workers";
    code = SP_connect_timeout(argv[1], argv[2], 0, 1, &mbox, self, limit);
    if (code != ACCEPT_SESSION || (code = SP_join(mbox, group)) != 0) {
        SP_error(code);
        return 1;
    }
    setvbuf(stdin, NULL, _IONBF, 0); /* poll() does not see what stdio has read ahead */
    for (;;) {
        struct pollfd ready[2] = {{STDIN_FILENO, POLLIN, 0}, {mbox, POLLIN, 0}};
        if (poll(ready, 2, -1) < 0) {
            continue;
        }
        if (ready[1].revents != 0 && !receive_next()) {
            return 1;
        }
        if (ready[0].revents != 0) {
            if (fgets(line, sizeof line, stdin) == NULL) {
                SP_disconnect(mbox);
                return 0;
            }
            line[strcspn(line, "\n")] = '\0';
            snprintf(text, sizeof text, "task %d %s", ++submitted, line);
            /* SAFE: whoever begins with it knows that all daemons have it. */
            say(SAFE_MESS, text);
        }
    }
}
