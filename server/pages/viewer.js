// The viewer page: puts together what the server tells (link.js), the picture (screen.js) and the parts around it, and
// says in words how things stand whenever the picture is not live.
import { Actions } from './actions.js';
import { Clipboard } from './clipboard.js';
import { Control, dialog, holder_class, holder_names } from './control.js';
import { Keys } from './keys.js';
import { Link } from './link.js';
import { by_id, clock, sentence } from './page.js';
import { Quality } from './quality.js';
import { Screen } from './screen.js';
import { Sound } from './sound.js';
import { Touch } from './touch.js';

const UNSEEN = 30000;
const NO_PICTURE = 3000; // for the news that we have one

const link = new Link();
const screen = new Screen();
const actions = new Actions(screen);
const clipboard = new Clipboard();
const keys = new Keys(screen);
const touch = new Touch(keys);
const sound = new Sound();
const control = new Control(() => { wants_focus = true; show(); });
const quality = new Quality(screen, link);

let hello = null; // the server's first words
let state = null; // ... and its latest
let over = null; // why there will be no more: {code, says}
let waits_until = 0; // the next attempt, when the connection is lost
let silence = 0; // ms without a word from the server, while that is too long
let no_picture = ''; // why, while we try
let connected_once = false;
let wants_focus = false;
let unseen = false; // the page has been out of sight for a while
let skew = 0; // the server's clock less ours

const now = () => Date.now() + skew;

/* ---- how things stand ---- */

const ENDS = {
	401: ['Access denied', 'A link works only in the first browser that opens it. Request a new link.'],
	410: ['This link has ended', 'Request a new link.'],
	4001: ['This link was revoked', 'Request a new link from the sender.'],
	4002: ['This link has expired', 'Request a new link from the sender.'],
	4004: ['The sandbox has ended', 'Its desktop and this link no longer exist.'],
	4006: ['The window was closed', 'This link shows only that window.'],
};

/** {title, text, retry} to lay over the picture; null when the picture is live. */
function cover() {
	if (over) {
		const [title, text] = ENDS[over.code] ?? ENDS[410];
		return { title, text: over.says ? sentence(over.says) : text };
	}
	const reason = state?.reason && sentence(state.reason);
	if (state?.sandbox === 'gone') {
		return { title: ENDS[4004][0], text: reason || ENDS[4004][1] };
	}
	if (waits_until) {
		const seconds = Math.ceil((waits_until - Date.now()) / 1000);
		return { title: connected_once ? 'Connection lost' : 'Cannot reach the server', retry: true,
			text: seconds > 0 ? `Retrying in ${seconds} s.` : 'Retrying…' };
	}
	if (silence) {
		return { title: 'No answer from the server',
			text: `No data for ${Math.floor(silence / 1000)} s. The page reconnects automatically.` };
	}
	if (!state) {
		return { title: 'Connecting…' };
	}
	if (state.sandbox === 'paused') {
		return { title: 'The sandbox is paused',
			text: reason || 'It resumes when the agent next uses it.' };
	}
	if (state.sandbox === 'starting') {
		return { title: 'The sandbox is starting…', text: reason };
	}
	return screen.open ? null : { title: 'Opening the desktop…', text: no_picture && sentence(no_picture) };
}

function show_cover() {
	const what = cover();
	const texts = { title: what?.title ?? '', text: what?.text ?? '' };
	by_id('cover').hidden = !what;
	for (const part of ['title', 'text']) {
		const at = by_id(`cover-${part}`);
		if (at.textContent !== texts[part]) {
			at.textContent = texts[part];
		}
	}
	by_id('cover-retry').hidden = !what?.retry;
	clearTimeout(show_cover.timer);
	if (waits_until) {
		show_cover.timer = setTimeout(show_cover, 1000);
	}
}

function show_title() {
	const wanted = state?.control.wanted && !over && !state.mine;
	document.title = `${wanted ? 'Help requested – ' : ''}${hello?.sandbox ?? 'Desktop'} – Vitrine`;
	by_id('name').textContent = hello ? (hello.window ? 'Window of ' : '') + hello.sandbox : 'Vitrine';
	by_id('help-mode').textContent = hello?.mode === 'view' ? 'This link is view-only.' : '';
	by_id('help-link').textContent = hello?.expires ? `Expires at ${clock(hello.expires - skew)}.` : '';
}

function show_holder() {
	const pill = by_id('holder');
	const running = !over && state?.sandbox === 'ready';
	const [words, kind] = running ? [holder_names(state.control, state.mine), holder_class(state.control, state.mine)]
		: [over ? 'Ended' : { paused: 'Paused', starting: 'Starting', gone: 'Ended' }[state?.sandbox] ?? '', ''];
	const text = words + (running && hello.mode === 'view' ? ' · view only' : '');
	pill.className = `pill ${kind}`;
	if (pill.textContent !== text) {
		pill.textContent = text;
	}
}

