#include <sp.h>
#include <stdio.h>

int main(void) {
    mailbox mbox;
    char self[MAX_GROUP_NAME];
    sp_time limit = {5, 0};
    int code = SP_connect_timeout("4803@localhost", "alice", 0, 1, &mbox, self, limit);
    if (code != ACCEPT_SESSION) {
        SP_error(code);
        return 1;
    }
    SP_join(mbox, "room");
    SP_multicast(mbox, AGREED_MESS, "room", 0, 5, "hello");
    for (;;) {
        service type = 0;
        char sender[MAX_GROUP_NAME], groups[100][MAX_GROUP_NAME], body[10000];
        int num_groups, mismatch;
        int16 mess_type;
        int bytes = SP_receive(mbox, &type, sender, 100, &num_groups, groups, &mess_type, &mismatch,
                               sizeof body, body);
        if (bytes < 0) {
            SP_error(bytes);
            break;
        }
        if (Is_regular_mess(type)) {
            printf("%s: %.*s\n", sender, bytes, body);
            break;
        }
        if (Is_reg_memb_mess(type)) {
            printf("%s has %d members\n", sender, num_groups);
        }
    }
    return SP_disconnect(mbox);
}
