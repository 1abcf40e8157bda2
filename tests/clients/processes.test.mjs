// Processes and terminals as a model uses them: what it starts goes on, what it reads is all of it, what it
// types arrives in real programs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { text_in } from './lib/image.mjs';
import { serve, vitrine } from './lib/server.mjs';

const client = new Client({ name: 'processes-test', version: '1.0.0' });

before(() => client.connect(
	new StdioClientTransport({ command: vitrine, args: [...serve('namespace'), '--tools', 'all'] })));
after(() => client.close());

async function call(name, args = {}, options = {}) {
	const result = await client.callTool({ name, arguments: args }, undefined, options);
	assert.notEqual(result.isError, true, `${name} ${JSON.stringify(args)}: ${text_in(result)}`);
	return text_in(result);
}

async function refused(name, args, pattern) {
	const result = await client.callTool({ name, arguments: args });
	assert.equal(result.isError, true, text_in(result));
	assert.match(text_in(result), pattern);
}

async function begin(command, more = {}) {
	return Number(/Process (\d+) runs/.exec(await call('run_command', { command, background: true, ...more }))[1]);
}

test('a command has its environment and its input', async () => {
	assert.equal(await call('run_command', { command: 'cat; echo "$WORD"', stdin: 'in\n', env: { WORD: 'two words' } }),
		'in\ntwo words\n');
	const long = 'x'.repeat(65_000);
	assert.match(await call('run_command', { command: 'wc -c', stdin: long }), /65000/);
	await refused('run_command', { command: 'cat', stdin: 'x', background: true }, /process_input/);
	assert.equal(await call('run_command', { command: 'id -un', user: 'user' }), 'user\n');
	await refused('run_command', { command: 'true', user: 'root' }, /'root'.*microVM/s);
	await refused('run_command', { command: 'true', env: { 'A=B': 'x' } }, /'A=B'/);
});

test('its output is reported while it runs', async () => {
	const heard = [];
	await call('run_command', { command: 'for i in 1 2 3; do echo line $i; sleep .5; done' },
		{ onprogress: (p) => heard.push(p.message) });
	const all = heard.join('');
	for (const i of [1, 2, 3]) {
		assert.ok(all.includes(`line ${i}\n`), all);
	}
});

test('what was omitted can be read', async () => {
	const short = await call('run_command', { command: 'seq 1 100000' });
	const pid = Number(/process_output with pid (\d+)/.exec(short)[1]);
	let since = 12000;
	let all = '';
	for (let next = since; next; since = next) {
		const piece = await call('process_output', { pid, since: String(since), max: 200000 });
		next = Number(/\[since: (\d+)\]$/.exec(piece)?.[1] ?? 0);
		all += next ? piece.slice(0, next - since) : piece.slice(0, piece.indexOf('[exit'));
	}
	const whole = Array.from({ length: 100000 }, (_, i) => `${i + 1}\n`).join('');
	assert.ok(all === whole.slice(12000), `${all.length} characters`);
});

test('a process in the background is read, written and ended', async () => {
	const pid = await begin('echo ready; while read line; do echo "got $line"; echo "bad $line" >&2; done; exit 5');
	let out = await call('process_output', { pid, wait: 60 });
	assert.match(out, /^ready\n\[running for [\d.]+ s\]\n\[since: 6\]$/);
	await call('process_input', { pid, text: 'one\n' });
	out = await call('process_output', { pid, since: '6', wait: 60 });
	assert.match(out, /^got one\n/);
	assert.match(await call('process_list'), new RegExp(`^${pid} running, .*while read line`, 'm'));
	await call('process_input', { pid, text: 'two\n', end: true });
	out = await call('process_wait', { pid });
	assert.match(out, /ready\ngot one\ngot two\n\[stderr\]\nbad one\nbad two\n\[exit code 5\]/);
	await refused('process_input', { pid, text: 'x' }, /ended/);
	await refused('process_output', { pid: 4000000 }, /4000000/);
	await refused('process_output', { pid, since: 'soon' }, /'soon'/);
});

