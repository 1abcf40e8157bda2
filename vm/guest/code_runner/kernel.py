"""Kernels: their processes and their sockets.  (The second part of the runner, see outputs.py.)"""

def describe_end(status):
    return "signal %d" % -status if status < 0 else "exit status %d" % status


class Channel:
    """A socket of a kernel.  Its descriptor becomes readable once for any number of messages, and
    not for those that came while it sent, so all are read after each."""

    def __init__(self, kind, info, name, take):
        self.take = take
        self.loop = asyncio.get_running_loop()
        self.socket = zmq.Context.shadow(CONTEXT.underlying).socket(kind)
        self.socket.linger = 0
        if kind == zmq.SUB:
            self.socket.subscribe(b"")
        self.socket.connect("ipc://%s-%d" % (info["ip"], info[name + "_port"]))
        self.descriptor = self.socket.getsockopt(zmq.FD)
        self.loop.add_reader(self.descriptor, self.read)
        self.loop.call_soon(self.read)

    def read(self):
        for _ in range(100):
            if self.socket.closed:
                return
            try:
                parts = self.socket.recv_multipart(zmq.NOBLOCK)
            except zmq.ZMQError:
                return
            self.take(parts)
        self.loop.call_soon(self.read)

    def send(self, session, message):
        session.send(self.socket, message)
        self.loop.call_soon(self.read)

    def close(self):
        if not self.socket.closed:
            self.loop.remove_reader(self.descriptor)
            self.socket.close()


