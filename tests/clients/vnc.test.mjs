// Streams in VNC viewers that are no browsers: TigerVNC's and GTK's, on a unix socket and by TLS with a certificate.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { text_in } from './lib/image.mjs';
import { count, open_screen } from './lib/screen.mjs';
import { eventually, serve, source, vitrine } from './lib/server.mjs';

const RED = [255, 0, 0], BLUE = [0, 0, 255];
let screen;
const started = []; // what ends with the test

afterEach(() => Promise.all(started.splice(0).map((stop) => stop())));
before(async () => {
	screen = await open_screen(1400, 1000);
});
after(() => screen?.stop());

/** A server over stdio, with two windows on its desktop; said(): what it wrote on stderr. */
async function start(...args) {
	const transport = new StdioClientTransport({ command: vitrine, stderr: 'pipe',
		args: [...serve('namespace'), '--log-level', 'info', '--commands-during-takeover', ...args] });
	const agent = new Client({ name: 'vnc-test', version: '1.0.0' });
	let said = '';
	transport.stderr.on('data', (text) => { said += text; });
	await agent.connect(transport);
	started.push(() => agent.close());
	const call = async (name, more = {}) => text_in(await agent.callTool({ name, arguments: more }));
	const windows = {};
	for (const [colour, geometry] of [['blue', '30x10+600+500'], ['red', '80x24+60+60']]) {
		await call('run_command', { command: `cat > /home/user/${colour} <<'END'
#!/bin/sh
exec xterm -xrm 'XTerm*selectToClipboard: true' -bg ${colour} -fg ${colour} -ms ${colour} +sb -geometry ${geometry} -T ${colour} -e sh -c 'exec cat > /home/user/${colour}.txt'
END
chmod +x /home/user/${colour}` });
		const text = await call('launch', { application: `/home/user/${colour}` });
		windows[colour] = Number(/Window (\d+) /.exec(text)[1]);
	}
	return { call, windows, said: () => said, stop: () => agent.close(),
		got: () => call('run_command', { command: 'cat /home/user/red.txt' }) };
}

/** A viewer's process, logged in by a new link; ended: its exit. */
async function log_in(server, options, start_viewer) {
	const [, id, ticket] = /\/s\/([^/]+)\/#(\S+)/.exec(await server.call('stream_url', options));
	const viewer = start_viewer(id, ticket);
	started.push(() => viewer.kill());
	let said = '';
	viewer.stderr.on('data', (text) => { said += text; });
	return { id, ticket, ended: once(viewer, 'exit'), stop: () => viewer.kill(), said: () => said };
}

const stdio = ['ignore', 'ignore', 'pipe'];

/** TigerVNC's viewer. */
const view = (server, address, options, ...more) => log_in(server, options, (id, ticket) => spawn('xtigervncviewer',
	[address, '-RemoteResize=0', '-AlertOnFatalError=0', '-ReconnectOnError=0', ...more],
	{ env: { ...screen.env, VNC_USERNAME: id, VNC_PASSWORD: ticket }, stdio }));

/** GTK's VNC widget, which Vinagre, virt-viewer and Boxes use. */
const view_gtk = (server, socket, options) => log_in(server, options, (id, ticket) => spawn('/usr/bin/python3', ['-W', 'ignore',
	join(source, 'tests/support/gtk_vnc.py'), socket, id, ticket], { env: screen.env, stdio }));

/** What somebody at the viewer's side pastes. */
async function pasted() {
	const file = join(screen.dir, 'pasted');
	const terminal = spawn('xterm', ['-T', 'paste', '-xrm', 'XTerm*selectToClipboard: true', '-e', `head -n 1 > ${file}.new; mv ${file}.new ${file}`],
		{ env: screen.env, stdio: 'ignore' });
	execFileSync('xdotool', ['windowactivate', '--sync', find('^paste$'), 'key', 'shift+Insert', 'Return'], { env: screen.env });
	await once(terminal, 'exit');
	return readFileSync(file, 'utf8');
}

