# A server at the second port of the pod, in a cell of a notebook: a page, and a WebSocket that says nothing until it is
# spoken to, and then the same.
import base64, hashlib, http.server, threading

class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        key = self.headers.get("Sec-WebSocket-Key")
        if key is None:
            page = b"the second port"
            self.send_response(200)
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)
            return
        accept = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", base64.b64encode(accept).decode())
        self.end_headers()
        self.close_connection = True
        head = self.rfile.read(2)
        mask = self.rfile.read(4)
        text = self.rfile.read(head[1] & 127)
        self.wfile.write(bytes([0x81, len(text)]) + bytes(byte ^ mask[i % 4] for i, byte in enumerate(text)))
        self.rfile.read(1)

try:
    server = http.server.ThreadingHTTPServer(("", 7860), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
except OSError:
    pass  # The cell has run before.
print("the cell says", 6 * 7)
