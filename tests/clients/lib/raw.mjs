// A client of a few lines, for what real clients never send.  Every message it gets is checked against the
// schema of its revision.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after } from 'node:test';
import { has_schema, schema_check, schema_check_ours } from './schema.mjs';
import { serve, vitrine } from './server.mjs';

const META = 'io.modelcontextprotocol/';

/** Those whose test failed before it closed them. */
const open = new Set();
after(() => open.forEach((client) => client.child.kill('SIGKILL')));

export class RawClient {
	#next = 1;
	#methods = new Map();
	#waiting = new Map();
	#watchers = new Set();
	#rest = '';

	/** options: backend, revision, args, stdio (of spawn), read (false: stdout is left alone). */
	constructor({ backend = 'fake', revision = '2025-11-25', args = [], stdin = 'pipe', read = true } = {}) {
		this.revision = revision;
		this.modern = revision >= '2026';
		this.messages = [];
		this.faults = [];
		this.log = '';
		this.child = spawn(vitrine, [...serve(backend), ...args], { stdio: [stdin, 'pipe', 'pipe'] });
		this.pid = this.child.pid;
		open.add(this);
		this.ended = once(this.child, 'exit').then(([code, signal]) => {
			open.delete(this);
			return { code, signal };
		});
		this.closed = once(this.child, 'close');
		this.child.stdin?.on('error', () => {}); // the server may be gone on purpose
		this.child.stderr.on('data', (d) => { this.log += d; });
		if (read) {
			this.read();
		}
	}

	/** Begins to take what the server writes. */
	read() {
		this.child.stdout.setEncoding('utf8');
		this.child.stdout.on('data', (text) => this.#take(text));
	}

	#take(text) {
		const lines = (this.#rest + text).split('\n');
		this.#rest = lines.pop();
		for (const line of lines) {
			try {
				const parsed = JSON.parse(line);
				for (const message of Array.isArray(parsed) ? parsed : [parsed]) {
					this.#message(message);
				}
				this.#notice(parsed);
			} catch (e) {
				this.faults.push(e);
			}
		}
	}

	#message(message) {
		if (has_schema(this.revision)) {
			try {
				schema_check(this.revision, message, this.#methods.get(message.id));
			} catch (e) {
				this.faults.push(e);
			}
		}
		const resolve = message.method === undefined && this.#waiting.get(message.id);
		if (resolve) {
			this.#waiting.delete(message.id);
			resolve(message);
		}
	}

	#notice(parsed) {
		this.messages.push(parsed);
		for (const watcher of this.#watchers) {
			watcher();
		}
	}

	/** The first message, past or future, for which `match` holds. */
	async message(match) {
		for (let seen = 0;;) {
			const found = this.messages.slice(seen).find(match);
			if (found) {
				return found;
			}
			seen = this.messages.length;
			await new Promise((resolve, reject) => {
				const watcher = () => { this.#watchers.delete(watcher); resolve(); };
				this.#watchers.add(watcher);
				this.closed.then(() => reject(new Error(`the server ended: ${this.log.slice(-500)}`)));
			});
		}
	}

	line(text) {
		this.child.stdin.write(`${text}\n`);
	}

	#meta(extra) {
		return this.modern ? { [`${META}protocolVersion`]: this.revision,
			[`${META}clientCapabilities`]: {}, [`${META}clientInfo`]: { name: 'raw', version: '1' },
			...extra } : extra;
	}

	/** A request as an object, with everything its revision asks for. */
	make(method, params, meta) {
		const _meta = this.#meta(meta);
		const id = this.#next++;
		this.#methods.set(id, method);
		const request = { jsonrpc: '2.0', id, method };
		if (params || _meta) {
			request.params = { ...params, ...(_meta ? { _meta } : {}) };
		}
		return request;
	}

	/** Sends; resolves with the whole answer. */
	request(method, params, meta) {
		const request = this.make(method, params, meta);
		if (has_schema(this.revision)) {
			schema_check_ours(this.revision, request);
		}
		const answer = this.answer(request.id);
		this.line(JSON.stringify(request));
		return answer;
	}

	answer(id) {
		return new Promise((resolve, reject) => {
			this.#waiting.set(id, resolve);
			this.closed.then(() => reject(
				new Error(`the server ended before it answered ${id}: ${this.log.slice(-500)}`)));
		});
	}

	notify(method, params) {
		this.line(JSON.stringify({ jsonrpc: '2.0', method, ...(params ? { params } : {}) }));
	}

	call(name, args = {}, meta) {
		return this.request('tools/call', { name, arguments: args }, meta);
	}

	async open() {
		if (this.modern) {
			return this.request('server/discover', {});
		}
		const answer = await this.request('initialize', { protocolVersion: this.revision,
			capabilities: {}, clientInfo: { name: 'raw', version: '1' } });
		this.notify('notifications/initialized');
		return answer;
	}

	/** Ends the input; resolves with {code, signal}.  Throws what was wrong with any message. */
	async close() {
		this.child.stdin?.end();
		const end = await this.ended;
		if (this.faults.length) {
			throw this.faults[0];
		}
		return end;
	}
}
