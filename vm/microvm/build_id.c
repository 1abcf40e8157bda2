/* Reads notes of an ELF file: the file's header leads to its segments, and those of notes are
 * read. */
#include "vm/microvm/build_id.h"

#include <elf.h>
#include <string.h>
#include <unistd.h>

#define SEGMENTS_MAX 64
#define NOTES_MAX 4096 /* bytes of a segment */
#define ID_MAX 64      /* in bytes */

static bool read_at(int fd, uint64_t at, void *bytes, size_t len)
{
	return at <= INT64_MAX - len && pread(fd, bytes, len, (off_t)at) == (ssize_t)len;
}

static size_t padded(uint32_t len)
{
	return ((size_t)len + 3) & ~(size_t)3;
}

/* The first note of that kind in len bytes of notes. */
static bool find_note(const uint8_t *notes, size_t len, struct buf *out)
{
	Elf64_Nhdr note;
	for (size_t at = 0; len - at >= sizeof(note);) {
		memcpy(&note, notes + at, sizeof(note));
		at += sizeof(note);
		size_t name = padded(note.n_namesz), id = padded(note.n_descsz);
		if (name > len - at || id > len - at - name) {
			return false;
		}
		if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && note.n_descsz > 0 &&
			note.n_descsz <= ID_MAX && memcmp(notes + at, ELF_NOTE_GNU, 4) == 0) {
			for (size_t i = 0; i < note.n_descsz; i++) {
				buf_printf(out, "%02x", notes[at + name + i]);
			}
			return true;
		}
		at += name + id;
	}
	return false;
}

static bool read_notes(int fd, const Elf64_Phdr *segment, struct buf *out)
{
	uint8_t notes[NOTES_MAX];
	return segment->p_type == PT_NOTE && segment->p_filesz <= sizeof(notes) &&
	       read_at(fd, segment->p_offset, notes, segment->p_filesz) &&
	       find_note(notes, segment->p_filesz, out);
}

bool build_id_read(int fd, struct buf *out)
{
	Elf64_Ehdr header;
	Elf64_Phdr segments[SEGMENTS_MAX];
	if (!read_at(fd, 0, &header, sizeof(header)) ||
		memcmp(header.e_ident, ELFMAG, SELFMAG) != 0 ||
		header.e_ident[EI_CLASS] != ELFCLASS64 ||
		header.e_phentsize != sizeof(segments[0]) || header.e_phnum > SEGMENTS_MAX ||
		!read_at(fd, header.e_phoff, segments, header.e_phnum * sizeof(segments[0]))) {
		return false;
	}
	for (size_t i = 0; i < header.e_phnum; i++) {
		if (read_notes(fd, &segments[i], out)) {
			return true;
		}
	}
	return false;
}
