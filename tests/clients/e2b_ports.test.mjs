// Ports of a sandbox through E2B's API, as programs and browsers use them: streams both ways, WebSockets, what is closed or ends.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { Sandbox } from 'e2b';
import { serve_e2b } from './lib/e2b.mjs';

// One server for all tests: what a path does is its method.  It listens before the command ends.
const program = `
import base64, hashlib, os, socket, struct, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

gate = threading.Event()

class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def answer(self, text, headers=()):
        body = text.encode() if isinstance(text, str) else text
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def body(self):
        if 'Content-Length' in self.headers:
            left = int(self.headers['Content-Length'])
            while left:
                piece = self.rfile.read(min(left, 65536))
                left -= len(piece)
                yield piece
        elif self.headers.get('Transfer-Encoding') == 'chunked':
            while size := int(self.rfile.readline(), 16):
                yield self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()

    def chunk(self, data):
        self.wfile.write(b'%x\\r\\n%s\\r\\n' % (len(data), data))

    def do_PUT(self):
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        for piece in self.body():
            self.chunk(piece)
        self.chunk(b'')

    def do_POST(self):
        digest = hashlib.sha256()
        for piece in self.body():
            digest.update(piece)
        self.answer(digest.hexdigest())

    def do_GET(self):
        getattr(self, 'get_' + self.path.partition('?')[0][1:])()

    def get_head(self):
        self.answer(self.requestline + '\\n' + str(self.headers), [('Set-Cookie', 'a=1'), ('Set-Cookie', 'b=2')])

    def get_large(self):
        data = bytes(range(256)) * 4096 * 24
        self.answer(data)

    def get_steps(self):
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        self.chunk(b'first')
        gate.wait()
        self.chunk(b'last')
        self.chunk(b'')

    def get_open(self):
        gate.set()
        self.answer('opened')

    def get_forever(self):
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        self.chunk(b'started')
        time.sleep(1000)

    def get_ws(self):
        key = self.headers['Sec-WebSocket-Key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
        self.send_response(101)
        self.send_header('Upgrade', 'websocket')
        self.send_header('Connection', 'Upgrade')
        self.send_header('Sec-WebSocket-Accept', base64.b64encode(hashlib.sha1(key.encode()).digest()).decode())
        self.end_headers()
        while True:
            first, size = self.rfile.read(2)
            size &= 127
            size = struct.unpack('>H', self.rfile.read(2))[0] if size == 126 else struct.unpack('>Q', self.rfile.read(8))[0] if size == 127 else size
            mask = self.rfile.read(4)
            data = bytes(b ^ mask[i % 4] for i, b in enumerate(self.rfile.read(size)))
            head = struct.pack('>BB', first, len(data)) if len(data) < 126 else struct.pack('>BBQ', first, 127, len(data))
            self.wfile.write(head + data)
            if first & 15 == 8:
                self.close_connection = True
                return

ThreadingHTTPServer.request_queue_size = 128
server = ThreadingHTTPServer(('127.0.0.1', 8000), Handler)
if os.fork():
    os._exit(0)
os.setsid()
for fd in (0, 1, 2):
    os.close(fd)
server.serve_forever()
`;

let server, sandbox;
before(async () => {
	server = await serve_e2b({ backend: 'namespace', args: ['--e2b-tls', '127.0.0.1:0'] });
	sandbox = await Sandbox.create({ ...server.connection, timeoutMs: 600000 });
	await start();
});
after(() => server.stop());

async function start(target = sandbox) {
	await target.commands.run('python3 -c "$PROGRAM"', { envs: { PROGRAM: program } });
}

const at = (port, target = sandbox) => ({ 'E2b-Sandbox-Id': target.sandboxId, 'E2b-Sandbox-Port': String(port) });
const get = (path, options = {}, port = 8000) => fetch(server.url + path, { ...options, headers: { ...at(port), ...options.headers } });
const hash = (data) => createHash('sha256').update(data).digest('hex');

