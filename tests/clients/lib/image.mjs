// Reads an image's header far enough to know what it is and how large.
import assert from 'node:assert/strict';

function png(bytes) {
	assert.equal(bytes.toString('latin1', 12, 16), 'IHDR', 'a PNG begins with its header');
	assert.equal(bytes.toString('latin1', bytes.length - 8, bytes.length - 4), 'IEND', 'a PNG ends');
	return { mimeType: 'image/png', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function jpeg(bytes) {
	assert.equal(bytes.readUInt16BE(bytes.length - 2), 0xffd9, 'a JPEG ends with EOI');
	for (let at = 2; at < bytes.length;) {
		assert.equal(bytes[at], 0xff, 'a JPEG is made of markers');
		const marker = bytes[at + 1];
		if (marker >= 0xc0 && marker <= 0xc2) {
			const components = bytes[at + 9];
			const sampling = [...Array(components).keys()].map((i) => bytes[at + 11 + 3 * i]);
			return { mimeType: 'image/jpeg', height: bytes.readUInt16BE(at + 5),
				width: bytes.readUInt16BE(at + 7), full_chroma: sampling.every((s) => s === sampling[0]) };
		}
		at += 2 + bytes.readUInt16BE(at + 2);
	}
	assert.fail('a JPEG has a frame header');
}

/** {mimeType, width, height} of an image block, after checking that its bytes are what it says. */
export function image_of(block) {
	assert.equal(block?.type, 'image');
	assert.match(block.data, /^[A-Za-z0-9+/]+={0,2}$/, 'base64 without line breaks');
	assert.ok(block.data.length < 750_000, 'below what clients take');
	const bytes = Buffer.from(block.data, 'base64');
	const is_png = bytes.subarray(0, 8).equals(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'));
	assert.ok(is_png || bytes.readUInt32BE(0) >>> 8 === 0xffd8ff, 'a PNG or a JPEG');
	const image = is_png ? png(bytes) : jpeg(bytes);
	assert.equal(block.mimeType, image.mimeType);
	return image;
}

export const image_in = (result) => image_of(result.content.find((c) => c.type === 'image'));
export const text_in = (result) =>
	result.content.filter((c) => c.type === 'text').map((c) => c.text).join('\n');
