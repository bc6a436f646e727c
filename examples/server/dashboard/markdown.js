import { element } from "./dom.js";

/**
 * Markdown as nodes: headings, paragraphs, lists, code, bold, italics and links to `https://`. Everything else stays the
 * text that it is, HTML and images too, so that authors of descriptions can do no more than write.
 */
export function markdown(text) {
  return parse(text).map(toNode);
}

function toNode(part) {
  if (typeof part === "string") return part;
  return element(part.tag, part.attributes ?? {}, part.children.map(toNode));
}

// A description has at most 20,000 characters; whatever comes with more is cut rather than let the page hang.
const MOST = 50_000;
// Marks within marks; those that are deeper stay text.
const DEEPEST = 10;

// Not as itself: what joins the modules takes a backtick for the begin of a text.
const TICK = "\x60";
const FENCE = /^ {0,3}(\x60{3,}|~{3,})/;
const HEADING = /^ {0,3}(#{1,6})[ \t]+(.*)$/;
const ITEM = /^[ \t]*(?:[-*+]|(\d{1,9})[.)])[ \t]+(.*)$/;
const LINK = /\[([^[\]]{1,500})\]\(([^\s()<>]{1,2000})\)/y;
const ESCAPED = /[!-\x2f:-@[-\x60{-~]/;
const LETTER = /[\p{L}\p{N}]/u;

/** The same as a tree of `{tag, attributes, children}` and texts, for who has no document. */
export function parse(text) {
  const lines = String(text).slice(0, MOST).split(/\r\n|\r|\n/);
  const blocks = [];
  let paragraph = [];
  let list = null;
  const end = () => {
    if (paragraph.length > 0) blocks.push({ tag: "p", children: inline(paragraph.join(" ")) });
    if (list) blocks.push({ ...list, children: list.children.map((words) => item(words)) });
    paragraph = [];
    list = null;
  };
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at];
    const fence = FENCE.exec(line);
    const heading = HEADING.exec(line);
    const found = ITEM.exec(line);
    if (fence) {
      end();
      const code = [];
      while (++at < lines.length && !isEnd(lines[at], fence[1])) code.push(lines[at]);
      blocks.push({ tag: "pre", attributes: { tabindex: "0" }, children: [{ tag: "code", children: [code.join("\n")] }] });
    } else if (heading) {
      end();
      blocks.push({ tag: levelOf(heading[1]), children: inline(withoutEnd(heading[2])) });
    } else if (found) {
      const tag = found[1] === undefined ? "ul" : "ol";
      if (list?.tag !== tag) end();
      list ??= { tag, attributes: startOf(found[1]), children: [] };
      list.children.push([found[2].trim()]);
    } else if (line.trim() === "") {
      end();
    } else if (list) {
      list.children.at(-1).push(line.trim());
    } else {
      paragraph.push(line.trim());
    }
  }
  end();
  return blocks;
}

function item(words) {
  return { tag: "li", children: inline(words.join(" ")) };
}

function isEnd(line, fence) {
  const text = line.trim();
  return text.length >= fence.length && text === fence[0].repeat(text.length);
}

// The page has its own headings above: a description begins below them.
function levelOf(marks) {
  return `h${Math.min(6, marks.length + 2)}`;
}

// `## Heading ##` is `## Heading`.
function withoutEnd(text) {
  const trimmed = text.trimEnd();
  let end = trimmed.length;
  while (trimmed[end - 1] === "#") end -= 1;
  return end === trimmed.length || /\s/.test(trimmed[end - 1] ?? " ") ? trimmed.slice(0, end).trimEnd() : trimmed;
}

function startOf(number) {
  const start = Number(number ?? 1);
  return start === 1 ? {} : { start };
}

/** What stands in a line. `links` are not made within links. */
function inline(text, links = true) {
  const parts = [];
  // Marks that may still be closed: their text stands in `parts` until then.
  const open = [];
  // Lengths of backtick runs that have no end: they are not looked for again.
  const endless = new Set();
  let words = "";
  const flush = () => {
    if (words) parts.push(words);
    words = "";
  };
  let at = 0;
  while (at < text.length) {
    const c = text[at];
    if (c === "\\" && ESCAPED.test(text[at + 1] ?? "")) {
      words += text[at + 1];
      at += 2;
    } else if (c === TICK) {
      const run = runAt(text, at);
      const end = endless.has(run) ? -1 : endOfCode(text, at + run, run);
      if (end < 0) {
        endless.add(run);
        words += c.repeat(run);
        at += run;
      } else {
        flush();
        parts.push({ tag: "code", children: [text.slice(at + run, end).trim()] });
        at = end + run;
      }
    } else if (c === "[" && links) {
      const link = linkAt(text, at);
      if (link) {
        flush();
        parts.push(link.part);
        at = link.end;
      } else {
        words += c;
        at += 1;
      }
    } else if (c === "*" || c === "_") {
      const run = runAt(text, at);
      if (run > 3) {
        words += c.repeat(run);
        at += run;
        continue;
      }
      let mark = c.repeat(Math.min(run, 2));
      const before = text[at - 1] ?? " ";
      // Three close both, the inner one first.
      if (run === 3 && open.at(-1)?.mark === c) mark = c;
      const after = text[at + mark.length] ?? " ";
      const within = c === "_" && LETTER.test(before) && LETTER.test(after);
      const opener = /\S/.test(before) && !within ? open.findLastIndex((each) => each.mark === mark) : -1;
      flush();
      if (opener >= 0 && parts.length > open[opener].at + 1) {
        const [, ...children] = parts.splice(open[opener].at);
        parts.push({ tag: mark.length === 2 ? "strong" : "em", children });
        open.length = opener;
      } else {
        if (/\S/.test(after) && !within && open.length < DEEPEST) open.push({ mark, at: parts.length });
        parts.push(mark);
      }
      at += mark.length;
    } else {
      words += c;
      at += 1;
    }
  }
  flush();
  return joined(parts);
}

// Texts beside each other are one.
function joined(parts) {
  const all = [];
  for (const part of parts) {
    if (typeof part === "string" && typeof all.at(-1) === "string") all.push(all.pop() + part);
    else all.push(typeof part === "string" || part.tag === "code" ? part : { ...part, children: joined(part.children) });
  }
  return all;
}

function runAt(text, at) {
  let end = at;
  while (text[end] === text[at]) end += 1;
  return end - at;
}

// Where the run of as many backticks begins that ends a piece of code; -1: nowhere.
function endOfCode(text, from, run) {
  let at = text.indexOf(TICK, from);
  while (at >= 0) {
    const found = runAt(text, at);
    if (found === run) return at;
    at = text.indexOf(TICK, at + found);
  }
  return -1;
}

function linkAt(text, at) {
  LINK.lastIndex = at;
  const found = LINK.exec(text);
  const href = found && safe(found[2]);
  if (!href) return null;
  const attributes = { href, rel: "noopener noreferrer", target: "_blank" };
  return { part: { tag: "a", attributes, children: inline(found[1], false) }, end: LINK.lastIndex };
}

// Addresses of pages that are encrypted, without a name before the host, which is there to deceive.
function safe(address) {
  if (!URL.canParse(address)) return null;
  const url = new URL(address);
  return url.protocol === "https:" && /^https:\/\//i.test(address) && !url.username && !url.password ? url.href : null;
}
