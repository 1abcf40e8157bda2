// One whole session on a real desktop, as a model would have it: look, launch, type, save, read back.
// What the tools did is proved by what the programs in the desktop received.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { image_in, text_in } from './lib/image.mjs';
import { eventually, serve, vitrine } from './lib/server.mjs';

const client = new Client({ name: 'desktop-test', version: '1.0.0' });
const pictures = process.env.VITRINE_PICTURES; // a folder: every picture of the session goes there
let pictures_taken = 0;

before(() => client.connect(
	new StdioClientTransport({ command: vitrine, args: serve('namespace') })));
after(() => client.close());

async function call(name, args = {}, options = {}) {
	const result = await client.callTool({ name, arguments: args }, undefined, options);
	const image = result.content.find((c) => c.type === 'image');
	if (image && pictures) {
		const ending = image.mimeType.split('/')[1];
		writeFileSync(join(pictures, `${String(++pictures_taken).padStart(2, '0')}-${name}.${ending}`),
			Buffer.from(image.data, 'base64'));
	}
	assert.notEqual(result.isError, true, `${name} ${JSON.stringify(args)}: ${text_in(result)}`);
	return result;
}

const shell = async (command) => text_in(await call('run_command', { command }));

/** A file in the sandbox, byte for byte. */
async function file(path) {
	const hex = /^([0-9a-f]{2}\s?)*$/m;
	const out = await shell(`od -An -v -tx1 ${path} | tr -d ' \\n'; echo`);
	const digits = out.split('\n').map((l) => l.trim()).find((l) => l.length > 1 && hex.test(l));
	return Buffer.from(digits ?? '', 'hex').toString('utf8');
}

/** Writes a shell script into the sandbox and launches it as a program. */
async function launch_script(name, body) {
	const path = `/home/user/${name}`;
	await shell(`cat > ${path} <<'END'\n#!/bin/sh\n${body}\nEND\nchmod +x ${path}`);
	return text_in(await call('launch', { application: path }));
}

test('the sandbox reports the stages of its start', async () => {
	const stages = [];
	const result = await call('screenshot', {}, { onprogress: (p) => stages.push(p) });
	assert.deepEqual([image_in(result).width, image_in(result).height], [1280, 800]);
	assert.ok(stages.length >= 3, `${stages.length} stages`);
	assert.ok(stages.every((s) => s.message), 'each with a message');
});

test('the host is not to be seen in it', async () => {
	assert.match(await shell('id -u'), /\b1000\b/);
	assert.doesNotMatch(await shell('ls -A /root /home 2>&1'), /\.ssh|\.bashrc|\.npm/);
	assert.match(await shell('ls /home'), /\buser\b/);
	assert.match(await shell('touch /usr/x 2>&1'), /[Rr]ead-only|denied/);
	assert.match(await shell('cat /proc/net/dev | grep -vc -e lo: -e "|"; true'), /^\s*0\b/m, 'no network');
	assert.doesNotMatch(await shell('env'), /VITRINE_BUILD|npm_/);
});

const paragraph = 'Grüße aus der Vitrine: çà et là, naïve café.\n\tПривет, мир! ½ € 漢字 😀\n-n --help "quoted" \\ end';

test('a text is typed into mousepad, saved through its dialog and read back', async () => {
	const launched = text_in(await call('launch', { application: 'mousepad' }));
	assert.match(launched, /mousepad|Untitled/i);
	await call('type', { text: paragraph, observe: 'settled' });
	await call('key', { text: 'ctrl+s', observe: 'settled' });
	await call('key', { text: 'ctrl+a' });
	await call('type', { text: '/home/user/note.txt', observe: 'settled' });
	await call('key', { text: 'Return', observe: 'settled' });
	await eventually('the file is saved', async () => /note\.txt/.test(await shell('ls /home/user')));
	assert.equal((await file('/home/user/note.txt')).replace(/\n$/, ''), paragraph);
});

test('1,000 mixed characters arrive exactly', async () => {
	const text = [...'Aa1 éß Ελλ Жя 漢あ 한 😀~|`^'.repeat(50)].slice(0, 1000).join('');
	await call('key', { text: 'ctrl+a' });
	const typed = text_in(await call('type', { text, observe: 'settled' }));
	assert.match(typed, /1,?000/, 'says how many characters were delivered');
	await call('key', { text: 'ctrl+s', observe: 'settled' });
	await eventually('the file has the text', async () => (await file('/home/user/note.txt')).trimEnd() === text);
	await call('key', { text: 'ctrl+q' });
});

