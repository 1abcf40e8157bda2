// Anthropic's tools `bash`, one shell whose state stays, and `str_replace_based_edit_tool`, by their exact names and inputs.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { text_in } from './lib/image.mjs';
import { serve, vitrine } from './lib/server.mjs';

const client = new Client({ name: 'bash-test', version: '1.0.0' });

before(() => client.connect(
	new StdioClientTransport({ command: vitrine, args: [...serve('namespace'), '--tools', 'claude'] })));
after(() => client.close());

async function bash(command, options = {}) {
	const result = await client.callTool({ name: 'bash', arguments: { command } }, undefined, options);
	assert.notEqual(result.isError, true, text_in(result));
	return text_in(result);
}

test('its state stays from call to call', async () => {
	assert.equal(await bash('cd /tmp; X="it\'s"; f() { echo "f $1"; }'), '[no output]');
	assert.equal(await bash('pwd; echo "$X"; f 1'), "/tmp\nit's\nf 1\n");
	assert.equal(await bash('set -o pipefail; false | true'), '[exit code 1]');
});

test('outputs and status are told apart', async () => {
	assert.equal(await bash('printf no-newline'), 'no-newline');
	assert.equal(await bash('echo out; echo err >&2; (exit 7)'), 'out\n[stderr]\nerr\n[exit code 7]');
	assert.match(await bash('if; then'), /syntax error/);
	assert.equal(await bash('cat; echo "read nothing"'), 'read nothing\n');
	assert.equal(await bash('seq 1 100000 | tail -1'), '100000\n');
	assert.match(await bash('seq 1 100000'), /bytes omitted/);
	assert.equal(await bash(`wc -c <<'END'\n${"it's ".repeat(100000)}\nEND`), '500001\n');
});

test('a shell that exits is told, and replaced', async () => {
	assert.match(await bash('echo bye; exit 3'), /^bye\n\[the shell has ended: exit code 3;/);
	assert.equal(await bash('echo "$X."'), '.\n');
});

test('a shell that leaves a child behind has ended all the same', async () => {
	assert.match(await bash('sleep 1000 & exit 4'), /has ended: exit code 4/);
});

test('while a command runs, others are refused, and a restart ends it', async () => {
	const first = client.callTool({ name: 'bash', arguments: { command: 'echo begun; sleep 1000' } });
	await new Promise((resolve) => setTimeout(resolve, 300));
	const second = await client.callTool({ name: 'bash', arguments: { command: 'true' } });
	assert.match(text_in(second), /still runs an earlier command/);
	await client.callTool({ name: 'bash', arguments: { restart: true } });
	assert.match(text_in(await first), /^begun\n\[the shell has ended: killed by signal 9/);
});

test('it can be restarted', async () => {
	await bash('Y=1; sleep 1000 & echo $! > /tmp/pid');
	const result = await client.callTool({ name: 'bash', arguments: { restart: true } });
	assert.match(text_in(result), /restarted/);
	assert.equal(await bash('echo "$Y."; kill -0 $(cat /tmp/pid) 2>/dev/null || echo gone'), '.\ngone\n');
});

test('a call that is cancelled ends what it runs', async () => {
	const stop = new AbortController();
	const running = bash('echo $$ > /tmp/shell; sleep 1000', { signal: stop.signal, onprogress: () => {} });
	setTimeout(() => stop.abort(), 500);
	await assert.rejects(running);
	assert.equal(await bash('kill -0 $(cat /tmp/shell) 2>/dev/null || echo gone'), 'gone\n');
});

const EDIT = 'str_replace_based_edit_tool';

async function edit(args, fails = false) {
	const result = await client.callTool({ name: EDIT, arguments: args });
	assert.equal(Boolean(result.isError), fails, text_in(result));
	return text_in(result);
}

test('a file is created, viewed and edited', async () => {
	const path = 'work/a file.txt';
	await edit({ command: 'create', path, file_text: 'one\ntwo\nthree' });
	assert.equal(await bash(`cat "$HOME/${path}"`), 'one\ntwo\nthree');
	assert.equal(await edit({ command: 'view', path, view_range: [2, -1] }), '     2\ttwo\n     3\tthree\n');
	assert.match(await edit({ command: 'str_replace', path, old_str: 'two', new_str: '2\n2½' }), /2\t2\n {5}3\t2½/);
	await edit({ command: 'insert', path, insert_line: 4, insert_text: 'four' });
	await edit({ command: 'insert', path, insert_line: 0, insert_text: 'zero\n' });
	await edit({ command: 'str_replace', path, old_str: 'one\n' });
	assert.equal(await bash(`cat "$HOME/${path}"`), 'zero\n2\n2½\nthree\nfour');
	assert.match(await edit({ command: 'view', path: 'work' }), /a file\.txt/);
});

test('an edit that is not certain is refused, and changes nothing', async () => {
	await bash('printf "x\\nx\\n" > ~/twice; printf "\\377" > ~/binary; chmod 600 ~/twice');
	assert.match(await edit({ command: 'str_replace', path: 'twice', old_str: 'x', new_str: 'y' }, true), /2 times/);
	assert.match(await edit({ command: 'str_replace', path: 'twice', old_str: 'z', new_str: 'y' }, true), /does not occur/);
	assert.match(await edit({ command: 'insert', path: 'twice', insert_line: 3, insert_text: 'y' }, true), /0 to 2/);
	assert.match(await edit({ command: 'view', path: 'twice', view_range: [3, 4] }, true), /view_range/);
	assert.match(await edit({ command: 'view', path: 'binary' }, true), /not a text file/);
	assert.match(await edit({ command: 'view', path: 'none' }, true), /ENOENT/);
	assert.match(await edit({ command: 'str_replace', path: 'twice' }, true), /'old_str'/);
	assert.equal(await bash('cat ~/twice; stat -c %a ~/twice'), 'x\nx\n600\n');
});

test('its inputs are checked', async () => {
	for (const wrong of [{}, { command: 'true', restart: true }, { cmd: 'true' }]) {
		assert.equal((await client.callTool({ name: 'bash', arguments: wrong })).isError, true);
	}
});
