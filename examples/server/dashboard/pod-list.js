import * as api from "./api.js";
import { live } from "./live.js";

/**
 * The pods of one user, kept up to date.
 *
 * Dispatches `load` after the list was loaded anew, and `change` with `{podId, pod}` when one changed; `pod` is null once it
 * is deleted.
 */
export class PodList extends EventTarget {
  #userId;
  #email;
  #pods = new Map();
  #loading = 0;
  #missed = [];
  #onMessage = (event) => this.#receive(event.detail);
  #onReturn = () => this.load().catch((error) => console.warn("the list after a reconnect:", error.message));

  /** The pods of the user with this id; `email` is given where it is somebody else. */
  constructor(userId, email = null) {
    super();
    this.#userId = userId;
    this.#email = email;
    live.addEventListener("message", this.#onMessage);
    live.addEventListener("return", this.#onReturn);
  }

  /** All of them, in no order. */
  get all() {
    return [...this.#pods.values()];
  }

  /** One of them, or undefined. */
  get(podId) {
    return this.#pods.get(podId);
  }

  /** Loads the list anew. */
  async load() {
    this.#loading += 1;
    try {
      const pods = await api.listPods(this.#email);
      const costKnownAt = Date.now();
      this.#pods = new Map(pods.map((pod) => [pod.podId, { ...pod, costKnownAt }]));
      this.dispatchEvent(new Event("load"));
    } finally {
      this.#loading -= 1;
      // What came while the list was under way may be newer than it.
      if (this.#loading === 0) this.#missed.splice(0).forEach((message) => this.#apply(message));
    }
  }

  /** Stops following the pods. */
  close() {
    live.removeEventListener("message", this.#onMessage);
    live.removeEventListener("return", this.#onReturn);
  }

  #receive(message) {
    if (!["podUpdate", "podCreated", "podDeleted"].includes(message.type)) return;
    if (this.#loading > 0) this.#missed.push(message);
    else this.#apply(message);
  }

  #apply(message) {
    const { type, podId } = message;
    const before = this.#pods.get(podId);
    if (type === "podDeleted") {
      if (this.#pods.delete(podId)) this.#dispatch(podId, null);
      return;
    }
    // An administrator hears of everybody's pods.
    if (!before && message.pod?.userId !== this.#userId) return;
    const { status, stats, httpServices, step, reason, lastEnd, totalCost } = message;
    const said = Object.entries({ status, stats, httpServices, step, reason, lastEnd, totalCost });
    const pod = message.pod ?? { ...before, ...Object.fromEntries(said.filter(([, value]) => value !== undefined)) };
    // When the server said what it has cost: it costs more by now.
    const costKnownAt = before && pod.totalCost === before.totalCost ? before.costKnownAt : Date.now();
    this.#pods.set(podId, { ...before, ...pod, costKnownAt });
    this.#dispatch(podId, this.#pods.get(podId));
  }

  #dispatch(podId, pod) {
    this.dispatchEvent(new CustomEvent("change", { detail: { podId, pod } }));
  }
}
