import { Sandbox } from 'e2b';
import { serve_e2b } from './lib/e2b.mjs';
const server = await serve_e2b({ backend: 'namespace' });
const d = await Sandbox.create({ ...server.connection, timeoutMs: 300000 });
const program = `
import os, socket, threading, time
s = socket.create_server(('127.0.0.1', 8000), backlog=200)
if os.fork(): os._exit(0)
os.setsid()
for fd in (0,1,2): os.close(fd)
def serve(c):
    r = c.recv(4096)
    if b'/late' in r: time.sleep(75)
    c.sendall(b'HTTP/1.1 200 OK\\r\\n\\r\\nfirst')
    if b'/silent' in r: time.sleep(75)
    c.sendall(b'last'); c.close()
while True:
    c, _ = s.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
`;
await d.commands.run('python3 -c "$P"', { envs: { P: program } });
const h = { 'E2b-Sandbox-Id': d.sandboxId, 'E2b-Sandbox-Port': '8000' };
const r = await Promise.allSettled(['/late', '/silent'].map(async (p) => (await fetch(server.url + p, { headers: h })).text()));
console.log(JSON.stringify(r), r.map((x) => x.reason?.message));
await server.stop();