test('a signal reaches it', async () => {
	const pid = await begin("trap 'echo bye; exit 3' INT; echo up; while :; do sleep .1; done");
	await call('process_output', { pid, wait: 60 });
	await refused('process_signal', { pid, signal: 'SIGNOTHING' }, /'SIGNOTHING'/);
	await call('process_signal', { pid, signal: 'SIGINT' });
	assert.match(await call('process_wait', { pid }), /bye\n\[exit code 3\]/);
	const stubborn = await begin("trap '' TERM; echo up; while :; do sleep .1; done");
	await call('process_output', { pid: stubborn, wait: 60 });
	await call('process_signal', { pid: stubborn, tree: true });
	assert.match(await call('process_wait', { pid: stubborn }), /killed by signal 9/);
	assert.match(await call('process_wait', { pid: await begin('sleep 100'), timeout: 0.2 }), /running for/);
});

test('one that does not read its input holds up nobody', async () => {
	const pid = await begin('sleep 1000');
	assert.match(await call('process_input', { pid, text: 'x'.repeat(200_000) }), /has not read \d+ bytes yet/);
	const screen = await call('terminal_open', { command: 'stty raw -echo; echo up; sleep 1000' });
	const terminal = Number(/\[terminal (\d+)/.exec(screen)[1]);
	assert.match(await call('terminal_input', { pid: terminal, text: 'x'.repeat(200_000), wait: 1 }), /up/);
	await call('terminal_close', { pid: terminal });
	await call('process_signal', { pid, tree: true });
	const late = await call('terminal_open', { command: 'sleep 1; echo late; exit 7', wait: 60 });
	assert.match(late, /late/);
});

test('a shell in a terminal', async () => {
	let screen = await call('terminal_open', { command: 'PS1="> " exec bash --norc -i', columns: 60, rows: 12 });
	const pid = Number(/\[terminal (\d+), 60x12/.exec(screen)[1]);
	assert.match(screen, /^> ?$/m);
	screen = await call('terminal_input', { pid, text: 'tput cols; echo $((6 * 7))', keys: ['Enter'] });
	assert.match(screen, /^60$/m);
	assert.match(screen, /^42$/m);
	const since = Number(/since: (\d+)\]/.exec(screen)[1]);
	await call('terminal_input', { pid, text: "printf '\\033[31mred\\033[0m\\n'", keys: ['Enter'] });
	assert.match(await call('terminal_read', { pid, since }), /\u001b\[31mred\u001b\[0m/);
	screen = await call('terminal_input', { pid, text: 'sleep 1000', keys: ['Enter'], wait: 0.3 });
	screen = await call('terminal_input', { pid, keys: ['ctrl+c'] });
	assert.match(screen, /\^C\n> ?$/m);
	await call('terminal_resize', { pid, columns: 100, rows: 30 });
	screen = await call('terminal_input', { pid, text: 'tput cols', keys: ['Enter'] });
	assert.match(screen, /^100$/m);
	await refused('terminal_input', { pid, keys: ['Hyper'] }, /'Hyper'/);
	await call('terminal_close', { pid });
	assert.match(await call('process_wait', { pid }), /killed by signal 9/);
});

test('a full-screen program is read as a person reads it', async () => {
	await call('run_command', { command: 'seq 1 500 > /tmp/lines' });
	let screen = await call('terminal_open', { command: 'less /tmp/lines', rows: 10 });
	const pid = Number(/\[terminal (\d+)/.exec(screen)[1]);
	assert.match(screen, /^1\n2\n3\n/m);
	screen = await call('terminal_input', { pid, text: 'G' });
	assert.match(screen, /^499\n500\n\(END\)/m);
	screen = await call('terminal_input', { pid, keys: ['Home', 'PageDown', 'Down'] });
	assert.match(screen, /^1[01]\n/m);
	screen = await call('terminal_input', { pid, text: 'q' });
	assert.match(screen, /its program has ended: exit code 0/);
});
