/** @file sp_func.h
 *  The functions of sp.h, which includes this file.
 */
#ifndef SPREAD_SP_FUNC_H
#define SPREAD_SP_FUNC_H

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/* ---- Connecting ---- */

/** Connects to a daemon.
 *
 *  @param spread_name   "4803" or NULL: Unix socket /tmp/4803; "4803@host": TCP, every address of
 *                       the host in turn
 *  @param private_name  at most 10 bytes, longer ones are cut; NULL or "": the daemon invents one
 *  @param priority      no effect
 *  @param group_membership  non-zero: membership messages, too
 *  @param mbox          set on success
 *  @param private_group 32 bytes, filled on success: "#name#daemon"
 *  @return ACCEPT_SESSION (1) or a code from -1 to -9
 */
int SP_connect(const char *spread_name, const char *private_name, int priority,
               int group_membership, mailbox *mbox, char *private_group);

/** As SP_connect(), with a limit for all of it, name resolution included; (0,0) means none.
 *  @return also ILLEGAL_TIME; CONNECTION_CLOSED when the time is over
 */
int SP_connect_timeout(const char *spread_name, const char *private_name, int priority,
                       int group_membership, mailbox *mbox, char *private_group, sp_time time_out);

/** Ends the session and closes the descriptor. A thread that waits in SP_receive() on it returns
 *  CONNECTION_CLOSED. Never blocks. @return 0 or ILLEGAL_SESSION
 */
int SP_disconnect(mailbox mbox);

/** Closes the descriptor of this process without ending the session: for the one of two forked
 *  processes that does not go on with it.
 */
void SP_kill(mailbox mbox);

/** Method for the connects that follow, in place of those set before. `auth_function` gets the
 *  blocking socket and `auth_data`, and returns 0 on failure. @return 1, or 0 for bad arguments
 */
int SP_set_auth_method(const char *auth_name, int (*auth_function)(int, void *), void *auth_data);

/** Up to three methods at once; all are run. */
int SP_set_auth_methods(int num_methods, const char *auth_name[],
                        int (*auth_function[])(int, void *), void *auth_data[]);

/* ---- Sending: all block while the daemon does not read ---- */

/** @return 0, ILLEGAL_GROUP, ILLEGAL_SESSION, CONNECTION_CLOSED or NET_ERROR_ON_SESSION */
int SP_join(mailbox mbox, const char *group);
int SP_leave(mailbox mbox, const char *group);

/** Multicasts to one group, or to a private group.
 *
 *  @param service_type  one service, optionally SELF_DISCARD
 *  @param mess_type     the application's own
 *  @return bytes of the body, or -8, -11, -12, -13, -17, -18
 */
int SP_multicast(mailbox mbox, service service_type, const char *group, int16 mess_type,
                 int mess_len, const char *mess);
int SP_scat_multicast(mailbox mbox, service service_type, const char *group, int16 mess_type,
                      const scatter *mess);

/** To at most 100 groups; who is in several of them gets it once. */
int SP_multigroup_multicast(mailbox mbox, service service_type, int num_groups,
                            const char groups[][MAX_GROUP_NAME], int16 mess_type, int mess_len,
                            const char *mess);
int SP_multigroup_scat_multicast(mailbox mbox, service service_type, int num_groups,
                                 const char groups[][MAX_GROUP_NAME], int16 mess_type,
                                 const scatter *mess);

/* ---- Receiving ---- */

/** Waits for the next message and takes it.
 *
 *  @param service_type  in: DROP_RECV cuts what does not fit, all else is ignored. out: the type
 *  @param sender        sender's private group, or for memberships the group
 *  @param num_groups    destinations, or for memberships the members
 *  @param mess_type     the application's, or for memberships the own index among the members
 *  @param endian_mismatch  1 when the sender's integers are of the other byte order
 *  @return bytes of the body; BUFFER_TOO_SHORT or GROUPS_TOO_SHORT when it does not fit: the
 *          message is kept, *endian_mismatch and *num_groups are the missing sizes, negated.
 *          Or -8, -11, -13, -18
 */
int SP_receive(mailbox mbox, service *service_type, char sender[MAX_GROUP_NAME], int max_groups,
               int *num_groups, char groups[][MAX_GROUP_NAME], int16 *mess_type,
               int *endian_mismatch, int max_mess_len, char *mess);
int SP_scat_receive(mailbox mbox, service *service_type, char sender[MAX_GROUP_NAME],
                    int max_groups, int *num_groups, char groups[][MAX_GROUP_NAME],
                    int16 *mess_type, int *endian_mismatch, scatter *mess);

/** Bytes that wait in the socket: not necessarily a whole message, and 0 also after the daemon has
 *  closed the connection. @return also ILLEGAL_SESSION
 */
int SP_poll(mailbox mbox);

/* ---- Membership messages, taken apart ---- */

/** @return 1, or ILLEGAL_MESSAGE unless `memb_mess` is the body of a membership message */
int SP_get_memb_info(const char *memb_mess, const service service_type,
                     membership_info *memb_info);
/** @return number of sets, BUFFER_TOO_SHORT when there are more than `num_vs_sets` */
int SP_get_vs_sets_info(const char *memb_mess, vs_set_info *vs_sets, int num_vs_sets,
                        unsigned int *my_vs_set_index);
/** @return number of members, BUFFER_TOO_SHORT when there are more than `member_names_count` */
int SP_get_vs_set_members(const char *memb_mess, const vs_set_info *vs_set,
                          char member_names[][MAX_GROUP_NAME], int member_names_count);

int SP_scat_get_memb_info(const scatter *memb_mess, const service service_type,
                          membership_info *memb_info);
int SP_scat_get_vs_sets_info(const scatter *memb_mess, vs_set_info *vs_sets, int num_vs_sets,
                             unsigned int *my_vs_set_index);
int SP_scat_get_vs_set_members(const scatter *memb_mess, const vs_set_info *vs_set,
                               char member_names[][MAX_GROUP_NAME], int member_names_count);

/** @return 1 for equal, else 0 */
int SP_equal_group_ids(group_id g1, group_id g2);

/* ---- Texts ---- */

/** @return 1; 0 when a pointer is NULL */
int SP_version(int *major_version, int *minor_version, int *patch_version);
/** Static text for a return code. */
const char *SP_strerror(int error);
/** Prints a return code and its text to standard output. */
void SP_error(int error);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
