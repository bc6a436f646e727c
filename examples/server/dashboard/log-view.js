import { element } from "./dom.js";
import { LogBuffer } from "./log-buffer.js";
import { searcher } from "./search.js";
import { t } from "./text.js";

// Time in which text is collected, in milliseconds: a log can have thousands of lines a second.
const MOMENT = 100;

/** A log on the page: lines as text, the places that were searched for marked, the end followed unless one reads. */
export class LogView {
  /** Called with whether the end is followed, when that changes. */
  onfollow = () => {};
  /** Called with `{at, total}` when the matches change. */
  onmatches = () => {};
  #buffer = new LogBuffer();
  #find = searcher("");
  #query = "";
  #follows = true;
  #current = null;
  #waiting = "";
  #timer = 0;
  #lines = element("div");
  #open = element("div", { class: "line" });

  constructor() {
    /** The element for the page. */
    this.element = element(
      "div",
      { class: "log", role: "region", tabindex: "0", "aria-label": t("logs.region") },
      this.#lines,
      this.#open,
    );
    this.element.addEventListener("scroll", () => this.#setFollows(this.#isAtEnd() && !this.#current));
  }

  /** Forgets the text. */
  clear() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    this.#waiting = "";
    this.#buffer = new LogBuffer();
    this.#lines.replaceChildren();
    this.#open.replaceChildren();
    this.#current = null;
    this.#setFollows(true);
    this.#count();
  }

  /** Takes text; it is shown a moment later, together with what else comes until then. */
  push(chunk) {
    this.#waiting += chunk;
    // No animation frame: a page in the background has none, and would only collect.
    this.#timer ||= setTimeout(() => this.#flush(), MOMENT);
  }

  /** All that is kept, as text. */
  text() {
    if (this.#timer) this.#flush();
    return this.#buffer.text();
  }

  /** Goes to the end and follows it. */
  toEnd() {
    this.#setCurrent(null);
    this.#setFollows(true);
    this.element.scrollTop = this.element.scrollHeight;
  }

  /** Marks each place where the text has this in it. */
  search(query) {
    if (query === this.#query) return;
    this.#query = query;
    this.#find = searcher(query);
    this.#current = null;
    for (const line of [...this.#lines.children, this.#open]) {
      const text = line.textContent;
      if (line.childElementCount > 0 || this.#find(text).length > 0) this.#fill(line, text);
    }
    this.#count();
  }

  /** Goes to the next match (1) or the one before (-1). */
  goToMatch(by) {
    const marks = [...this.element.querySelectorAll("mark")];
    if (marks.length === 0) return;
    const at = marks.indexOf(this.#current);
    // Without a current one, the search begins at the end: the newest is what one looks for.
    const next = at < 0 ? marks.length - 1 : (at + by + marks.length) % marks.length;
    this.#setCurrent(marks[next]);
    this.#setFollows(false);
    this.#current.scrollIntoView({ block: "center", inline: "nearest" });
  }

  // While somebody looks at a match, the text does not run away, be it at the end.
  #setCurrent(mark) {
    this.#current?.classList.remove("current");
    this.#current = mark;
    mark?.classList.add("current");
    this.#count();
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const { added, dropped } = this.#buffer.push(this.#waiting);
    this.#waiting = "";
    // Where more came than is kept, only what stays is worth an element.
    const stay = added.slice(Math.max(0, added.length - this.#buffer.lines.length));
    this.#lines.append(...stay.map((text) => this.#fill(element("div", { class: "line" }), text)));
    this.#fill(this.#open, this.#buffer.openLine);
    if (dropped > 0) this.#drop();
    if (this.#follows) this.element.scrollTop = this.element.scrollHeight;
    if (this.#query) this.#count();
  }

  // Takes the oldest lines away without moving what is being read.
  #drop() {
    const before = this.element.scrollHeight;
    // Counted once: the browser counts them one by one each time.
    const surplus = this.#lines.childElementCount - this.#buffer.lines.length;
    for (let count = 0; count < surplus; count++) this.#lines.firstElementChild.remove();
    if (!this.#follows) this.element.scrollTop -= before - this.element.scrollHeight;
  }

  #fill(line, text) {
    const places = this.#find(text);
    const parts = [];
    let end = 0;
    for (const [from, until] of places) {
      parts.push(text.slice(end, from), element("mark", {}, text.slice(from, until)));
      end = until;
    }
    line.replaceChildren(...parts, text.slice(end));
    return line;
  }

  #count() {
    const marks = [...this.element.querySelectorAll("mark")];
    this.onmatches({ at: marks.indexOf(this.#current) + 1, total: marks.length });
  }

  #isAtEnd() {
    const { scrollTop, clientHeight, scrollHeight } = this.element;
    return scrollTop + clientHeight >= scrollHeight - 8;
  }

  #setFollows(follows) {
    if (follows === this.#follows) return;
    this.#follows = follows;
    this.onfollow(follows);
  }
}