test('a program gets the request as it is, and the client its headers', async () => {
	const response = await get('/head?a=%2Fb', { headers: { 'X-Mine': 'mine' } });
	const text = await response.text();
	assert.equal(response.status, 200);
	assert.deepEqual(response.headers.getSetCookie(), ['a=1', 'b=2']);
	assert.match(text, /^GET \/head\?a=%2Fb HTTP\/1\.1$/m);
	assert.match(text, /^X-Mine: mine$/mi);
	assert.match(text, new RegExp(`^Host: ${new URL(server.url).host}$`, 'mi'));
});

test('a sandbox may hide the name that it is asked by', async () => {
	const other = await Sandbox.create({ ...server.connection, network: { maskRequestHost: 'inside:${PORT}' } });
	await start(other);
	const text = await (await fetch(server.url + '/head', { headers: at(8000, other) })).text();
	assert.match(text, /^Host: inside:8000$/m);
	assert.match(text, new RegExp(`^X-Forwarded-Host: ${new URL(server.url).host}$`, 'm'));
	await other.kill();
});

test('ports may require a token', async () => {
	const other = await Sandbox.create({ ...server.connection, network: { allowPublicTraffic: false } });
	await start(other);
	const ask = async (headers) => {
		const response = await fetch(server.url + '/head', { headers: { ...at(8000, other), ...headers } });
		return { status: response.status, text: await response.text() };
	};
	assert.equal((await ask({})).status, 403);
	assert.equal((await ask({ 'E2B-Traffic-Access-Token': 'wrong' })).status, 403);
	const { status, text } = await ask({ 'E2B-Traffic-Access-Token': other.trafficAccessToken });
	assert.equal(status, 200);
	assert.ok(!text.includes(other.trafficAccessToken), 'the program does not get it');
	await other.kill();
});

test('large bodies arrive whole, with a length and without', async () => {
	const large = randomBytes(24 << 20);
	assert.equal(await (await get('/', { method: 'POST', body: large })).text(), hash(large));
	const pieces = new ReadableStream({
		start(controller) {
			for (let at = 0; at < large.length; at += 1 << 20) {
				controller.enqueue(large.subarray(at, at + (1 << 20)));
			}
			controller.close();
		},
	});
	assert.equal(await (await get('/', { method: 'POST', body: pieces, duplex: 'half' })).text(), hash(large));
	const back = Buffer.from(await (await get('/large')).arrayBuffer());
	assert.equal(back.length, 24 << 20);
	assert.equal(hash(back), hash(Buffer.alloc(24 << 20, Buffer.from(Array.from({ length: 256 }, (_, i) => i)))));
});

test('a program may answer while it reads', async () => {
	const large = randomBytes(24 << 20);
	const back = Buffer.from(await (await get('/', { method: 'PUT', body: large })).arrayBuffer());
	assert.equal(hash(back), hash(large));
	let controller;
	const body = new ReadableStream({ start: (c) => { controller = c; } });
	controller.enqueue(Buffer.from('one'));
	const reader = (await get('/', { method: 'PUT', body, duplex: 'half' })).body.getReader();
	assert.equal(Buffer.from((await reader.read()).value).toString(), 'one');
	controller.enqueue(Buffer.from('two'));
	assert.equal(Buffer.from((await reader.read()).value).toString(), 'two');
	controller.close();
	assert.equal((await reader.read()).done, true);
});

test('many requests at once do not wait for each other', async () => {
	const answers = await Promise.all(Array.from({ length: 40 }, (_, i) => get(`/head?${i}`).then((r) => r.text())));
	answers.forEach((text, i) => assert.match(text, new RegExp(`^GET /head\\?${i} `)));
});

test('each part of a response comes when the program writes it', async () => {
	const reader = (await get('/steps')).body.getReader();
	assert.equal(Buffer.from((await reader.read()).value).toString(), 'first');
	await (await get('/open')).text();
	assert.equal(Buffer.from((await reader.read()).value).toString(), 'last');
	assert.equal((await reader.read()).done, true);
});

test('HEAD has no body', async () => {
	const response = await get('/head', { method: 'HEAD' });
	assert.equal(response.status, 501, 'Python implements no HEAD here');
	assert.equal(await response.text(), '');
});

