import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
import { Sandbox } from 'e2b';
import { serve_e2b } from './lib/e2b.mjs';
const server = await serve_e2b({ backend: 'namespace' });
const d = await Sandbox.create({ ...server.connection, timeoutMs: 300000 });
const rss = () => /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${server.pid}/status`))[1];
const program = `
import os, socket, threading
s = socket.create_server(('127.0.0.1', 8000), backlog=200)
if os.fork(): os._exit(0)
os.setsid()
for fd in (0,1,2): os.close(fd)
def serve(c):
    try:
        c.recv(4096)
        c.sendall(b'HTTP/1.1 200 OK\\r\\n\\r\\n')
        while True: c.sendall(b'x' * 65536)
    except OSError: pass
while True:
    c, _ = s.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
`;
await d.commands.run('python3 -c "$P"', { envs: { P: program } });
console.log('before', rss());
const socks = [];
for (let i = 0; i < 100; i++) {
 const s = connect(new URL(server.url).port, '127.0.0.1'); s.pause(); socks.push(s);
 s.write(`GET / HTTP/1.1\r\nHost: localhost\r\nE2b-Sandbox-Id: ${d.sandboxId}\r\nE2b-Sandbox-Port: 8000\r\n\r\n`);
}
for (let i = 0; i < 6; i++) { await new Promise(r => setTimeout(r, 1000)); console.log(rss()); }
let got = 0; const t = Date.now();
socks[0].on('data', (x) => { got += x.length; }); socks[0].resume();
await new Promise(r => setTimeout(r, 2000)); console.log('MB/s', got / 2e6, rss());
socks.forEach((s) => s.destroy());
await new Promise(r => setTimeout(r, 1000)); console.log('after', rss());
console.log((await d.commands.run('ps ax | wc -l; ls /proc/$(pgrep -f vitrine-agent | head -1)/fd | wc -l')).stdout);
await server.stop();
