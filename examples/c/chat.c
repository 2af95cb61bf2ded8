/* What you type goes to everybody in the room, in one order for all: chat DAEMON NAME [GROUP] */

#include <poll.h>
#include <sp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define GROUPS_MAX 100

/* Shows one message; 0 when the session has ended. */
static int show_next(mailbox mbox) {
    service type = DROP_RECV; /* what does not fit is cut off */
    char sender[MAX_GROUP_NAME], groups[GROUPS_MAX][MAX_GROUP_NAME], body[10000];
    int count, mismatch, i;
    int16 mess_type;
    int bytes = SP_receive(mbox, &type, sender, GROUPS_MAX, &count, groups, &mess_type, &mismatch,
                           sizeof body, body);
    if (bytes == BUFFER_TOO_SHORT) {
        bytes = sizeof body;
    }
    if (bytes < 0) {
        SP_error(bytes);
        return 0;
    }
    if (Is_regular_mess(type)) {
        printf("%s: %.*s\n", sender, bytes, body);
    } else if (Is_reg_memb_mess(type)) {
        printf("* in %s:", sender);
        for (i = 0; i < count; i++) {
            printf(" %s", groups[i]);
        }
        printf("\n");
    } else if (Is_transition_mess(type)) {
        printf("* somebody is being lost from %s\n", sender);
    }
    fflush(stdout);
    return 1;
}

int main(int argc, char **argv) {
    const char *room = argc > 3 ? argv[3] : "room";
    mailbox mbox;
    char self[MAX_GROUP_NAME], line[1000];
    sp_time limit = {5, 0};
    int code;
    if (argc < 3) {
        fprintf(stderr, "usage: chat DAEMON NAME [GROUP]\n");
        return 2;
    }
    code = SP_connect_timeout(argv[1], argv[2], 0, 1, &mbox, self, limit);
    if (code != ACCEPT_SESSION || (code = SP_join(mbox, room)) != 0) {
        SP_error(code);
        return 1;
    }
    setvbuf(stdin, NULL, _IONBF, 0); /* poll() does not see what stdio has read ahead */
    for (;;) {
        struct pollfd ready[2] = {{STDIN_FILENO, POLLIN, 0}, {mbox, POLLIN, 0}};
        if (poll(ready, 2, -1) < 0) {
            continue;
        }
        if (ready[1].revents != 0 && !show_next(mbox)) {
            return 1;
        }
        if (ready[0].revents != 0) {
            if (fgets(line, sizeof line, stdin) == NULL) {
                SP_disconnect(mbox);
                return 0;
            }
            line[strcspn(line, "\n")] = '\0';
            code = SP_multicast(mbox, AGREED_MESS, room, 0, (int)strlen(line), line);
            if (code < 0) {
                SP_error(code);
            }
        }
    }
}
