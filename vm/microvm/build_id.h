#ifndef VM_MICROVM_BUILD_ID_H
#define VM_MICROVM_BUILD_ID_H

#include "base/buf.h"

/* Appends the linker's id of a program (an ELF file's note NT_GNU_BUILD_ID) as hexadecimal digits
 * to out: equal for all copies of a build, different for other builds. False, with nothing
 * appended: the file has none, or is not a 64-bit ELF file.  Reads a few hundred bytes. */
bool build_id_read(int fd, struct buf *out) NODISCARD;

#endif