/** Everything again: it is little, and nothing can be forgotten. */
function show() {
	const live = Boolean(state) && !over;
	const mine = live && state.mine && screen.open;
	if (live) {
		control.show(state, hello.mode === 'control');
	} else {
		['take', 'give', 'wanted'].forEach((id) => { by_id(id).hidden = true; });
	}
	show_holder();
	screen.show(live && state.sandbox === 'ready' && (!unseen || state.mine) ? hello.viewer : null);
	if (screen.mine !== mine) {
		screen.set_mine(mine);
	}
	document.body.classList.toggle('watching', !mine);
	document.body.classList.toggle('mine', mine);
	document.body.classList.toggle('one-window', Boolean(hello?.window));
	clipboard.show(mine && !hello.window, hello?.viewer);
	keys.show(mine);
	touch.show(mine);
	sound.show(live && state.sandbox === 'ready' ? hello.viewer : null, live && !hello.window);
	show_title();
	show_cover();
	if (!screen.open || silence) {
		quality.show(waits_until || silence ? 'No connection' : '');
	}
	if (mine && wants_focus) {
		wants_focus = false;
		keys.focus();
	}
}

/* ---- what happens ---- */

function lost({ detail }) {
	silence = 0;
	waits_until = Date.now() + (detail.wait ?? 0);
	show();
}

/** Anything, from the server. */
function heard() {
	link.heard();
	if (silence) {
		silence = 0;
		show();
	}
}

function end({ detail }) {
	over ??= detail;
	waits_until = 0;
	show();
}

link.addEventListener('hello', ({ detail }) => {
	hello = detail;
	skew = detail.now - Date.now();
	control.viewer = detail.viewer;
	waits_until = 0;
	show();
});
link.addEventListener('state', ({ detail }) => {
	state = detail;
	show();
	clearTimeout(lost.timer);
	if (!state.picture && screen.open) { // the server has found its connection dead, and we have not
		lost.timer = setTimeout(() => screen.give_up(), NO_PICTURE);
	}
});
link.addEventListener('action', ({ detail }) => actions.add(detail, now()));
link.addEventListener('lost', (event) => {
	if (silence) {
		screen.give_up(); // the same way led there
	}
	lost(event);
});
link.addEventListener('silent', ({ detail }) => {
	silence = detail.ms;
	show();
});
link.addEventListener('delay', heard);
screen.addEventListener('data', heard);
link.addEventListener('over', end);
screen.addEventListener('connect', () => {
	connected_once = true;
	no_picture = '';
	waits_until = 0;
	show();
});
screen.addEventListener('lost', (event) => {
	no_picture = event.detail.says ?? '';
	return event.detail.wait ? lost(event) : show();
});
screen.addEventListener('over', ({ detail }) => link.over(detail.code, detail.says));

/* A hidden page receives no pictures but still receives events: its title shows when a user is requested. */
document.addEventListener('visibilitychange', () => {
	clearTimeout(show.timer);
	const set = (value) => {
		unseen = value;
		show();
	};
	if (document.hidden) {
		show.timer = setTimeout(set, UNSEEN, true);
	} else {
		set(false);
	}
});

/* ---- the bar ---- */

by_id('cover-retry').addEventListener('click', () => {
	link.retry.soon();
	screen.retry.soon();
});

by_id('full').hidden = !document.fullscreenEnabled;
by_id('full').addEventListener('click', () => (document.fullscreenElement
	? document.exitFullscreen() : document.documentElement.requestFullscreen()).catch(() => {}));
document.addEventListener('fullscreenchange', () => {
	by_id('full').setAttribute('aria-pressed', String(Boolean(document.fullscreenElement)));
	by_id('full').textContent = document.fullscreenElement ? 'Exit full screen' : 'Full screen';
});

by_id('actions-toggle').addEventListener('click', () => {
	const hidden = document.body.classList.toggle('without-actions');
	by_id('actions-toggle').setAttribute('aria-expanded', String(!hidden));
});

const help = dialog('help-dialog');
by_id('help').addEventListener('click', () => help.showModal());

/* The way out of the desktop for the keyboard: before noVNC sees it. */
addEventListener('keydown', (event) => {
	const leaves = event.ctrlKey && event.altKey && event.shiftKey
		&& !event.getModifierState('AltGraph') // which Windows calls Control and Alt
		&& ['Control', 'Alt', 'Meta', 'Shift'].includes(event.key);
	if (leaves && keys.focused) {
		event.stopImmediatePropagation();
		event.preventDefault();
		by_id('give').focus();
	}
}, true);
for (const name of ['focus', 'blur']) {
	keys.addEventListener(name, () => {
		by_id('hint').hidden = !keys.focused;
		document.body.classList.toggle('typing', keys.focused);
	});
}

show();
link.start();