class Kernel:
    """A running kernel.  One that ends is not used again."""

    def __init__(self, context):
        self.context = context
        self.manager = self.shell = self.outputs = self.run = None
        self.asked = self.answered = None
        self.ended = asyncio.get_running_loop().create_future()
        self.heard = asyncio.Event()
        self.has_charts = False
        self.words = b""

    async def start(self):
        loop = asyncio.get_running_loop()
        manager = self.manager = AsyncKernelManager(
            kernel_name=self.context.kernel, kernel_spec_manager=self.context.specs,
            context=CONTEXT, transport="ipc",
            connection_file=os.path.join(DIRECTORY, "%s-%d.json" % (
                self.context.id, time.monotonic_ns())))
        reading, writing = os.pipe2(os.O_CLOEXEC)
        os.set_blocking(reading, False)
        loop.add_reader(reading, self.on_words, reading)
        extra = []
        if any("ipykernel" in word for word in manager.kernel_spec.argv):
            extra = ["--HistoryManager.enabled=False"]
        environment = dict(os.environ, IPYTHONDIR=os.path.join(DIRECTORY, "ipython"))
        try:
            await manager.start_kernel(extra_arguments=extra, cwd=self.context.cwd,
                                       env=environment, stdout=writing, stderr=writing)
        except (OSError, RuntimeError) as error:
            raise Failure("not-found", "the kernel '%s' cannot be started: %s" % (
                self.context.kernel, cut(str(error)))) from error
        finally:
            os.close(writing)
        threading.Thread(target=self.await_end, args=(manager.provisioner.process, loop),
                         daemon=True).start()
        await self.connect()

    def on_words(self, fd):
        try:
            words = os.read(fd, 65536)
        except OSError:
            words = b""
        self.words = (self.words + words)[-2000:]
        if not words:
            asyncio.get_running_loop().remove_reader(fd)
            os.close(fd)

    def await_end(self, process, loop):
        status = process.wait()
        loop.call_soon_threadsafe(self.on_end, status)

    def on_end(self, status):
        settle(self.ended, status)

    async def connect(self):
        """Until the kernel has answered, and its outputs arrive: what it sent before the
        subscription is lost, so it is asked again."""
        info = self.manager.get_connection_info()
        self.shell = Channel(zmq.DEALER, info, "shell", self.on_reply)
        self.outputs = Channel(zmq.SUB, info, "iopub", self.on_output)
        asking = asyncio.ensure_future(self.ask())
        await asyncio.wait({asking, self.ended}, timeout=START_S,
                           return_when=asyncio.FIRST_COMPLETED)
        asking.cancel()
        if not self.heard.is_set():
            status = self.ended.result() if self.ended.done() else None
            await self.close()
            raise Failure("host", "the kernel '%s' %s. Its last output: %s" % (
                self.context.kernel,
                "ended at its start (%s)" % describe_end(status) if status is not None else
                "was not ready within %d s" % START_S,
                self.words.decode(errors="replace").strip() or "none"))

    async def ask(self):
        while not self.heard.is_set():
            self.send("kernel_info_request", {})
            try:
                await asyncio.wait_for(self.heard.wait(), 0.5)
            except asyncio.TimeoutError:
                pass

    def send(self, kind, content):
        message = self.manager.session.msg(kind, content)
        self.shell.send(self.manager.session, message)
        return message["header"]["msg_id"]

    def decode(self, parts):
        """None: it is not a message of this kernel, or not one of the protocol."""
        session = self.manager.session
        try:
            return session.deserialize(session.feed_identities(parts)[1])
        except (ValueError, TypeError, KeyError, IndexError):
            return None

    def is_of_run(self, message):
        return self.run and message and message["parent_header"].get("msg_id") == self.run.message

    def on_output(self, parts):
        message = self.decode(parts)
        self.heard.set()
        if self.is_of_run(message):
            try:
                self.run.on_output(message["msg_type"], message["content"])
            except (KeyError, TypeError, AttributeError):
                pass

    def on_reply(self, parts):
        message = self.decode(parts)
        if self.is_of_run(message) and message["msg_type"] == "execute_reply":
            settle(self.run.replied, message["content"])
        elif message and self.asked and message["parent_header"].get("msg_id") == self.asked:
            settle(self.answered)

    def execute_silently(self, code):
        if code:
            self.send("execute_request", {
                "code": code, "silent": True, "store_history": False, "user_expressions": {},
                "allow_stdin": False, "stop_on_error": False})

    async def execute(self, run):
        language = self.context.language
        if run.charts and language == "python" and not self.has_charts:
            self.has_charts = True
            self.execute_silently("exec(compile(%r, 'charts', 'exec'), {})" % CHARTS)
        self.execute_silently(run.variables(language, True))
        self.run = run
        run.message = self.send("execute_request", {
            "code": run.code, "silent": False, "store_history": True, "user_expressions": {},
            "allow_stdin": False, "stop_on_error": False})
        try:
            await asyncio.wait({run.replied, run.idle, self.ended, run.cancelled},
                               timeout=run.timeout, return_when=asyncio.FIRST_COMPLETED)
            if not self.is_done(run):
                run.status = "cancelled" if run.cancelled.done() else "timeout"
                await self.stop(run)
            if not self.ended.done():
                await asyncio.wait({run.replied, run.idle}, timeout=SETTLE_S)
        finally:
            self.run = None
            self.execute_silently(run.variables(language, False))
        if self.ended.done() and run.status not in ("cancelled", "timeout"):
            run.status = "died"
        return run.replied.result() if run.replied.done() else {}

    def is_done(self, run):
        return run.replied.done() or run.idle.done() or self.ended.done()

    async def stop(self, run):
        """Interrupts it.  An interrupt in the kernel's own code, just before that of the run, can
        leave it without a reply, or in a deadlock: so it has some time to get to the run's, and
        must answer afterwards."""
        await asyncio.wait({run.begun, self.ended}, timeout=INTERRUPT_S,
                           return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({run.replied, self.ended}, timeout=BEGIN_S,
                           return_when=asyncio.FIRST_COMPLETED)
        try:
            await self.manager.interrupt_kernel()
        except Exception:
            pass
        await asyncio.wait({run.replied, run.idle, self.ended}, timeout=INTERRUPT_S,
                           return_when=asyncio.FIRST_COMPLETED)
        if not self.is_done(run) or not await self.answers():
            await self.close()

    async def answers(self):
        self.answered = asyncio.get_running_loop().create_future()
        self.asked = self.send("kernel_info_request", {})
        await asyncio.wait({self.answered, self.ended}, timeout=INTERRUPT_S,
                           return_when=asyncio.FIRST_COMPLETED)
        return self.answered.done() or self.ended.done()

    async def close(self):
        try:
            await self.manager.shutdown_kernel(now=True)
        except Exception:
            pass
        await asyncio.wait({self.ended}, timeout=INTERRUPT_S)
        self.detach()

    def detach(self):
        for channel in (self.shell, self.outputs):
            if channel:
                channel.close()
