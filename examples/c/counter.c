/* A counter of which every member has a copy: counter DAEMON NAME [GROUP]
 *
 * Numbers that are typed are added to it, at all members in one order. What a newcomer needs besides is
 * the value so far: in every new view each member says what it has, and the first one who has
 * something decides. What was added since the view began comes on top. A report names its view,
 * since it may arrive in a later one.
 */

#include <poll.h>
#include <sp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMBERS_MAX 100

static mailbox mbox;
static const char *group;
static long value;
static int has_value;
static char view[40];    /* identifier of the current one */
static int members;      /* in it */
static int is_decided;   /* somebody has said what the value was when it began */
static int without;      /* members who have said that they do not know */
static long since_view;  /* added in it so far */

static void say(const char *text) {
    int code = SP_multicast(mbox, AGREED_MESS, group, 0, (int)strlen(text), text);
    if (code < 0) {
        SP_error(code);
    }
}

static void set_value(long new_value) {
    value = new_value;
    has_value = 1;
    printf("value %ld\n", value);
    fflush(stdout);
}

static void on_view(const membership_info *info, int count) {
    char report[100];
    snprintf(view, sizeof view, "%08X:%08X:%08X", (unsigned)info->gid.id[0],
             (unsigned)info->gid.id[1], (unsigned)info->gid.id[2]);
    members = count;
    is_decided = 0;
    without = 0;
    since_view = 0;
    if (has_value) {
        snprintf(report, sizeof report, "have %ld %s", value, view);
    } else {
        snprintf(report, sizeof report, "none %s", view);
    }
    say(report);
}

static void on_message(const char *text) {
    long number;
    char of[40];
    if (sscanf(text, "add %ld", &number) == 1) {
        since_view += number;
        if (has_value) {
            set_value(value + number);
        }
    } else if (sscanf(text, "have %ld %39s", &number, of) == 2 && strcmp(of, view) == 0) {
        if (!is_decided) {
            is_decided = 1;
            if (!has_value || value != number + since_view) {
                set_value(number + since_view);
            }
        }
    } else if (sscanf(text, "none %39s", of) == 1 && strcmp(of, view) == 0) {
        if (!is_decided && ++without == members) {
            is_decided = 1;
            set_value(since_view); /* nobody knows: a new counter */
        }
    }
}

/* 0 when the session has ended. */
static int receive_next(void) {
    service type = DROP_RECV;
    char sender[MAX_GROUP_NAME], groups[MEMBERS_MAX][MAX_GROUP_NAME], body[10000];
    int count, mismatch;
    int16 mess_type;
    membership_info info;
    int bytes = SP_receive(mbox, &type, sender, MEMBERS_MAX, &count, groups, &mess_type, &mismatch,
                           sizeof body - 1, body);
    if (bytes < 0) {
        SP_error(bytes);
        return bytes == BUFFER_TOO_SHORT;
    }
    if (Is_regular_mess(type)) {
        body[bytes] = '\0';
        on_message(body);
    } else if (Is_reg_memb_mess(type) && SP_get_memb_info(body, type, &info) == 1) {
        on_view(&info, abs(count));
    }
    return 1;
}

int main(int argc, char **argv) {
    char self[MAX_GROUP_NAME], line[100], text[120], *end;
    sp_time limit = {5, 0};
    long number;
    int code;
    if (argc < 3) {
        fprintf(stderr, "usage: counter DAEMON NAME [GROUP]\n");
        return 2;
    }
    group = argc > 3 ? argv[3] : "counter";
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
            number = strtol(line, &end, 10);
            if (end == line || *end != '\n') {
                printf("a number, please\n");
                fflush(stdout);
            } else {
                snprintf(text, sizeof text, "add %ld", number);
                say(text);
            }
        }
    }
}
