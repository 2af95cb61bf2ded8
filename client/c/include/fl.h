/** @file fl.h
 *  Virtual synchrony on top of sp.h: before a group's view changes, its members are asked to flush,
 *  so that each message is received in the view it was sent in. In libspread only.
 */
#ifndef SPREAD_FL_H
#define SPREAD_FL_H

#include <sp.h>

#define DONT_BLOCK 0x10000000      /**< option of a receive */
#define FLUSH_REQ_MESS 0x20000000  /**< type of a flush request */
#define SUBGROUP_CAST 0x40000000   /**< on messages to some of the members */

#define Is_flush_req_mess(type) ((type) & FLUSH_REQ_MESS)
#define Is_subgroup_mess(type) ((type) & SUBGROUP_CAST)

#define ILLEGAL_PARAM (-24)
#define WOULD_BLOCK (-25)
#define ILLEGAL_MESSAGE_TYPE (-26)
#define ILLEGAL_STATE (-27)
#define ILLEGAL_RECEIVERS (-28)

#define FL_MAX_SCATTER_ELEMENTS 99
#define FL_MIN_LEGAL_MESS_TYPE (-32765) /**< lower ones are the layer's own */

#ifdef __GNUC__
#pragma GCC visibility push(default)
#endif
#ifdef __cplusplus
extern "C" {
#endif

/** Once, before anything else. @return 0, later ILLEGAL_STATE */
int FL_lib_init(void);
void FL_version(int *major_version, int *minor_version, int *patch_version);

/** As SP_connect(), with memberships. */
int FL_connect(const char *spread_name, const char *private_name, int priority, mailbox *mbox,
               char *private_group);
int FL_disconnect(mailbox mbox);

/** @return 0; ILLEGAL_GROUP also for a group one is in already, or is not in yet */
int FL_join(mailbox mbox, const char *group);
int FL_leave(mailbox mbox, const char *group);
/** Answers a flush request: nothing more is sent to `group` until the new view is there.
 *  @return 0, ILLEGAL_GROUP, ILLEGAL_STATE when nothing was asked or all is answered
 */
int FL_flush(mailbox mbox, const char *group);

/** As SP_multicast(), to a group one is a member of, or to a private group.
 *  @return also ILLEGAL_STATE between flush and view, ILLEGAL_MESSAGE_TYPE, ILLEGAL_GROUP
 */
int FL_multicast(mailbox mbox, service service_type, const char *group, int16 mess_type,
                 int mess_len, const char *mess);
int FL_scat_multicast(mailbox mbox, service service_type, const char *group, int16 mess_type,
                      const scatter *mess);
/** To one member, or some, of a group. @return also ILLEGAL_RECEIVERS, ILLEGAL_PARAM */
int FL_unicast(mailbox mbox, service service_type, const char *group, const char *recv_name,
               int16 mess_type, int mess_len, const char *mess);
int FL_scat_unicast(mailbox mbox, service service_type, const char *group, const char *recv_name,
                    int16 mess_type, const scatter *mess);
int FL_subgroupcast(mailbox mbox, service service_type, const char *group, int num_receivers,
                    const char receivers[][MAX_GROUP_NAME], int16 mess_type, int mess_len,
                    const char *mess);
int FL_scat_subgroupcast(mailbox mbox, service service_type, const char *group, int num_receivers,
                         const char receivers[][MAX_GROUP_NAME], int16 mess_type,
                         const scatter *mess);

/** As SP_receive(). With DONT_BLOCK in *service_type WOULD_BLOCK when nothing is ready.
 *  @param more_messes  messages that wait in the library
 */
int FL_receive(mailbox mbox, service *service_type, char sender[MAX_GROUP_NAME], int max_groups,
               int *num_groups, char groups[][MAX_GROUP_NAME], int16 *mess_type,
               int *endian_mismatch, int max_mess_len, char *mess, int *more_messes);
int FL_scat_receive(mailbox mbox, service *service_type, char sender[MAX_GROUP_NAME],
                    int max_groups, int *num_groups, char groups[][MAX_GROUP_NAME],
                    int16 *mess_type, int *endian_mismatch, scatter *mess, int *more_messes);

/** Messages that wait in the library; bytes that wait there and in the socket. */
int FL_more_msgs(mailbox mbox);
int FL_poll(mailbox mbox);

/** Prints a return code and its text to standard output. */
void FL_error(int error);

/** Offsets in the body of a view: group id, number of names, names. */
int FL_get_gid_offset_memb_mess(void);
int FL_get_num_vs_offset_memb_mess(void);
int FL_get_vs_set_offset_memb_mess(void);

#ifdef __cplusplus
}
#endif
#ifdef __GNUC__
#pragma GCC visibility pop
#endif

#endif
