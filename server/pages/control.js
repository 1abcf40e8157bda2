// Control of the desktop: taking over, giving back, requests for help.
import { Refused, by_id, clock, post, say } from './page.js';

const NAME = 'vitrine.name';

function remembered_name() {
	try {
		return localStorage.getItem(NAME) ?? '';
	} catch {
		return ''; // storage is disabled
	}
}

function remember_name(name) {
	try {
		localStorage.setItem(NAME, name);
	} catch {
		// The page asks again next time.
	}
}

/** Returns a dialog.  run() is called when its form is submitted; Escape and Cancel only close it. */
export function dialog(id, run = () => {}) {
	const box = by_id(id);
	box.querySelectorAll('.cancel').forEach((b) => b.addEventListener('click', () => box.close()));
	box.querySelector('form').addEventListener('submit', (event) => {
		event.preventDefault();
		box.close();
		run();
	});
	return box;
}

/** "Ana has control since 14:02" */
export function holder_names({ holder, who, since }, mine) {
	const name = { agent: 'The agent has', none: 'No one has', user: `${who} has` }[holder];
	return `${mine ? 'You have' : name} control${since ? ` since ${clock(since)}` : ''}`;
}

/** The colour: one each for the agent, this page, and another user. */
export const holder_class = ({ holder }, mine) => (mine ? 'user' : { user: 'warn' }[holder] ?? holder);

export class Control {
	/** taken() is called when this page has received control. */
	constructor(taken) {
		this.taken = taken;
		this.name_box = dialog('name-dialog', () => {
			remember_name(by_id('name-input').value.trim());
			this.take();
		});
		this.give_box = dialog('give-dialog', () => this.give(by_id('give-input').value.trim()));
		by_id('name-forget').addEventListener('click', () => {
			remember_name('');
			say('Name removed from this browser.');
		});
		by_id('take').addEventListener('click', () => this.begin());
		by_id('wanted-take').addEventListener('click', () => this.begin());
		by_id('give').addEventListener('click', () => {
			by_id('give-input').value = '';
			this.give_box.showModal();
		});
	}

	/** Asks for the name if the browser has not stored it. */
	begin() {
		if (remembered_name()) {
			this.take();
		} else {
			this.name_box.showModal();
		}
	}

	async ask(body) {
		try {
			await post('control', { viewer: this.viewer, ...body });
			return true;
		} catch (error) {
			say(error instanceof Refused ? error.message : 'Cannot reach the server. Try again.');
			return false;
		}
	}

	async take() {
		if (await this.ask({ take: remembered_name() || 'Someone' })) {
			this.taken();
		}
	}

	give(message) {
		return this.ask({ give_back: true, ...(message ? { message } : {}) });
	}

	/** may: this link permits taking over. */
	show({ control, mine, sandbox }, may) {
		const usable = may && sandbox === 'ready';
		const { holder, wanted } = control;
		if (this.mine && !mine) {
			say(holder === 'user' ? `${control.who} took over.` : 'The agent has control again.');
		}
		this.mine = mine;
		by_id('take').hidden = !usable || mine || Boolean(wanted);
		by_id('take').textContent = holder === 'user' ? `Take over from ${control.who}` : 'Take over';
		by_id('give').hidden = !usable || !mine;
		by_id('wanted').hidden = !wanted || sandbox === 'gone';
		by_id('wanted-take').hidden = !usable || mine;
		// Screen readers announce it only when it changes.
		if (by_id('wanted-why').textContent !== (wanted ?? '')) {
			by_id('wanted-why').textContent = wanted ?? '';
		}
		if (!usable && this.give_box.open) {
			this.give_box.close();
		}
	}
}
