"""Contexts, requests, the process.  (The third part of the runner, see outputs.py.)"""

class Context:
    def __init__(self, specs, identity, kernel, language, cwd, default):
        self.specs, self.id, self.kernel, self.language = specs, identity, kernel, language
        self.cwd, self.default = cwd, default
        self.running = None  # its Kernel
        self.lock = asyncio.Lock()
        self.count = 0
        self.lost = None  # why its state is gone, until that is told

    def row(self):
        kernel = self.running
        return {"id": self.id, "language": self.language, "kernel": self.kernel, "cwd": self.cwd,
                "is_default": self.default, "busy": self.lock.locked(), "executions": self.count,
                "running": bool(kernel and not kernel.ended.done())}

    async def kernel_ready(self):
        if self.running and self.running.ended.done():
            self.running.detach()
            self.running = None
            self.lost = self.lost or "kernel"
        if not self.running:
            kernel = Kernel(self)
            await kernel.start()
            self.running = kernel
            self.count = 0
        return self.running

    async def stop(self):
        kernel, self.running = self.running, None
        if kernel:
            await kernel.close()


def make_specs():
    from jupyter_client import kernelspec

    class Files(kernelspec.KernelSpecManager):
        """Kernels that have a file, as Debian's has.  Without Python's own look-up, which takes as
        long as the start of a kernel."""

        def get_kernel_spec(self, name):
            return kernelspec.KernelSpec.from_resource_dir(self.find_kernel_specs()[name])

    files = Files(ensure_native_kernel=False)
    known = any(files.get_kernel_spec(name).language == "python"
                for name in files.find_kernel_specs())
    return files if known else kernelspec.KernelSpecManager()


class Runner:
    def __init__(self, was_here):
        self.specs = make_specs()
        self.contexts = {}
        self.runs = {}
        self.requests = 0
        self.lost = "runner" if was_here else None

    # -- lookups --

    def languages(self):
        """language -> kernel; python3 first, for it has been checked most."""
        found = {}
        for name in sorted(self.specs.find_kernel_specs(), key=lambda k: (k != "python3", k)):
            found.setdefault((self.specs.get_kernel_spec(name).language or name).lower(), name)
        return found

    def find_kernel(self, language):
        wanted = language.lower()
        found = self.languages()
        wanted = wanted if wanted in found else ALIASES.get(wanted, wanted)
        if wanted in found:
            return found[wanted], wanted
        if language in self.specs.find_kernel_specs():
            return language, self.specs.get_kernel_spec(language).language.lower()
        raise Failure("not-found", "no kernel for the language '%s' is installed; there %s: %s" % (
            cut(language, 100), "are" if len(found) > 1 else "is",
            ", ".join(sorted(found)) or "none"))

    def find_context(self, identity):
        if identity in self.contexts:
            return self.contexts[identity]
        raise Failure("not-found", "there is no context '%s'; there %s: %s%s" % (
            cut(identity, 100), "are" if len(self.contexts) > 1 else "is",
            ", ".join(sorted(self.contexts)) or "none",
            ". The code runner was started again, so earlier contexts are gone"
            if self.lost else ""))

    def make_context(self, language, cwd, default):
        kernel, language = self.find_kernel(language)
        if default and language in self.contexts:
            return self.contexts[language]
        if len(self.contexts) >= CONTEXTS_MAX:
            raise Failure("limit", "there are %d contexts already; remove one first" %
                          CONTEXTS_MAX)
        cwd = os.path.normpath(os.path.join(os.path.expanduser("~"), os.path.expanduser(cwd or "")))
        if not os.path.isdir(cwd):
            raise Failure("not-found", "the directory %s does not exist" % cut(cwd))
        identity = language if default else "%s-%s" % (language[:40], os.urandom(4).hex())
        context = Context(self.specs, identity, kernel, language, cwd, default)
        context.lost = self.lost if default else None
        self.contexts[identity] = context
        open(USED, "w").close()
        return context

    # -- requests --

    async def run(self, request, tell):
        identity = request.get("context")
        context = (self.find_context(identity) if identity else
                   self.make_context(request.get("language") or "python", None, True))
        run = self.runs[request["id"]] = Run(request, tell)
        started = time.monotonic()
        async with context.lock:
            if run.cancelled.done():
                return {"status": "cancelled"}
            try:
                kernel = await context.kernel_ready()
            except Failure:
                if context.default and not context.count:
                    self.contexts.pop(context.id, None)
                raise
            tell("begin", context=context.id, language=context.language,
                 **({"lost": context.lost} if context.lost else {}))
            context.lost = None
            reply = await kernel.execute(run)
            run.finish()
            count = reply.get("execution_count")
            context.count = count if isinstance(count, int) else context.count
            end = {"status": run.status or "ok", "count": context.count}
            if kernel.ended.done():
                end["reason"] = describe_end(kernel.ended.result())
                context.lost = "kernel" if run.status == "died" else "stopped"
                kernel.detach()
                context.running = None
        end["ms"] = int((time.monotonic() - started) * 1000)
        return end

    async def list(self, request, tell):
        return {"contexts": [context.row() for context in self.contexts.values()],
                "languages": sorted(self.languages())}

    async def create(self, request, tell):
        context = self.make_context(request.get("language") or "python", request.get("cwd"), False)
        async with context.lock:
            try:
                await context.kernel_ready()
            except Failure:
                self.contexts.pop(context.id, None)
                raise
        return {"contexts": [context.row()]}

    async def restart(self, request, tell):
        context = self.find_context(request["context"])
        await context.stop()
        async with context.lock:
            await context.kernel_ready()
            context.lost = None
        return {"contexts": [context.row()]}

    async def remove(self, request, tell):
        context = self.find_context(request["context"])
        del self.contexts[context.id]
        await context.stop()
        return {"contexts": []}

    async def cancel(self, request, tell):
        run = self.runs.get(request.get("run"))
        if run:
            settle(run.cancelled)
        return {}

    OPERATIONS = {"run": run, "list": list, "create": create, "restart": restart,
                  "remove": remove, "cancel": cancel}

    async def serve(self, request, write):
        identity = request["id"]

        def tell(kind, /, **members):
            write(identity, dict(members, type=kind))

        self.requests += 1
        alive = asyncio.ensure_future(keep_alive(tell))
        try:
            if self.requests > REQUESTS_MAX:
                raise Failure("limit", "%d requests are waiting already" % REQUESTS_MAX)
            tell("end", **await self.OPERATIONS[request["op"]](self, request, tell))
        except Failure as failure:
            tell("fail", kind=failure.kind, text=cut(str(failure)))
        except Exception as error:
            tell("fail", kind="host", text=cut("the code runner failed: %r" % error))
        finally:
            alive.cancel()
            self.requests -= 1
            self.runs.pop(identity, None)


