#ifndef TESTS_HOSTILE_IMAGE_H
#define TESTS_HOSTILE_IMAGE_H

/*
 * Builds of `vitrine image build --from-tar` with archives that mean harm.  The scratch directory has
 * a directory "host" that stands for the host: each build is followed by a check that it is as it was,
 * that its contents are not in the image, and that nothing unfinished is left.
 */

#include "base/buf.h"
#include "tests/support/tar_writer.h"

#define HOSTILE_RELEASE "6.1.0-9-test"
#define HOSTILE_MODULES "lib/modules/" HOSTILE_RELEASE "/"

/* Init and fini of a suite. */
void hostile_begin(void);
void hostile_end(void);
void hostile_skip_where_it_cannot_be(void);

/* All that a desktop needs, and a kernel, so that nothing has to be fetched. */
extern const struct tar_entry hostile_sound[];

/* True: the release build's program, without the sanitizers, whose four starts make up most of a
 * build. */
extern bool hostile_plain;
const char *hostile_vitrine(void);

/* Writes "root.tar": `more`, in front of hostile_sound or behind it. */
void hostile_make_archive(const struct tar_entry *more, bool first);
void hostile_write(const char *path, const struct buf *bytes);

/* Builds "root.tar"; its output is appended to *said.  True: it is an image. */
bool hostile_build(const char *what, struct buf *said);
/* The same for an archive of `more`, in an empty state directory. */
bool hostile_attempt(const char *what, const struct tar_entry *more, bool first, struct buf *said);

void hostile_empty_state(void);
void hostile_expect_nothing_unfinished(const char *what);
/* The file system of the one image. */
void hostile_read_image(struct buf *out);
bool hostile_has_text(const struct buf *bytes, const char *text);

#endif
