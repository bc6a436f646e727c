import * as api from "./api.js";
import { live } from "./live.js";

const EVERY = 60_000;

/** The balance of who is signed in. Tells `change` when it was read anew. */
class Balance extends EventTarget {
  /** What the server said last: `{balance, held, kind}`, or null. */
  current = null;
  #timer = null;

  constructor() {
    super();
    live.addEventListener("message", ({ detail }) => detail.type === "lowBalanceAlert" && this.refresh());
    live.addEventListener("return", () => this.refresh());
  }

  /** Reads it now, and from now on every minute in which the page is looked at. */
  start() {
    this.stop();
    this.#timer = setInterval(() => !document.hidden && this.refresh(), EVERY);
    return this.refresh();
  }

  /** Forgets it. */
  stop() {
    clearInterval(this.#timer);
    this.current = null;
  }

  /** What can be spent, in EUR; Infinity for accounts without a limit, null when it is not known. */
  get available() {
    if (this.current === null) return null;
    return this.current.kind === "unlimited" ? Infinity : this.current.balance;
  }

  /** What pays for pods: what can be spent, and what is reserved for them already. */
  get total() {
    return this.current === null ? null : this.available + this.current.held;
  }

  /** Reads it. When that fails, what was read before stays: the next minute has another try. */
  async refresh() {
    try {
      this.current = await api.getBalance();
      this.dispatchEvent(new Event("change"));
    } catch (error) {
      console.warn("the balance:", error.message);
    }
  }
}

/** The balance shown everywhere on this page. */
export const balance = new Balance();
