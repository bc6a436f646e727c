// A client of Socket.IO as the frontend has it. `node client.cjs ORIGIN TRANSPORT TOKEN` writes every event as a line
// `{"event", "data"}` and every acknowledgement as `{"ack", "args"}`, and does what comes in such lines: it sends
// `{"event", "data"}`, and at `{"command": "lose"}` it loses its connection and comes back. It ends with its input.
//
// With `retries` it sends an event only after the last one was acknowledged, and repeats one whose acknowledgement does
// not begin with `null`.
const readline = require("node:readline");
const { io } = require("socket.io-client");

const [origin, transport, token] = process.argv.slice(2);
const socket = io(origin, {
  transports: [transport],
  auth: token ? { token } : {},
  retries: 3,
  reconnection: false,
  reconnectionDelay: 50,
  reconnectionDelayMax: 100,
  extraHeaders: { "accept-language": "en" },
});
const write = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const tell = (event, data) => write({ event, data });

socket.onAny(tell);
socket.on("connect_error", (error) => tell("connect_error", { message: error.message }));
socket.on("disconnect", (reason) => tell("disconnect", { reason }));

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { event, data, command } = JSON.parse(line);
  if (command === "lose") {
    socket.io.reconnection(true);
    socket.io.engine.close();
    return;
  }
  const said = data === undefined ? [] : [data];
  socket.emit(event, ...said, (...args) => write({ ack: event, args: args.map((arg) => arg?.message ?? arg) }));
});
lines.on("close", () => {
  socket.close();
  process.exit(0);
});
