// A reverse proxy that gives the server a path of its own, as nginx would, and whose connections can be cut.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

export async function reverse_proxy(prefix) {
	const near = new Set();
	const pairs = new Set(); // of upgraded connections
	let port = 0, whole = true, silent = false;
	const inside = (path) => (path.startsWith(`${prefix}/`) ? path.slice(prefix.length) : null);

	const front = http.createServer((request, response) => {
		const path = inside(request.url);
		if (silent) {
			return;
		}
		if (path === null) {
			response.writeHead(404).end();
			return;
		}
		const { method, headers } = request;
		const back = http.request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
			response.writeHead(answer.statusCode, answer.headers);
			response.flushHeaders();
			answer.pipe(response);
		});
		back.on('error', () => response.destroy());
		response.on('close', () => back.destroy());
		request.pipe(back);
	});
	front.on('upgrade', (request, socket, head) => {
		if (silent) {
			return;
		}
		const back = net.connect(port, '127.0.0.1', () => {
			const lines = [`GET ${inside(request.url)} HTTP/1.1`];
			for (let i = 0; i < request.rawHeaders.length; i += 2) {
				lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
			}
			back.write(`${lines.join('\r\n')}\r\n\r\n`);
			back.write(head);
			const pair = [socket, back];
			socket.pipe(back).pipe(socket);
			pairs.add(pair);
			socket.on('close', () => pairs.delete(pair));
		});
		back.on('error', () => {}).on('close', () => socket.destroy());
		socket.on('error', () => {}).on('close', () => back.destroy());
	});
	front.on('connection', (socket) => {
		near.add(socket);
		socket.on('close', () => near.delete(socket));
		if (!whole) {
			socket.destroy();
		}
	});
	front.listen(0, '127.0.0.1');
	await once(front, 'listening');

	return { origin: `http://127.0.0.1:${front.address().port}`, url: `http://127.0.0.1:${front.address().port}${prefix}`,
		lead_to: (there) => { port = there; },
		/** Ends every connection, and lets none through until mend(). */
		cut() {
			whole = false;
			near.forEach((socket) => socket.destroy());
		},
		mend: () => { whole = true; },
		/** Nothing passes any more, and nothing is closed, until speak(). */
		fall_silent() {
			silent = true;
			pairs.forEach(([socket, back]) => {
				socket.unpipe(back).pause();
				back.unpipe(socket).pause();
			});
		},
		speak() {
			silent = false;
			pairs.forEach(([socket, back]) => socket.pipe(back).pipe(socket));
		},
		close() {
			this.cut();
			front.close();
		} };
}
