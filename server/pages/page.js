// Shared by both pages: elements by id, times as text, requests whose errors are sentences.

export const by_id = (id) => document.getElementById(id);

/** "14:02", with the day if it is not today. */
export function clock(ms) {
	const then = new Date(ms);
	const today = then.toDateString() === new Date().toDateString();
	return then.toLocaleString([], { hour: '2-digit', minute: '2-digit',
		...(today ? {} : { day: 'numeric', month: 'short' }) });
}

/** "3 min", "2 h 5 min". */
export function span(ms) {
	const minutes = Math.floor(ms / 60000);
	if (minutes < 1) {
		return 'less than a minute';
	}
	const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
	const parts = [[days, 'd'], [hours, 'h'], [days ? 0 : minutes % 60, 'min']];
	return parts.filter(([n]) => n).map(([n, unit]) => `${n} ${unit}`).join(' ');
}

/** Shows a sentence for six seconds; screen readers announce it. */
export function say(text) {
	const said = by_id('said');
	clearTimeout(say.timer);
	(document.querySelector('dialog[open]') ?? document.body).append(said); // an open dialog hides everything outside it
	said.textContent = text;
	said.hidden = false;
	say.timer = setTimeout(() => { said.hidden = true; }, 6000);
}

/** "it is so" → "It is so." */
export const sentence = (text) => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?…]$/.test(text) ? '' : '.'}`;

export class Refused extends Error {
	constructor(status, text) {
		super(text);
		this.status = status;
	}
}

/** The error of a response: {"error": "sentence"}, or a JSON-RPC error. */
export async function refusal(response) {
	const { error } = await response.json().catch(() => ({}));
	return new Refused(response.status, sentence(error?.message ?? error ?? `the server returned status ${response.status}`));
}

/** Throws Refused, or TypeError if the server cannot be reached. */
export async function ask(path, options = {}) {
	const response = await fetch(path, { credentials: 'same-origin', ...options });
	if (!response.ok) {
		throw await refusal(response);
	}
	return response;
}

export const post = (path, body) => ask(path, { method: 'POST',
	...(typeof body === 'string' ? { body, headers: { 'Content-Type': 'text/plain' } }
		: { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }) });

/** Calls run() with increasing delays until done() is called. */
export class Retry {
	constructor(run) {
		this.run = run;
		this.failures = 0;
		addEventListener('online', () => this.soon());
		document.addEventListener('visibilitychange', () => document.hidden || this.soon());
	}

	/** Returns the delay in ms. */
	later() {
		const wait = Math.min(15000, 500 * 2 ** this.failures++) * (0.75 + Math.random() / 2);
		this.at(wait);
		return wait;
	}

	at(ms) {
		clearTimeout(this.timer);
		this.timer = setTimeout(() => this.now(), ms);
	}

	/** Immediately, if it is waiting. */
	soon() {
		if (this.timer) {
			this.now();
		}
	}

	now() {
		this.stop();
		this.run();
	}

	stop() {
		clearTimeout(this.timer);
		this.timer = 0;
	}

	done() {
		this.stop();
		this.failures = 0;
	}
}