test('clicks arrive where they were meant, with their buttons, modifiers and counts', async () => {
	await launch_script('watch', 'exec stdbuf -oL xev -geometry 600x400+200+150 -event button > /home/user/events');
	await call('screenshot');
	const clicks = [
		['left_click', { coordinate: [400, 300] }],
		['right_click', { coordinate: [401, 302] }],
		['middle_click', { coordinate: [402, 304] }],
		['left_click', { coordinate: [403, 306], text: 'ctrl' }],
		['double_click', { coordinate: [404, 308] }],
		['scroll', { coordinate: [405, 310], scroll_direction: 'up', scroll_amount: 2 }],
		['scroll', { coordinate: [406, 312], scroll_direction: 'right', scroll_amount: 1 }],
		['triple_click', { coordinate: [407, 314] }],
		['left_click', { coordinate: [408, 316] }],
	];
	for (const [name, args] of clicks) {
		await call(name, args);
	}
	const expected = [[400, 300, 0, 1], [401, 302, 0, 3], [402, 304, 0, 2], [403, 306, 4, 1],
		[404, 308, 0, 1], [404, 308, 0, 1], [405, 310, 0, 4], [405, 310, 0, 4], [406, 312, 0, 7],
		[407, 314, 0, 1], [407, 314, 0, 1], [407, 314, 0, 1], [408, 316, 0, 1]];
	// As fast as answers come: the window manager, which holds presses back for a while, must not mix them up.
	for (let i = 0; i < 20; i++) {
		const [x, y] = [300 + 7 * i, 250 + 5 * i];
		await call('double_click', { coordinate: [x, y] });
		await call('left_click', { coordinate: [x + 40, y] });
		await call('right_click', { coordinate: [x, y + 40] });
		expected.push([x, y, 0, 1], [x, y, 0, 1], [x + 40, y, 0, 1], [x, y + 40, 0, 3]);
	}
	let pressed = [];
	await eventually('every click arrived', async () => {
		const lines = await shell(
			"grep -A2 ButtonPress events | grep -oE 'root:.[0-9]+,[0-9]+|state 0x[0-9a-f]+, button [0-9]+'");
		pressed = [...lines.matchAll(/root:.(\d+),(\d+)\nstate 0x([0-9a-f]+), button (\d+)/g)].map(
			([, x, y, state, button]) =>
				[Number(x), Number(y), parseInt(state, 16) & 0xff, Number(button)]);
		return pressed.length >= expected.length;
	});
	assert.deepEqual(pressed, expected);
});

test('a cancelled hold releases its key', async () => {
	await launch_script('terminal', 'exec xterm -geometry 80x24+0+0 -e sh -c "cat > /home/user/typed"');
	const abort = new AbortController();
	const hold = client.callTool({ name: 'hold_key', arguments: { text: 'shift', duration: 250 } },
		undefined, { signal: abort.signal, timeout: 300_000 });
	await call('sandbox_list');
	abort.abort('enough');
	await assert.rejects(hold);
	await call('type', { text: 'abc-жук-1\n' });
	await call('key', { text: 'ctrl+d' });
	await eventually('the line arrived', async () => (await file('/home/user/typed')).endsWith('\n'));
	assert.equal(await file('/home/user/typed'), 'abc-жук-1\n');
});

test('an unchanged screen gives the same picture, a changed one another', async () => {
	const picture = async () => (await call('screenshot')).content.find((c) => c.type === 'image').data;
	await call('mouse_move', { coordinate: [1200, 700], observe: 'settled' });
	const first = await picture();
	assert.equal(await picture(), first);
	await call('mouse_move', { coordinate: [900, 500] });
	assert.notEqual(await picture(), first, 'the pointer is in the picture');
});

test('a command is cut, timed out and killed with its children', async () => {
	const long = await shell('seq 1 200000');
	assert.ok(long.length < 60_000);
	assert.match(long, /\b1\n2\n3\n/);
	assert.match(long, /\b200000\b/);
	const failed = await client.callTool({ name: 'run_command',
		arguments: { command: 'echo out; echo err >&2; sleep 222 & sleep 223', timeout: 1 } });
	assert.match(text_in(failed), /out/);
	assert.match(text_in(failed), /timeout|timed out|time/i);
	assert.doesNotMatch(await shell('ps ax'), /sleep 22[23]/);
	assert.match(await shell('exit 7'), /\b7\b/);
});

test('list_applications names what launch takes', async () => {
	const listed = text_in(await call('list_applications'));
	assert.match(listed, /mousepad/i);
	const wrong = await client.callTool({ name: 'launch', arguments: { application: 'mousepat' } });
	assert.equal(wrong.isError, true);
	assert.match(text_in(wrong), /mousepad/);
});
