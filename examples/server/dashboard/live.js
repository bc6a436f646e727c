import { delayBefore } from "./backoff.js";
import * as session from "./session.js";
import { language } from "./text.js";

// A connection on which nothing came for this long is dead, whatever the browser thinks of it.
const PING_EVERY = 20_000;
const SILENCE = 50_000;
// The server's close code for who is not signed in any more.
const UNAUTHORIZED = 4401;

/**
 * Updates of the server, over one WebSocket that comes back by itself.
 *
 * Dispatches `state` (connecting, online, offline) when that changes, `return` when it is online again after it was not
 * (what happened in between is lost: load it again), and `message` for each message.
 */
class Live extends EventTarget {
  state = "offline";
  /** When the next attempt is, where one waits; a time as of `Date.now()`. */
  retryAt = null;
  #path = "/ws";
  #socket = null;
  #attempt = 0;
  #timer = null;
  #heartbeat = null;
  #heard = 0;
  #wanted = false;
  #wasOnline = false;

  constructor() {
    super();
    addEventListener("online", () => this.retryNow());
    addEventListener("offline", () => this.#socket?.close());
    document.addEventListener("visibilitychange", () => !document.hidden && this.retryNow());
  }

  /** Connects, and stays connected. */
  start(path) {
    this.#path = path;
    this.#wanted = true;
    this.#wasOnline = false;
    this.#attempt = 0;
    this.#connect();
  }

  /** Closes the connection for good. */
  stop() {
    this.#wanted = false;
    clearTimeout(this.#timer);
    this.retryAt = null;
    this.#drop();
    this.#setState("offline");
  }

  /** Connects without waiting any longer, if it is waiting. */
  retryNow() {
    if (this.#wanted && this.#socket === null) this.#connect();
  }

  #connect() {
    clearTimeout(this.#timer);
    this.retryAt = null;
    this.#drop();
    this.#setState("connecting");
    const url = new URL(this.#path, location.href);
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(url);
    this.#socket = socket;
    this.#heard = Date.now();
    socket.addEventListener("open", () => {
      this.#send({ type: "auth", token: session.token(), language: language() });
      this.#send({ type: "subscribeAll", everybody: session.isAdmin() });
      this.#send({ type: "subscribeAccount" });
      // Who has no pods hears nothing else.
      this.#send({ type: "ping" });
    });
    socket.addEventListener("message", (event) => socket === this.#socket && this.#receive(event.data));
    socket.addEventListener("close", (event) => socket === this.#socket && this.#closed(event.code));
    this.#heartbeat = setInterval(() => this.#beat(), PING_EVERY);
  }

  #receive(text) {
    this.#heard = Date.now();
    let message;
    try {
      message = JSON.parse(text);
    } catch {
      console.warn("a message that is no JSON");
      return;
    }
    if (message.type === "error") return this.#refused(message);
    // The first message shows that the server took us in, not the open socket.
    if (this.state !== "online") {
      this.#attempt = 0;
      this.#setState("online");
      if (this.#wasOnline) this.dispatchEvent(new Event("return"));
      this.#wasOnline = true;
    }
    this.dispatchEvent(new CustomEvent("message", { detail: message }));
  }

  #refused(message) {
    console.warn("live updates:", message.code, message.message);
    if (message.code === "unauthorized") session.end("expired");
  }

  #closed(code) {
    if (code === UNAUTHORIZED) session.end("expired");
    else this.#lost();
  }

  #beat() {
    if (Date.now() - this.#heard > SILENCE) this.#lost();
    else this.#send({ type: "ping" });
  }

  #lost() {
    this.#drop();
    if (!this.#wanted) return;
    const delay = delayBefore(this.#attempt++);
    this.retryAt = Date.now() + delay;
    this.#timer = setTimeout(() => this.#connect(), delay);
    this.#setState("offline");
  }

  #drop() {
    clearInterval(this.#heartbeat);
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #setState(state) {
    if (state === this.state) return;
    this.state = state;
    this.dispatchEvent(new Event("state"));
  }
}

/** The live updates of this page. */
export const live = new Live();
