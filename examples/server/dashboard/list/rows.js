/**
 * The rows of a list, one for each key. A change of one updates its row alone, and rows are moved only where their
 * order changes, so that focus, selection and scrolling stay.
 *
 * `make` makes a row of an item: `{element, update(item), tick(), close()}`. `tick` is called every second, for rows that
 * can be seen; `close` when the row goes.
 */
export class Rows {
  #container;
  #make;
  #rows = new Map();
  #order = [];
  #seen = new Set();
  #observer;
  #timer;

  constructor(container, make) {
    this.#container = container;
    this.#make = make;
    // A little more than what can be seen: what is scrolled to is right already.
    this.#observer = new IntersectionObserver((entries) => this.#observed(entries), { rootMargin: "200px" });
    this.#timer = setInterval(() => !document.hidden && this.#seen.forEach((key) => this.#rows.get(key)?.tick()), 1000);
  }

  /** Shows these items, `[key, item]`, in this order. Rows that are there already are updated where `isNew` says so. */
  show(items, isNew = () => true) {
    const keys = items.map(([key]) => key);
    const wanted = new Set(keys);
    for (const key of this.#rows.keys()) if (!wanted.has(key)) this.#remove(key);
    this.#order = this.#order.filter((key) => wanted.has(key));
    for (const [key, item] of items) {
      if (!this.#rows.has(key)) this.#add(key, item);
      else if (isNew(key)) this.#rows.get(key).update(item);
    }
    if (keys.length !== this.#order.length || keys.some((key, index) => key !== this.#order[index])) this.#place(keys);
  }

  /** Takes all rows away, and does nothing any more. */
  close() {
    clearInterval(this.#timer);
    this.#observer.disconnect();
    for (const key of [...this.#rows.keys()]) this.#remove(key);
  }

  #add(key, item) {
    const row = this.#make(item);
    row.element.dataset.key = key;
    this.#rows.set(key, row);
    this.#observer.observe(row.element);
  }

  #remove(key) {
    const row = this.#rows.get(key);
    this.#observer.unobserve(row.element);
    this.#seen.delete(key);
    row.element.remove();
    row.close();
    this.#rows.delete(key);
  }

  #place(keys) {
    const focused = this.#container.contains(document.activeElement) ? document.activeElement : null;
    // What is before the first row stays: the head of a table.
    let next = this.#order.length > 0 ? this.#rows.get(this.#order[0]).element : null;
    for (const key of keys) {
      const { element } = this.#rows.get(key);
      if (element === next) {
        next = next.nextElementSibling;
      } else if (next !== null && element === next.nextElementSibling) {
        // The one before it goes elsewhere: moving that is one move, and moving all behind it would be many.
        const left = next;
        next = element.nextElementSibling;
        left.remove();
      } else {
        this.#container.insertBefore(element, next);
      }
    }
    this.#order = keys;
    // What is moved loses the focus.
    if (focused !== null && focused !== document.activeElement && focused.isConnected)
      focused.focus({ preventScroll: true });
  }

  #observed(entries) {
    for (const { target, isIntersecting } of entries) {
      const { key } = target.dataset;
      if (isIntersecting && this.#rows.has(key)) {
        this.#seen.add(key);
        this.#rows.get(key).tick();
      } else {
        this.#seen.delete(key);
      }
    }
  }
}