const find = (name) => execFileSync('xdotool', ['search', '--sync', '--onlyvisible', '--name', name],
	{ env: screen.env, timeout: 180_000 }).toString().split('\n')[0];

/** Two clicks, for the first only takes over, and words. */
function use(text, title = 'TigerVNC') {
	const window = find(title);
	const run = (...args) => execFileSync('xdotool', args, { env: screen.env });
	run('windowactivate', '--sync', window, 'mousemove', '--window', window, '300', '300');
	run('click', '1', 'sleep', '0.5', 'mousemove', '--window', window, '302', '300', 'click', '1', 'sleep', '0.5');
	run('type', '--delay', '30', text);
}

const shows_both = () => eventually('the desktop is there', async () => {
	const picture = await screen.grab();
	return count(picture, RED) > 50_000 && count(picture, BLUE) > 10_000;
});

test('on a unix socket: it shows the desktop, takes over with a click, and is closed with the stream', async () => {
	const socket = join(screen.dir, 'vnc');
	const server = await start('--vnc', `unix:${socket}`);
	assert.equal(statSync(socket).mode & 0o777, 0o600);
	const viewer = await view(server, socket, { mode: 'control' });
	await shows_both();
	assert.match(await server.call('control_status'), /You have control/);
	use('native\n');
	await eventually('it was typed', async () => /native/.test(await server.got()));
	assert.match(await server.call('control_status'), /a user of a VNC viewer/);

	const window = find('TigerVNC');
	execFileSync('xdotool', ['mousemove', '--window', window, '75', '92', 'click', '--repeat', '2', '--delay', '50', '1', 'sleep', '1'],
		{ env: screen.env });
	assert.equal(await pasted(), 'native\n', 'what is copied there is pasted here');

	const other = spawn('xtigervncviewer', [socket, '-AlertOnFatalError=0', '-ReconnectOnError=0'],
		{ env: { ...screen.env, VNC_USERNAME: viewer.id, VNC_PASSWORD: viewer.ticket }, stdio: 'ignore' });
	await once(other, 'exit'); // a ticket is good for one

	await server.call('stream_revoke', { stream: viewer.id });
	await viewer.ended;
	assert.match(await server.call('control_status'), /You have control/);
	await server.stop();
	assert.equal(statSync(socket, { throwIfNoEntry: false }), undefined);
});

test("GTK's widget on a unix socket shows the desktop, takes over with a click, and is closed with the stream", async () => {
	const socket = join(screen.dir, 'gtk-vnc');
	const server = await start('--vnc', `unix:${socket}`);
	const viewer = await view_gtk(server, socket, { mode: 'control' });
	await shows_both();
	use('native\n', 'GTK VNC');
	await eventually('it was typed', async () => /native/.test(await server.got()));
	assert.match(await server.call('control_status'), /a user of a VNC viewer/);
	await server.call('stream_revoke', { stream: viewer.id });
	await viewer.ended;
	assert.equal(viewer.said(), '');
	await server.stop();
});

test('by TLS with a certificate: one window alone, and who only looks types nothing', async () => {
	const cert = join(screen.dir, 'cert.pem'), key = join(screen.dir, 'key.pem');
	execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-out', cert, '-days', '2',
		'-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'], { stdio: 'ignore' });
	const server = await start('--vnc', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key);
	const [, port] = /serving streams to VNC viewers at 127\.0\.0\.1:(\d+)/.exec(server.said());
	const viewer = await view(server, `127.0.0.1::${port}`, { mode: 'view', window: server.windows.red }, `-X509CA=${cert}`);
	await eventually('the window is there', async () => count(await screen.grab(), RED) > 50_000);
	assert.equal(count(await screen.grab(), BLUE), 0);
	use('spy\n');
	assert.match(await server.call('control_status'), /You have control/);
	await server.call('run_command', { command: 'kill $(pgrep -f "[x]term .*-T red")' });
	await viewer.ended;
	assert.doesNotMatch(await server.got(), /spy/);
	await server.stop();
});
