#ifndef SERVER_E2B_ENVD_ENTRY_H
#define SERVER_E2B_ENVD_ENTRY_H

#include "vm/wire/messages_files.h"

/* Files as envd describes them. */

#define ENVD_XATTR "user.e2b." /* before the key of metadata */

/* An EntryInfo. */
json_t *envd_entry(const struct msg_file_entry *entry);
/* The metadata in extended attributes; NULL: there is none. */
json_t *envd_metadata(const json_t *xattrs);
/* As Go writes a mode: "-rw-r--r--", "Lrwxrwxrwx", "dtrwxrwxrwx". */
#define ENVD_PERMISSIONS_SIZE 16
void envd_permissions(int type, int64_t mode, char ret_text[ENVD_PERMISSIONS_SIZE]);
/* RFC 3339 with as many digits as needed. */
#define ENVD_TIME_SIZE 48
void envd_time(int64_t ns, char ret_text[ENVD_TIME_SIZE]);

#endif
