// Real machines through a real client: boot, fork with half-typed text, snapshot, rollback, pause.  The image
// comes from .ci/test-image; templates and sandboxes live in a state directory of this run, beside it.
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { text_in } from './lib/image.mjs';
import { skip, state_with_image, still } from './lib/machines.mjs';
import { all_gone, descendants, eventually, serve, vitrine } from './lib/server.mjs';

const slow = { timeout: 900_000, skip }; // software emulation on a busy machine
const client = new Client({ name: 'microvm-test', version: '1.0.0' });
let state, transport;

async function connect() {
	const config = join(state.path, 'config.json');
	writeFileSync(config, JSON.stringify({ files: 2048 }));
	transport = new StdioClientTransport({ command: vitrine,
		args: [...serve('microvm'), '--config', config, '--state-dir', state.path, '--start-timeout', '120', '--max-sandboxes', '16'] });
	await client.connect(transport);
}

async function end() {
	const left = descendants(transport.pid);
	await client.close();
	await all_gone(left);
	assert.deepEqual(readdirSync(join(state.path, 'sandboxes')), [], 'no sandbox leaves files behind');
	state.remove();
}

if (!skip) {
	before(() => { state = state_with_image(); }, { timeout: 900_000 }); // it may have to be built
	before(connect);
	after(end);
}

async function result_of(name, args = {}) {
	const result = await client.callTool({ name, arguments: args }, undefined, slow);
	assert.notEqual(result.isError, true, `${name} ${JSON.stringify(args)}: ${text_in(result)}`);
	return result;
}
const call = async (name, args) => text_in(await result_of(name, args));
const ids_in = (text) => text.match(/\b[a-z0-9]{20}\b/g) ?? [];
/** Into the window that has just come up: on a busy machine its focus comes a little later. */
async function type_into_new(text) {
	await eventually('a window has the focus', async () => {
		const result = await client.callTool({ name: 'type', arguments: { text } }, undefined, slow);
		assert.ok(!result.isError || /no window has the keyboard focus/.test(text_in(result)), text_in(result));
		return !result.isError;
	});
}
const shell = (command, sandbox) => call('run_command', { command, sandbox });

/** The desktop without its panel, whose clock goes on. */
async function picture() {
	const result = await result_of('zoom', { region: [0, 0, 1280, 720], format: 'png' });
	return result.content.find((block) => block.type === 'image').data;
}

test('a machine of its own kernel boots to a desktop, with the limits of the configuration', slow, async () => {
	const text = await shell("id -un; uname -r; tr '\\0' ' ' < /proc/1/cmdline; echo; sudo id -u; ulimit -n");
	assert.match(text, /^user\n.*cloud.*\n.*vitrine-agent.* --init.*\n0\n2048\n/);
	assert.match(await call('sandbox_list'), /ready, your default, microvm/);
});

/** Each copy ends its text in its own way, and the original in none. */
async function end_differently(copies) {
	for (const [i, sandbox] of copies.entries()) {
		await call('type', { sandbox, text: `and ends as ${i}.` });
		await call('key', { sandbox, text: 'ctrl+s' });
		const read = await shell('until [ -s note.txt ]; do sleep 0.1; done; cat note.txt', sandbox);
		assert.equal(read.trim(), `It begins here, and ends as ${i}.`);
	}
	assert.equal(await shell('cat note.txt'), '[no output]', 'the original has saved nothing');
	await call('key', { text: 'ctrl+s' });
	assert.equal((await shell('until [ -s note.txt ]; do sleep 0.1; done; cat note.txt')).trim(),
		'It begins here,');
}

async function are_machines_of_their_own(sandboxes) {
	const answers = [];
	for (const sandbox of sandboxes) {
		const before = Date.now() / 1000;
		const answer = await shell('cat /etc/machine-id; hostname; od -An -N16 -tx1 /dev/urandom; date +%s', sandbox);
		answers.push(answer.split('\n'));
		const clock = Number(answers.at(-1)[3]);
		assert.ok(clock > before - 60 && clock < Date.now() / 1000 + 60, `the clock is right: ${answer}`);
	}
	for (const [row, what] of ['machine-id', 'hostname', 'random bytes'].entries()) {
		assert.equal(new Set(answers.map((a) => a[row])).size, sandboxes.length, `all different: ${what}`);
	}
}

test('half-typed text is forked into five, and each goes its own way', slow, async () => {
	await shell('touch note.txt');
	await call('launch', { application: 'mousepad', uri: 'file:///home/user/note.txt' });
	await type_into_new('It begins here, ');
	const text = await call('sandbox_fork', { count: 5 });
	const [, ...copies] = ids_in(text);
	try {
		assert.equal(copies.length, 5, text);
		await end_differently(copies);
		await are_machines_of_their_own([undefined, ...copies]);
	} finally {
		for (const sandbox of copies) {
			await call('sandbox_kill', { sandbox });
		}
	}
});

test('rollback gives the very same picture back', slow, async () => {
	await call('launch', { application: 'xterm' });
	await type_into_new('echo before');
	await still(picture);
	await call('sandbox_snapshot', { name: 'before' });
	const then = await still(picture);
	await call('type', { text: ' and after\n' });
	await eventually('something changes', async () => await picture() !== then);
	await call('sandbox_rollback', { snapshot: 'before' });
	assert.equal(await picture(), then);
	await call('snapshot_delete', { snapshot: 'before' });
});

test('a paused machine takes no process, and its next call wakes it', slow, async () => {
	await shell('echo kept > /tmp/kept');
	const running = descendants(transport.pid);
	await call('sandbox_pause');
	await all_gone(running);
	assert.match(await call('sandbox_list'), /paused, your default/);
	assert.equal((await shell('cat /tmp/kept')).trim(), 'kept');
});

test('a machine whose QEMU is killed is told of, and the next call gets a new one', slow, async () => {
	const qemu = descendants(transport.pid).filter((p) => /^qemu/.test(p.name));
	assert.equal(qemu.length, 1);
	process.kill(qemu[0].pid, 'SIGKILL');
	await eventually('the server knows', async () => !/your default, microvm/.test(await call('sandbox_list')));
	const text = await shell('echo new');
	assert.match(text, /new\n/);
	assert.match(text, /This is a new sandbox: /);
});

test('a machine that ends itself, however it does, is told of at once and by name', slow, async () => {
	const ends = [['reboot -f', /its VM rebooted/],
		['sh -c "echo c > /proc/sysrq-trigger"', /its guest kernel panicked/],
		['poweroff -f', /its VM powered off/],
		['halt -f', /its VM powered off/]];
	for (const [command, why] of ends) {
		const [id] = ids_in(await call('sandbox_create'));
		await shell(`(sleep 0.2; exec sudo ${command}) > /dev/null 2>&1 & disown`, id);
		await eventually('the server knows without a call of the machine',
			async () => !(await call('sandbox_list')).includes(id));
		const late = await client.callTool({ name: 'sandbox_info', arguments: { sandbox: id } });
		assert.match(text_in(late), why);
	}
});
