// The event channel of a stream.  The ticket in the URL is exchanged for a cookie; events follow.  A lost connection is
// reopened automatically; only a permanent end is reported as `over`.
import { Heartbeat } from './heartbeat.js';
import { Refused, Retry, post, refusal } from './page.js';

/* The connection is closed when nothing was received for this time, in ms. */
const SILENCE = 10000;
const SILENCE_OF_REQUEST = 60000; // it has no pings: longer than two of the server's keep-alive comments

/** {event, data} of each block of an SSE body; alive() is called for each received part. */
async function* events_of(body, alive) {
	let rest = '';
	for await (const text of body) {
		alive();
		const blocks = (rest + text).split('\n\n');
		rest = blocks.pop();
		for (const block of blocks) {
			const fields = block.split('\n').map((line) => /^(event|data): ?(.*)$/.exec(line)).filter(Boolean);
			const event = fields.find(([, name]) => name === 'event')?.[2];
			if (event) {
				yield { event, data: fields.filter(([, name]) => name === 'data').map((f) => f[2]).join('\n') };
			}
		}
	}
}

/** Passes on a WebSocket's messages; resolves when it is closed or aborted, with whether there were any.  A WebSocket is used
 * because a browser opens only six connections for requests to one server, for all its pages. */
function messages_of(socket, signal, take) {
	const decoder = new TextDecoder();
	let heard = false;
	socket.binaryType = 'arraybuffer';
	socket.addEventListener('message', ({ data }) => {
		heard = true;
		if (!signal.aborted) {
			take(JSON.parse(decoder.decode(data)));
		}
	});
	return new Promise((resolve) => {
		socket.addEventListener('close', () => resolve(heard));
		signal.addEventListener('abort', () => {
			socket.close();
			resolve(heard); // a dead connection reports no close
		});
	});
}

/** A body as text, also in browsers that cannot iterate streams. */
async function* texts_of(response) {
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
	try {
		for (;;) {
			const { done, value } = await reader.read();
			if (done) {
				return;
			}
			yield value;
		}
	} finally {
		reader.cancel().catch(() => {});
	}
}

/* A reloaded page is the same viewer and keeps control.  The name is stored only when the page is left, so that a duplicated
 * tab does not receive it. */
const place = `vitrine.viewer ${location.pathname}`;

function remember(viewer) {
	try {
		sessionStorage.setItem(place, viewer ?? '');
	} catch {
		// Storage is disabled.
	}
}

/** Removes it, too. */
function remembered() {
	try {
		const viewer = sessionStorage.getItem(place);
		sessionStorage.removeItem(place);
		return viewer || null;
	} catch {
		return null;
	}
}

/** Events: hello, state, action (detail from the server), delay {ms}, silent {ms}, lost {wait}, over {code, says}. */
export class Link extends EventTarget {
	constructor() {
		super();
		this.retry = new Retry(() => this.listen());
		this.viewer = remembered();
		addEventListener('pagehide', () => remember(this.viewer));
		addEventListener('pageshow', () => remembered());
	}

	tell(name, detail) {
		this.dispatchEvent(new CustomEvent(name, { detail }));
	}

	over(code, says) {
		this.ended = true;
		this.retry.stop();
		this.stop?.abort();
		this.tell('over', { code, says });
	}

	/** A used ticket is not an error: this browser may have the cookie. */
	async start() {
		const ticket = location.hash.slice(1);
		if (ticket) {
			try {
				await post('open', ticket);
			} catch (error) {
				if (!(error instanceof Refused)) {
					this.tell('lost', { wait: this.later(() => this.start()) });
					return;
				}
				this.refused = error.message;
			}
			history.replaceState(null, '', location.pathname + location.search);
		}
		this.listen();
	}

	later(run = () => this.listen()) {
		this.retry.run = run;
		return this.retry.later();
	}

	async listen() {
		if (this.ended) {
			return;
		}
		this.stop?.abort();
		const stop = this.stop = new AbortController();
		try {
			await this.read(stop);
		} catch (error) {
			if (error instanceof Refused && (error.status === 401 || error.status === 403)) {
				return this.over(401, this.refused ?? error.message);
			}
			if (error instanceof Refused && (error.status === 404 || error.status === 410)) {
				return this.over(410, error.message);
			}
		}
		if (!this.ended && this.stop === stop) {
			this.tell('lost', { wait: this.later() });
		}
	}

	/** Returns or throws when the connection has ended.  A browser does not report why a WebSocket was refused, so the same is
	 * tried as a request, which returns the reason or works. */
	async read(stop) {
		const url = new URL('events', location.href);
		if (this.viewer) {
			url.searchParams.set('viewer', this.viewer);
		}
		if (!await this.read_socket(url, stop) && !stop.signal.aborted) {
			await this.read_request(url, stop);
		}
	}

	async read_socket(url, stop) {
		const socket = new WebSocket(url.href.replace('http', 'ws'), 'binary');
		const pulse = this.beat({ patience: SILENCE, gone: () => stop.abort(),
			ask: () => {
				const can = socket.readyState === WebSocket.OPEN;
				if (can) {
					socket.send(new Uint8Array(1));
				}
				return can;
			} });
		const heard = await messages_of(socket, stop.signal, ({ event, data }) => {
			pulse.heard();
			if (event === 'pong') {
				pulse.answered();
			}
			this.take(event, data);
		});
		pulse.stop();
		return heard;
	}

	beat(how) {
		this.pulse?.stop();
		this.pulse = new Heartbeat({ delay: (ms) => this.tell('delay', { ms }), silent: (ms) => this.tell('silent', { ms }),
			...how });
		return this.pulse;
	}

	/** Data was received from the server on another connection. */
	heard() {
		this.pulse?.heard();
	}

	async read_request(url, stop) {
		const pulse = this.beat({ patience: SILENCE_OF_REQUEST, gone: () => stop.abort(), ask: () => false });
		try {
			await this.read_events(url, stop, pulse);
		} finally {
			pulse.stop();
		}
	}

	async read_events(url, stop, pulse) {
		const response = await fetch(url, { credentials: 'same-origin', cache: 'no-store',
			headers: { Accept: 'text/event-stream' }, signal: stop.signal });
		if (!response.ok) {
			throw await refusal(response);
		}
		for await (const { event, data } of events_of(texts_of(response), () => pulse.heard())) {
			this.take(event, JSON.parse(data));
		}
	}

	take(event, detail) {
		if (this.ended) {
			return;
		}
		if (event === 'hello') {
			this.retry.done();
			this.viewer = detail.viewer;
		}
		if (event === 'ended') {
			this.over(detail.code, detail.reason);
		} else {
			this.tell(event, detail);
		}
	}
}