test('a WebSocket', async () => {
	const ws = new WebSocket(server.url.replace('http', 'ws') + '/ws', { headers: at(8000) });
	ws.binaryType = 'arraybuffer';
	await new Promise((resolve, reject) => {
		ws.onopen = resolve;
		ws.onerror = reject;
	});
	const said = (message) => new Promise((resolve) => {
		ws.onmessage = ({ data }) => resolve(data);
		ws.send(message);
	});
	assert.equal(await said('hello'), 'hello');
	const large = randomBytes(1 << 20);
	assert.equal(hash(Buffer.from(await said(large))), hash(large));
	const closed = new Promise((resolve) => {
		ws.onclose = resolve;
	});
	ws.close(1000);
	assert.equal((await closed).code, 1000);
});

test('a closed port is told as E2B does', async () => {
	const response = await get('/', {}, 8001);
	assert.equal(response.status, 502);
	assert.deepEqual(await response.json(), { sandboxId: sandbox.sandboxId,
		message: 'The sandbox is running but port is not open', port: 8001, code: 502 });
});

test('two requests in one are two, and none is smuggled', async () => {
	const socket = connect(new URL(server.url).port, '127.0.0.1');
	const headers = Object.entries(at(8000)).map(([name, value]) => `${name}: ${value}\r\n`).join('');
	let said = '';
	socket.on('data', (data) => {
		said += data;
	});
	socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\n${headers}Content-Length: 44\r\nTransfer-Encoding: chunked\r\n\r\n` +
		'0\r\n\r\nGET /head?smuggled HTTP/1.1\r\nHost: a\r\n\r\n');
	await new Promise((resolve) => {
		socket.on('close', resolve);
		socket.once('data', () => socket.end());
	});
	assert.ok(!/GET \/head\?smuggled/.test(said), said);
});

test('by name, with TLS: requests, large bodies, a WebSocket', async () => {
	const { E2B_API_KEY, E2B_DOMAIN, NODE_EXTRA_CA_CERTS } = server.variables;
	const program = `
		import assert from 'node:assert/strict';
		import { createHash, randomBytes } from 'node:crypto';
		import dns from 'node:dns';
		const lookup = dns.lookup;
		dns.lookup = (name, ...rest) => lookup(name.endsWith('.localhost') ? '127.0.0.1' : name, ...rest);
		const { Sandbox } = await import('e2b');
		const sandbox = await Sandbox.connect('${sandbox.sandboxId}');
		const host = sandbox.getHost(8000);
		const head = await (await fetch('https://' + host + '/head')).text();
		assert.match(head, new RegExp('^Host: ' + host + '$', 'm'));
		assert.match(head, /^X-Forwarded-Proto: https$/m);
		const large = randomBytes(8 << 20);
		const hash = createHash('sha256').update(large).digest('hex');
		assert.equal(await (await fetch('https://' + host + '/', { method: 'POST', body: large })).text(), hash);
		assert.equal((await (await fetch('https://' + host + '/large')).arrayBuffer()).byteLength, 24 << 20);
		const ws = new WebSocket('wss://' + host + '/ws');
		ws.onopen = () => ws.send('x'.repeat(1 << 20));
		const length = await new Promise((resolve, reject) => {
			ws.onmessage = ({ data }) => resolve(data.length);
			ws.onerror = reject;
		});
		assert.equal(length, 1 << 20);
		ws.close();
		console.log('well');`;
	const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program],
		{ cwd: import.meta.dirname, env: { PATH: process.env.PATH, E2B_API_KEY, E2B_DOMAIN, NODE_EXTRA_CA_CERTS } });
	assert.equal(stdout, 'well\n');
});

test('a sandbox that is killed cuts what is open', async () => {
	const other = await Sandbox.create({ ...server.connection });
	await start(other);
	const response = await fetch(server.url + '/forever', { headers: at(8000, other) });
	const reader = response.body.getReader();
	assert.equal(Buffer.from((await reader.read()).value).toString(), 'started');
	await other.kill();
	await assert.rejects(reader.read(), 'the end of the body is not to be taken for its end');
	const later = await fetch(server.url + '/head', { headers: at(8000, other) });
	assert.equal(later.status, 502);
	assert.equal((await later.json()).message, 'The sandbox was not found');
});
