"""Code as most programs run it: a kernel, and jupyter_client's blocking client.  Requests as JSON, one a line."""
import json
import sys

from jupyter_client.manager import start_new_kernel

manager, client = start_new_kernel(kernel_name="python3")
for line in sys.stdin:
    request = json.loads(line)
    if "id" not in request:
        continue
    texts = []

    def hear(message):
        content = message["content"]
        texts.append(content.get("text") or content.get("data", {}).get("text/plain", ""))

    if request["method"] == "run":
        client.execute_interactive(request["params"]["code"], output_hook=hear, timeout=60)
    print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": {"text": "".join(texts)}}, separators=(",", ":")), flush=True)
client.stop_channels()
manager.shutdown_kernel(now=True)
