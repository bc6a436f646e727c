import * as api from "./api.js";
import { exact } from "./format.js";
import { live } from "./live.js";

// While there are no live updates.
const EVERY = 60_000;

/**
 * How the account of who is signed in stands. The server says so at every change; it is read where that can't be heard.
 * Dispatches `change` when it is another.
 */
class Balance extends EventTarget {
  /** What the server said last: `{available, held, total, kind, perHour, perHourIfAllRan, low, suspended…}`, or null. */
  current = null;
  #timer = null;

  constructor() {
    super();
    live.addEventListener("message", ({ detail }) => detail.type === "balance" && this.#set(detail));
    live.addEventListener("return", () => this.refresh());
  }

  /** Reads it now, and from now on every minute in which there are no live updates and the page is looked at. */
  start() {
    this.stop();
    this.#timer = setInterval(() => !document.hidden && live.state !== "online" && this.refresh(), EVERY);
    return this.refresh();
  }

  /** Forgets it. */
  stop() {
    clearInterval(this.#timer);
    this.current = null;
  }

  /** What can be spent; Infinity for accounts without a limit, null when it is not known. */
  get available() {
    if (this.current === null) return null;
    return this.current.kind === "unlimited" ? Infinity : this.current.available;
  }

  /** The money for pods: the available amount and the holds. */
  get total() {
    return this.current === null ? null : exact(this.available + this.current.held);
  }

  /** Reads it. When that fails, what was read before stays: the next minute has another try. */
  async refresh() {
    try {
      this.#set(await api.getBalance());
    } catch (error) {
      console.warn("the balance:", error.message);
    }
  }

  #set(standing) {
    this.current = standing;
    this.dispatchEvent(new Event("change"));
  }
}

/** The balance shown everywhere on this page. */
export const balance = new Balance();
