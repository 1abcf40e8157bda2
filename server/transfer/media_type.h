#ifndef SERVER_TRANSFER_MEDIA_TYPE_H
#define SERVER_TRANSFER_MEDIA_TYPE_H

/* The Content-Type for a file of this name.  Files that a browser would run are of none. */
const char *media_type_of(const char *name);

#endif
