// A client of Socket.IO as the frontend has it. `node client.cjs ORIGIN TRANSPORT TOKEN` writes every event as a line
// `{"event", "data"}` and sends what comes in such lines; it ends with its input.
const readline = require("node:readline");
const { io } = require("socket.io-client");

const [origin, transport, token] = process.argv.slice(2);
const socket = io(origin, {
  transports: [transport],
  auth: token ? { token } : {},
  reconnection: false,
  extraHeaders: { "accept-language": "en" },
});
const tell = (event, data) => process.stdout.write(`${JSON.stringify({ event, data })}\n`);

socket.onAny(tell);
socket.on("connect_error", (error) => tell("connect_error", { message: error.message }));
socket.on("disconnect", (reason) => tell("disconnect", { reason }));

const lines = readline.createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const { event, data } = JSON.parse(line);
  socket.emit(event, data);
});
lines.on("close", () => {
  socket.close();
  process.exit(0);
});
