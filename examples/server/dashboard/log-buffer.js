import { plainLine } from "./ansi.js";

/** Most lines of a log that are kept. */
export const MOST_LINES = 10_000;
/** Longest line, in UTF-16 units; a longer one is shown as several. */
export const LONGEST_LINE = 8_192;
/** Most text that is kept, in UTF-16 units: 10,000 lines of the longest kind would be too much for a page. */
export const MOST_TEXT = 8_000_000;

/** The end of a log that comes in chunks, within bounds. */
export class LogBuffer {
  #lines = [];
  #open = "";
  #size = 0;

  /** Whole lines, oldest first. */
  get lines() {
    return this.#lines;
  }

  /** The last line, as far as it has come; empty when the log ends with a line break. */
  get openLine() {
    return plainLine(this.#open);
  }

  /** Takes a chunk. Answers the lines that are now whole, and how many of the oldest were dropped for them. */
  push(chunk) {
    const parts = (this.#open + chunk).split("\n");
    const rest = parts.pop();
    const added = parts.flatMap((line) => pieces(plainLine(line)));
    const pending = pieces(rest);
    this.#open = pending.pop();
    added.push(...pending.map(plainLine));
    for (const line of added) {
      this.#lines.push(line);
      this.#size += line.length;
    }
    return { added, dropped: this.#drop() };
  }

  /** All that is kept, as text. */
  text() {
    const open = this.openLine;
    return [...this.#lines, ...(open ? [open] : [])].join("\n") + "\n";
  }

  #drop() {
    let count = Math.max(0, this.#lines.length - MOST_LINES);
    for (let index = 0; index < count; index++) this.#size -= this.#lines[index].length;
    while (this.#size > MOST_TEXT && count < this.#lines.length) this.#size -= this.#lines[count++].length;
    this.#lines.splice(0, count);
    return count;
  }
}

function pieces(line) {
  if (line.length <= LONGEST_LINE) return [line];
  const cut = [];
  for (let start = 0; start < line.length; start += LONGEST_LINE) cut.push(line.slice(start, start + LONGEST_LINE));
  return cut;
}
