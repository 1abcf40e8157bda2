#ifndef VM_MICROVM_BUILD_ID_H
#define VM_MICROVM_BUILD_ID_H

#include "base/buf.h"

/* The id that the linker gave to a program (an ELF file's note NT_GNU_BUILD_ID), as hexadecimal
 * digits: the same for each copy of a build, another for each other build.  Appends it to out.
 * False, with nothing appended: the file has none, or is no 64-bit ELF file.  Reads a few hundred
 * bytes of it. */
bool build_id_read(int fd, struct buf *out) NODISCARD;

#endif
