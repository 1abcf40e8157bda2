// The action log of the agent, with small pictures of the places, and marks on the desktop when the actions occur.
import { by_id } from './page.js';

const KEPT = 20;

const seconds = (ms) => new Date(ms).toLocaleTimeString();

function element(name, text, kind = '') {
	const made = document.createElement(name);
	made.textContent = text;
	made.className = kind;
	return made;
}

function row_of({ seq, at, tool, text, failed, picture }) {
	const row = document.createElement('li');
	if (picture) {
		const image = document.createElement('img');
		image.alt = '';
		image.src = `pictures/${seq}`;
		image.addEventListener('error', () => image.remove());
		row.append(image);
	}
	const words = document.createElement('div');
	const name = element('strong', tool.replaceAll('_', ' '));
	words.append(name);
	if (failed) {
		words.append(' ', element('span', 'failed', 'failed'));
	}
	words.append(element('div', text ?? '', 'text'), element('time', seconds(at), 'quiet'));
	row.append(words);
	return row;
}

export class Actions {
	constructor(screen) {
		this.screen = screen;
		this.list = by_id('actions-list');
		this.last = 0;
	}

	/** The server repeats the last actions after each connection. */
	add(action, now) {
		if (action.seq <= this.last) {
			return;
		}
		this.last = action.seq;
		by_id('actions-none').hidden = true;
		this.list.prepend(row_of(action));
		while (this.list.children.length > KEPT) {
			this.list.lastElementChild.remove();
		}
		if (action.x !== undefined && now - action.at < 3000) {
			this.mark(action);
		}
	}

	/** Marks its place on the canvas, in the present scale. */
	mark({ x, y, failed }) {
		const { canvas } = this.screen;
		if (!canvas?.width || !this.screen.open) {
			return;
		}
		const [box, marks] = [canvas.getBoundingClientRect(), by_id('marks')];
		const around = marks.getBoundingClientRect();
		const mark = element('div', '', failed ? 'mark failed' : 'mark');
		mark.style.left = `${box.left - around.left + (x * box.width) / canvas.width}px`;
		mark.style.top = `${box.top - around.top + (y * box.height) / canvas.height}px`;
		marks.append(mark);
		setTimeout(() => mark.remove(), 1600);
	}
}
