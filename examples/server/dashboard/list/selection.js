/** Which rows of a list are selected. Dispatches `change` when that changes. */
export class Selection extends EventTarget {
  #keys = new Set();

  /** The keys that are selected. */
  get keys() {
    return [...this.#keys];
  }

  /** How many are. */
  get size() {
    return this.#keys.size;
  }

  /** Whether this one is. */
  has(key) {
    return this.#keys.has(key);
  }

  /** Selects these, or no longer. */
  set(keys, selected) {
    const before = this.#keys.size;
    for (const key of keys) {
      if (selected) this.#keys.add(key);
      else this.#keys.delete(key);
    }
    if (this.#keys.size !== before) this.dispatchEvent(new Event("change"));
  }

  /** Selects none but those that are among these: what is not shown must not be acted upon unseen. */
  keep(keys) {
    const shown = new Set(keys);
    this.set(
      this.keys.filter((key) => !shown.has(key)),
      false,
    );
  }

  /** How many of these are selected: `all`, `some` or `none`. */
  among(keys) {
    const selected = keys.filter((key) => this.#keys.has(key)).length;
    if (selected === 0) return "none";
    return selected === keys.length ? "all" : "some";
  }
}
