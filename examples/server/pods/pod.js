// The page of a simulated pod: says something over a WebSocket, and shows what comes back. All text goes in as text.

// The cookie has taken over: the token need not stay in the address, where it is read over a shoulder.
if (location.search.includes("token=")) history.replaceState(null, "", location.pathname);

const MOST = 20;
const state = document.querySelector("#state");
const form = document.querySelector("form");
const heard = document.querySelector("#heard");
let socket;

function connect() {
  socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/_neuropod/echo`);
  socket.addEventListener("open", () => {
    state.textContent = state.dataset.open;
    socket.send(form.elements.text.value);
  });
  socket.addEventListener("message", ({ data }) => {
    const line = document.createElement("li");
    line.textContent = data;
    heard.prepend(line);
    while (heard.children.length > MOST) heard.lastChild.remove();
  });
  socket.addEventListener("close", () => {
    state.textContent = state.dataset.closed;
  });
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (socket.readyState === WebSocket.OPEN) socket.send(form.elements.text.value);
  else if (socket.readyState === WebSocket.CLOSED) connect();
});

connect();
