// The keyboard: an invisible text field has the focus while the desktop is used.  Ordinary keys are forwarded to
// noVNC.  What an input method, an emoji picker, dictation, a correction or a paste writes into the field is typed as text.
import { by_id, say } from './page.js';
import { keysyms } from './typing.js';

/* What lies around the caret: without it, there would be nothing to delete, and so no event.  Lines, so that a phone's keyboard
 * takes none of it for a part of the word. */
const AHEAD = '\n'.repeat(40);
const BEHIND = '\n';
const LONG = 400; // characters of text that corrections may change

/** Keys whose text the browser makes. */
const LOCAL = new Set(['Dead', 'Compose', 'Process', 'Unidentified']);
const NAMED = /^[A-Z][A-Za-z0-9]*$/;
const MODIFIERS = new Set(['Alt', 'AltGraph', 'CapsLock', 'Control', 'Meta', 'NumLock', 'Shift']);

const DELETE = [0xffff, 'Delete'];

const graphemes = new Intl.Segmenter();

/** How many Backspaces delete a text: programs delete an emoji as one, and of other characters each. */
const backspaces = (text) => [...graphemes.segment(text)].reduce((n, { segment }) => n
	+ (/\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(segment) ? 1 : [...segment].length), 0);

/** Whether the field is to have what the key writes. */
const is_local = ({ key, keyCode, isComposing }) => isComposing || keyCode === 229 || LOCAL.has(key)
	|| (key.length > 1 && !NAMED.test(key)); // several characters, or one that noVNC does not know

/** Events: focus, blur, released (the held modifiers). */
export class Keys extends EventTarget {
	constructor(screen) {
		super();
		this.screen = screen;
		this.held = new Map(); // modifiers that wait for the next key: keysym to code
		const field = this.field = by_id('keys-input');
		field.addEventListener('keydown', (event) => this.key(event));
		field.addEventListener('keyup', (event) => this.key(event));
		field.addEventListener('compositionstart', () => this.compose(true));
		field.addEventListener('compositionend', () => {
			this.compose(false);
			this.take();
		});
		field.addEventListener('input', ({ inputType }) => this.take(inputType));
		field.addEventListener('focus', () => {
			this.fill();
			this.dispatchEvent(new Event('focus'));
		});
		field.addEventListener('blur', () => {
			this.compose(false);
			dispatchEvent(new Event('blur')); // noVNC releases its keys when the window loses the focus
			this.dispatchEvent(new Event('blur'));
		});
		by_id('screen').addEventListener('pointerdown', (event) => {
			this.place(event);
			this.focus();
		});
	}

	get focused() {
		return document.activeElement === this.field;
	}

	focus() {
		if (this.mine) {
			this.field.focus({ preventScroll: true });
		}
	}

	/** An input method shows its list where the caret is: about where was clicked. */
	place({ clientX, clientY }) {
		const box = by_id('stage').getBoundingClientRect();
		this.field.style.setProperty('--x', `${clientX - box.left}px`);
		this.field.style.setProperty('--y', `${clientY - box.top}px`);
	}

	compose(composing) {
		this.composing = composing;
		this.field.classList.toggle('composing', composing);
	}

	/* ---- keys ---- */

	key(event) {
		if (event.type === 'keydown' && is_local(event)) {
			return;
		}
		const { type, key, code, location, keyCode } = event;
		const copy = new KeyboardEvent(type, { key, code, location, keyCode, cancelable: true });
		event.preventDefault();
		this.screen.canvas?.dispatchEvent(copy);
		if (type === 'keydown' && !MODIFIERS.has(key)) {
			this.release();
		}
		if (type === 'keydown' && !MODIFIERS.has(key) && !this.composing) {
			this.fill(); // the caret of the desktop has moved on
		}
	}

	/** A key of the page's own. */
	press(keysym, code) {
		this.screen.press(keysym, code);
		this.release();
		this.fill();
	}

	/** Holds a modifier down until the next key. */
	hold(keysym, code, down) {
		if (down === this.held.has(keysym)) {
			return;
		}
		if (down) {
			this.held.set(keysym, code);
		} else {
			this.held.delete(keysym);
		}
		this.screen.press(keysym, code, down);
	}

	release() {
		if (this.held.size) {
			this.held.forEach((code, keysym) => this.screen.press(keysym, code, false));
			this.held.clear();
			this.dispatchEvent(new Event('released'));
		}
	}

	/* ---- text ---- */

	fill() {
		const whole = AHEAD + BEHIND;
		if (this.field.value !== whole) {
			this.field.value = whole;
		}
		this.field.setSelectionRange(AHEAD.length, AHEAD.length);
		this.known = AHEAD;
	}

	type(text) {
		const keys = keysyms(text);
		if (!keys) {
			say('This text is too long to be typed. Use Clipboard.');
			return;
		}
		for (const keysym of keys) {
			this.screen.press(keysym);
			this.release();
		}
	}

	/** Types what has changed before the caret since the last time. */
	take(how = '') {
		if (this.composing && !this.held.size) {
			return; // taken as a whole when it ends
		}
		if (/^delete.*Forward$/.test(how)) {
			this.press(...DELETE);
			return;
		}
		const { value } = this.field;
		const now = value.endsWith(BEHIND) ? value.slice(0, -BEHIND.length) : value;
		const { known } = this;
		let same = 0;
		while (same < known.length && known.codePointAt(same) === now.codePointAt(same)) {
			same += known.codePointAt(same) > 0xffff ? 2 : 1;
		}
		this.known = now;
		this.type('\b'.repeat(backspaces(known.slice(same))) + now.slice(same));
		if (this.composing || now.length < AHEAD.length / 2 || now.length > AHEAD.length + LONG || /\n$/.test(now.slice(same))) {
			this.fill();
		}
	}

	/** mine: what is typed goes to the desktop. */
	show(mine) {
		if (this.mine !== mine) {
			this.mine = mine;
			this.field.disabled = !mine;
			this.release();
		}
	}
}
