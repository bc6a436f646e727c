import * as api from "./api.js";
import { delayBefore } from "./backoff.js";
import { MOST_LINES } from "./log-buffer.js";

// A follow that lasted this long was a good one: the next attempt is at once.
const GOOD = 10_000;

/**
 * The log of one pod: followed while it runs, read once otherwise. Calls the listener: `begin` (what was shown is
 * void), `text` for each chunk, and `state`: `loading`, `live`, `waiting` (the connection broke and comes back),
 * `ended` or `failed`, with the error where there is one.
 */
export class LogSource {
  #pod;
  #listener;
  #previous = false;
  #running = null;
  #timer = null;

  constructor(pod, listener) {
    this.#pod = pod;
    this.#listener = listener;
  }

  /** Loads it anew; `previous` asks for the run before this one. */
  load(previous) {
    this.stop();
    this.#previous = previous;
    this.#running = new AbortController();
    this.#run(this.#running.signal, 0);
  }

  /** The server can be reached again: what was followed may have died without a word. */
  returned() {
    if (!this.#previous && isLive(this.#pod)) this.load(false);
  }

  /** Stops following. */
  stop() {
    this.#running?.abort();
    clearTimeout(this.#timer);
  }

  /** Takes a newer state of the pod: a log begins, or ends. What was written before it ended stays. */
  podChanged(pod) {
    const before = this.#pod;
    this.#pod = pod;
    if (this.#previous) return;
    if (isLive(pod)) {
      if (!isLive(before) || before.startedAt !== pod.startedAt) this.load(false);
    } else if (isLive(before)) {
      this.stop();
      this.#listener.state("ended");
    }
  }

  async #run(signal, attempt) {
    const follow = isLive(this.#pod) && !this.#previous;
    const since = Date.now();
    this.#listener.state("loading");
    try {
      if (follow) await this.#follow(signal);
      else await this.#read(signal);
      if (!signal.aborted && !follow) this.#listener.state("ended");
      else if (!signal.aborted) this.#again(signal, Date.now() - since > GOOD ? 0 : attempt);
    } catch (error) {
      if (signal.aborted) return;
      // What the server refuses stays refused; a broken connection comes back.
      if (follow && !(error.status >= 400 && error.status < 500)) this.#again(signal, attempt, error);
      else this.#listener.state("failed", error);
    }
  }

  async #follow(signal) {
    const chunks = await api.followLogs(this.#pod.podId, MOST_LINES, signal);
    if (signal.aborted) return;
    this.#listener.state("live");
    let first = true;
    for await (const chunk of chunks) {
      if (signal.aborted) return;
      // Only now: until something comes, the old text is better than none.
      if (first) this.#listener.begin();
      first = false;
      this.#listener.text(chunk);
    }
  }

  async #read(signal) {
    const query = { tail: MOST_LINES, ...(this.#previous ? { previous: "true" } : {}) };
    const text = await api.getLogs(this.#pod.podId, query, signal);
    if (signal.aborted) return;
    this.#listener.begin();
    this.#listener.text(text);
  }

  #again(signal, attempt, error) {
    this.#listener.state("waiting", error);
    this.#timer = setTimeout(() => this.#run(signal, attempt + 1), delayBefore(attempt));
  }
}

function isLive(pod) {
  return pod.status === "running" && pod.desired === "running";
}
