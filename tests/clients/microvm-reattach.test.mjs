// What survives kill -9 of the server, on real machines: over HTTP the next server takes them over, with half a
// text typed; over stdio nothing is left.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { call as ask, serve_http } from './lib/http.mjs';
import { text_in } from './lib/image.mjs';
import { skip, state_with_image, still } from './lib/machines.mjs';
import { all_gone, descendants, eventually, serve, still_running, vitrine } from './lib/server.mjs';

const slow = { timeout: 900_000, skip }; // software emulation on a busy machine
const left_over = () => ['sandboxes', 'trash'].flatMap((kind) => readdirSync(join(state.path, kind)));
const options = () => ['--state-dir', state.path, '--start-timeout', '120'];
let state, server;

const start = async () => { server = await serve_http({ backend: 'microvm', args: options() }); };

async function begin() {
	state = state_with_image('templates');
	await start();
}

async function end() {
	await server.stop();
	await eventually('no sandbox leaves files behind', () => left_over().length === 0);
	state.remove();
}

if (!skip) {
	before(begin, { timeout: 900_000 }); // the image may have to be built
	after(end);
}

async function result_of(name, args) {
	const answer = await ask(server, name, args);
	assert.ok(answer.result && !answer.result.isError,
		`${name} ${JSON.stringify(args)}: ${JSON.stringify(answer).slice(0, 600)}`);
	return answer.result;
}
const call = async (name, args) => text_in(await result_of(name, args));
const [read, wait] = ['cat note.txt', 'until [ -s note.txt ]; do sleep 0.1; done'];

/** The desktop without its panel, whose clock goes on; once nothing in it changes any more. */
async function picture(sandbox) {
	let last;
	await eventually('a picture that stays', async () => {
		const { content } = await result_of('zoom', { sandbox, region: [0, 0, 1280, 720], format: 'png' });
		const { data } = content.find((block) => block.type === 'image');
		await sleep(500);
		return data === last || !(last = data);
	});
	return last;
}

/** The server is killed, perhaps in the middle of something, and there is another one.  These machines go on. */
async function kill_server(machines) {
	process.kill(server.pid, 'SIGKILL');
	await server.ended;
	assert.equal(still_running(machines).length, machines.length, 'the machines go on');
	await start();
}

test('half a text, the server is killed, the other half', slow, async () => {
	const sandbox = /\b[a-z0-9]{20}\b/.exec(await call('sandbox_create', { labels: { of: 'Ann' } }))[0];
	await call('launch', { sandbox, application: 'xterm' });
	await eventually('the terminal takes text', async () => // on a busy machine its window comes later
		!(await ask(server, 'type', { sandbox, text: 'echo half a sen' })).result.isError);
	const before_that = await still(() => picture(sandbox));
	const machines = descendants(server.pid).filter((p) => /^qemu/.test(p.name));
	assert.equal(machines.length, 1);
	await kill_server(machines);
	assert.match(await call('sandbox_info', { sandbox }), /labels of=Ann/);
	assert.equal(await picture(sandbox), before_that);

	// In the middle of a save the machine is stopped.  What that was to be is gone, or there and whole.
	ask(server, 'sandbox_snapshot', { sandbox, name: 'first' }).catch(() => {});
	await sleep(15);
	await kill_server(machines);
	await call('type', { sandbox, text: 'tence > note.txt\n' });
	assert.equal((await call('run_command', { sandbox, command: `${wait}; ${read}` })).trim(), 'half a sentence');

	await call('sandbox_snapshot', { sandbox, name: 'second' });
	await call('run_command', { sandbox, command: 'rm note.txt' });
	await call('sandbox_rollback', { sandbox, snapshot: 'second' });
	assert.equal((await call('run_command', { sandbox, command: read })).trim(), 'half a sentence');
	await all_gone(machines); // which the rollback has ended, though it was no child of that server
	await call('sandbox_kill', { sandbox });
	await eventually('nothing is left', () => left_over().length === 0);
});

test('over stdio the machine goes with a server that is killed', slow, async () => {
	const child = spawn(vitrine, [...serve('microvm'), ...options()], { stdio: ['pipe', 'pipe', 'inherit'] });
	const lines = createInterface({ input: child.stdout });
	const send = (message) => child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
	send({ id: 1, method: 'initialize', params: { protocolVersion: '2025-06-18', capabilities: {},
		clientInfo: { name: 'raw', version: '1' } } });
	send({ method: 'notifications/initialized' });
	send({ id: 2, method: 'tools/call', params: { name: 'sandbox_create', arguments: {} } });
	let id;
	for await (const line of lines) {
		if (JSON.parse(line).id === 2) {
			id = /Sandbox ([a-z0-9]{20}) is ready after/.exec(line)[1];
			break;
		}
	}
	const machines = descendants(child.pid);
	assert.ok(machines.some((p) => /^qemu/.test(p.name)));
	child.kill('SIGKILL');
	await all_gone(machines);
	await kill_server([]);
	await eventually('the next server has cleaned up', () => !left_over().includes(id));
});