async def keep_alive(tell):
    while True:
        tell("alive")
        await asyncio.sleep(ALIVE_S)


# ---- the process ----

def take_directory():
    """Whether a runner was here before.  The lock ends with this process."""
    os.makedirs(DIRECTORY, mode=0o700, exist_ok=True)
    lock = os.open(os.path.join(DIRECTORY, "lock"), os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        sys.exit(EXIT_OTHER)
    return os.path.exists(USED)


async def main(was_here):
    loop = asyncio.get_running_loop()
    # Code must not write into the protocol, and kernels must not read from it.
    out, source = os.dup(1), os.dup(0)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1):
        os.dup2(null, fd)
    transport, protocol = await loop.connect_write_pipe(
        asyncio.streams.FlowControlMixin, open(out, "wb", buffering=0))
    transport.set_write_buffer_limits(high=1 << 30)  # each run is bounded
    reader = asyncio.StreamReader(limit=LINE_MAX)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader),
                                 open(source, "rb", buffering=0))

    def write(identity, answer):
        transport.write(b"%s %s\n" % (identity.encode(), encode(answer)))

    runner = Runner(was_here)
    pending = set()
    while True:
        try:
            line = await reader.readline()
        except ValueError:
            continue  # longer than LINE_MAX
        if not line:
            break
        try:
            request = json.loads(line)
            if request["op"] not in Runner.OPERATIONS:
                continue
        except (ValueError, KeyError, TypeError):
            continue
        task = asyncio.ensure_future(runner.serve(request, write))
        pending.add(task)
        task.add_done_callback(pending.discard)
    for context in runner.contexts.values():
        await context.stop()


if __name__ == "__main__":
    found_before = take_directory()
    try:
        import zmq
        import zmq.asyncio
        from jupyter_client.manager import AsyncKernelManager
        if not importlib.util.find_spec("ipykernel"):  # its import takes long
            raise ImportError("No module named 'ipykernel'")
    except ImportError as missing:
        print(sys.executable, missing, file=sys.stderr)
        sys.exit(EXIT_MISSING)
    CONTEXT = zmq.asyncio.Context()
    asyncio.run(main(found_before))
