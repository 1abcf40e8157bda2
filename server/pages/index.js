// The list of the user's sandboxes.  It is requested periodically while the page is visible, because thumbnails change all
// the time.
import { holder_names } from './control.js';
import { Refused, ask, by_id, post, say, span } from './page.js';

const EVERY = 2000;
const cards = new Map(); // id → {item, etag, url}

const STATES = { starting: 'starting…', paused: 'paused', gone: 'ended' };

function card_of(id) {
	const item = by_id('card').content.firstElementChild.cloneNode(true);
	const card = { item };
	const open = (mode) => async (event) => {
		event.preventDefault();
		try {
			const { url } = await (await post(`sandboxes/${encodeURIComponent(id)}/stream`, { mode })).json();
			location.assign(url);
		} catch (error) {
			say(error.message);
		}
	};
	item.querySelector('h2').textContent = id;
	item.querySelector('.picture').setAttribute('aria-label', `Watch ${id}`);
	item.querySelector('.picture').addEventListener('click', open('view'));
	item.querySelector('.watch').addEventListener('click', open('view'));
	item.querySelector('.control').addEventListener('click', open('control'));
	item.querySelector('.watch').setAttribute('aria-label', `Watch ${id}`);
	item.querySelector('.control').setAttribute('aria-label', `Open ${id} with control`);
	cards.set(id, card);
	return card;
}

function show_card({ item }, box, now) {
	const pill = item.querySelector('.pill');
	const user = box.control?.holder === 'user';
	const wanted = box.control?.wanted;
	const running = box.state === 'ready';
	pill.className = `pill ${wanted ? 'warn' : !running ? '' : user ? 'user' : 'agent'}`;
	pill.textContent = wanted ? `Help requested: ${wanted}`
		: running && box.control ? holder_names(box.control) : STATES[box.state] ?? box.state;
	const facts = [running ? `up ${span(now - (box.ready || box.created))}` : `created ${span(now - box.created)} ago`,
		box.backend, box.image, box.screen?.join('×'), box.viewers ? `${box.viewers} watching` : ''];
	item.querySelector('.facts').textContent = facts.filter(Boolean).join(' · ');
	item.classList.toggle('sleeping', !running);
	item.querySelectorAll('button').forEach((b) => { b.disabled = box.state === 'gone'; });
}

/** The browser sends its ETag, so an unchanged picture is not transferred again. */
async function show_picture(id, { item }) {
	const response = await ask(`sandboxes/${encodeURIComponent(id)}/thumbnail`, { cache: 'no-cache' });
	const image = item.querySelector('img');
	const before = image.src;
	image.src = URL.createObjectURL(await response.blob());
	URL.revokeObjectURL(before);
}

function show_list(boxes, now) {
	const ids = new Set(boxes.map((box) => box.id));
	for (const [id, { item }] of cards) {
		if (!ids.has(id)) {
			URL.revokeObjectURL(item.querySelector('img').src);
			item.remove();
			cards.delete(id);
		}
	}
	for (const box of boxes) {
		const card = cards.get(box.id) ?? card_of(box.id);
		show_card(card, box, now);
		if (!card.item.isConnected) {
			by_id('list').append(card.item);
		}
	}
	by_id('none').hidden = boxes.length > 0;
	by_id('count').textContent = boxes.length ? `${boxes.length} in total` : '';
}

async function refresh() {
	const response = await ask('sandboxes', { cache: 'no-store' });
	const { sandboxes } = await response.json();
	const now = Date.parse(response.headers.get('Date')) || Date.now();
	by_id('token-form').hidden = true;
	show_list(sandboxes, now);
	await Promise.allSettled(sandboxes.filter((box) => box.state === 'ready')
		.map((box) => show_picture(box.id, cards.get(box.id))));
}

/* ---- periodic refresh ---- */

async function look() {
	clearTimeout(look.timer);
	if (document.hidden) {
		return; // until the page is visible again
	}
	try {
		await refresh();
		look.failed = false;
	} catch (error) {
		if (error instanceof Refused && error.status === 401) {
			show_list([], 0);
			by_id('none').hidden = true;
			by_id('token-form').hidden = false;
			by_id('token').focus();
			return;
		}
		if (!look.failed) {
			say(error instanceof Refused ? error.message : 'Cannot reach the server. Retrying…');
		}
		look.failed = true;
	}
	clearTimeout(look.timer);
	look.timer = setTimeout(look, EVERY);
}

by_id('token-form').addEventListener('submit', async (event) => {
	event.preventDefault();
	by_id('token-said').textContent = '';
	try {
		await post('session', by_id('token').value.trim());
		by_id('token').value = '';
		look();
	} catch (error) {
		by_id('token-said').textContent = error.message;
	}
});
document.addEventListener('visibilitychange', look);
look();
