"""Just enough of an MCP client over stdio."""
import json
import subprocess


class Desktop:
    """A desktop in namespaces of `vitrine serve`."""

    def __init__(self, binary, *options):
        self.server = subprocess.Popen([binary, "serve", "--backend", "namespace", "--tools", "all", "--memory", "3072", *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self.last = 0
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {},
            "clientInfo": {"name": "toolkits", "version": "1"}})
        self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def send(self, message):
        self.server.stdin.write(json.dumps(message) + "\n")
        self.server.stdin.flush()

    def ask(self, method, params):
        self.last += 1
        self.send({"jsonrpc": "2.0", "id": self.last, "method": method, "params": params})
        for line in self.server.stdout:
            message = json.loads(line)
            if message.get("id") == self.last:
                return message["result"]
        raise SystemExit("vitrine ended")

    def call(self, tool, **arguments):
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        text = "\n".join(part.get("text", "") for part in result["content"])
        if result.get("isError"):
            raise RuntimeError(f"{tool}: {text}")
        return text

    def run(self, command):
        return self.call("run_command", command=command)

    def close(self):
        self.server.stdin.close()
        self.server.wait(20)
