// Text for the desktop: a press and a release for each character.  The desktop keeps what its programs have not read yet.
const LONGEST = 10000; // characters

const KEYS = { '\b': 0xff08, '\t': 0xff09, '\n': 0xff0d };

/** X's number for a character: Latin-1 has its own, all others are Unicode's with a mark. */
function keysym_of(c) {
	const point = c.codePointAt(0);
	return KEYS[c] ?? (point < 0x100 ? point : 0x01000000 | point);
}

/** The keysyms that type it, '\b' to delete; null for one too long. */
export function keysyms(text) {
	const characters = [...text.replaceAll(/\r\n?/g, '\n')].filter((c) => c in KEYS || !/\p{Cc}/u.test(c));
	return characters.length > LONGEST ? null : characters.map(keysym_of);
}
