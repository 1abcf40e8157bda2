#include "tests/support/tar_writer.h"

static void tar_number(uint8_t *field, size_t width, uint64_t value)
{
	if (value >> (3 * (width - 1))) { /* as GNU tar does: base 256 */
		memset(field, 0, width);
		field[0] = 0x80;
		for (size_t i = 0; i < 8 && i < width - 1; i++) {
			field[width - 1 - i] = (uint8_t)(value >> (8 * i));
		}
		return;
	}
	char text[32];
	snprintf(text, sizeof(text), "%0*llo", (int)width - 1, (unsigned long long)value);
	memcpy(field, text, width);
}

static void tar_pad(struct buf *out, const void *bytes, size_t len)
{
	static const uint8_t none[TAR_BLOCK];
	buf_append(out, bytes, len);
	buf_append(out, none, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK);
}

void tar_add(struct buf *out, const struct tar_entry *entry)
{
	uint8_t header[TAR_BLOCK] = { 0 };
	size_t name = strlen(entry->name), len = entry->text ? strlen(entry->text) : 0;
	unsigned sum = 0;
	if (name > 99) { /* GNU tar's way: an entry with the name in front */
		tar_add(out, &(struct tar_entry){ 'L', "././@LongLink", .text = entry->name });
	}
	memcpy(header, entry->name, name > 99 ? 99 : name);
	tar_number(header + 100, 8, entry->mode ? entry->mode : 0755);
	tar_number(header + 108, 8, entry->owner);
	tar_number(header + 116, 8, entry->owner);
	tar_number(header + 124, 12, entry->type != 'S' && entry->size ? entry->size : len);
	tar_number(header + 136, 12, 1700000000);
	header[156] = (uint8_t)entry->type;
	if (entry->to) {
		memcpy(header + 157, entry->to, strlen(entry->to) < 100 ? strlen(entry->to) : 99);
	}
	memcpy(header + 257, entry->type == 'S' || entry->type == 'L' ? "ustar  " : "ustar\00000",
		8);
	if (entry->type == '3' || entry->type == '4') {
		tar_number(header + 329, 8, 1);
		tar_number(header + 337, 8, 3);
	}
	if (entry->type == 'S') { /* its text stands at the end, behind one hole */
		tar_number(header + 386, 12, entry->size - len);
		tar_number(header + 398, 12, len);
		tar_number(header + 483, 12, entry->size);
	}
	memset(header + 148, ' ', 8);
	for (size_t i = 0; i < TAR_BLOCK; i++) {
		sum += header[i];
	}
	snprintf((char *)header + 148, 8, "%06o", sum);
	buf_append(out, header, TAR_BLOCK);
	tar_pad(out, entry->text ? entry->text : "", len);
}

void tar_add_all(struct buf *out, const struct tar_entry *entries)
{
	for (; entries->name; entries++) {
		tar_add(out, entries);
	}
}

void tar_end(struct buf *out)
{
	static const uint8_t none[2 * TAR_BLOCK];
	buf_append(out, none, sizeof(none));
}
