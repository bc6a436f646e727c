import assert from "node:assert/strict";
import { test } from "node:test";

import { parse } from "../markdown.js";

/** The tree as HTML-like text, for short tables: nothing of the page does this. */
function shown(parts) {
  return parts
    .map((part) => {
      if (typeof part === "string") return part;
      const attributes = Object.entries(part.attributes ?? {})
        .filter(([name]) => name === "href" || name === "start")
        .map(([name, value]) => ` ${name}=${value}`);
      return `<${part.tag}${attributes.join("")}>${shown(part.children)}</${part.tag}>`;
    })
    .join("");
}

test("what is Markdown becomes what it means", () => {
  const cases = [
    ["plain", "<p>plain</p>"],
    ["", ""],
    ["one\ntwo\n\nthree", "<p>one two</p><p>three</p>"],
    ["**bold** and *thin* and __bold__ and _thin_", "<p><strong>bold</strong> and <em>thin</em> and <strong>bold</strong> and <em>thin</em></p>"],
    ["***both***", "<p><strong><em>both</em></strong></p>"],
    ["**a *b* c**", "<p><strong>a <em>b</em> c</strong></p>"],
    ["`code` and ``a ` b``", "<p><code>code</code> and <code>a ` b</code></p>"],
    ["`**no**`", "<p><code>**no**</code></p>"],
    ["# One\n## Two ##\n####### seven", "<h3>One</h3><h4>Two</h4><p>####### seven</p>"],
    ["- a\n- b\n  more\n\n1. x\n2) y", "<ul><li>a</li><li>b more</li></ul><ol><li>x</li><li>y</li></ol>"],
    ["* a\n+ b", "<ul><li>a</li><li>b</li></ul>"],
    ["3. c", "<ol start=3><li>c</li></ol>"],
    ["text\n- a", "<p>text</p><ul><li>a</li></ul>"],
    ["```sh\npip install *x*\n\n# no heading\n```\nafter", "<pre><code>pip install *x*\n\n# no heading</code></pre><p>after</p>"],
    ["~~~\nopen", "<pre><code>open</code></pre>"],
    ["[Docs](https://example.com/a?b=c#d)", "<p><a href=https://example.com/a?b=c#d>Docs</a></p>"],
    ["[**bold** link](https://example.com)", "<p><a href=https://example.com/><strong>bold</strong> link</a></p>"],
    ["**see [it](https://example.com)**", "<p><strong>see <a href=https://example.com/>it</a></strong></p>"],
    ["2 * 3 * 4 and snake_case_name and a*", "<p>2 * 3 * 4 and snake_case_name and a*</p>"],
    ["\\*not\\* \\[x\\](https://example.com)", "<p>*not* [x](https://example.com)</p>"],
    ["**open and *open", "<p>**open and *open</p>"],
    ["****", "<p>****</p>"],
    ["**PyTorch** + JupyterLab: `/home/jovyan/work`", "<p><strong>PyTorch</strong> + JupyterLab: <code>/home/jovyan/work</code></p>"],
  ];
  for (const [text, expected] of cases) assert.equal(shown(parse(text)), expected, JSON.stringify(text));
});

const HOSTILE = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  "<a href='javascript:alert(1)'>x</a>",
  "<b onclick=alert(1)>",
  "[x](javascript:alert(1))",
  "[x](JaVaScRiPt:alert`1`)",
  "[x](java\tscript:alert`1`)",
  "[x](\u0001javascript:alert`1`)",
  "[x](data:text/html,<script>alert(1)</script>)",
  "[x](data:text/html;base64,PHNjcmlwdD4=)",
  "[x](vbscript:x)",
  "[x](file:///etc/passwd)",
  "[x](blob:https://example.com/1)",
  "[x](http://example.com)",
  "[x](//example.com)",
  "[x](/api/auth/logout)",
  "[x](#/users)",
  "[x](https:example.com)",
  "[x](https:\\\\example.com)",
  "[x](https://bank.example@evil.example)",
  "[x](https://a:b@evil.example)",
  "[x](https://)",
  "[x](https://exa mple.com)",
  "[x](https://example.com/\"onclick=alert`1`)",
  "![x](https://example.com/track.png)",
  "[![x](javascript:alert`1`)](https://example.com)",
  "[x][1]\n\n[1]: javascript:alert(1)",
  "<https://example.com>",
  "[x](https://example.com 'onmouseover=alert`1`')",
  "```<script>alert(1)</script>",
  "# <svg onload=alert(1)>",
  "- <iframe src=//evil.example>",
  "&lt;script&gt; &#106;avascript: &#x3C;",
  "__proto__ constructor [__proto__](https://example.com/__proto__)",
  "\u202Egnp.exe\u0000",
];

test("hostile text makes only what there is a mark for", () => {
  const allowed = new Set(["p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "pre", "code", "strong", "em", "a"]);
  const check = (part, text) => {
    if (typeof part === "string") return;
    assert.ok(allowed.has(part.tag), `${part.tag} from ${JSON.stringify(text)}`);
    for (const [name, value] of Object.entries(part.attributes ?? {})) {
      const expected = { a: ["href", "rel", "target"], ol: ["start"], pre: ["tabindex"] }[part.tag] ?? [];
      assert.ok(expected.includes(name), `${part.tag} ${name} from ${JSON.stringify(text)}`);
      if (name === "href") assert.match(value, /^https:\/\/[a-z0-9.-]+\/[^"<>\s]*$/, text);
    }
    if (part.tag === "a") {
      assert.equal(part.attributes.rel, "noopener noreferrer");
      assert.equal(part.attributes.target, "_blank");
    }
    part.children.forEach((child) => check(child, text));
  };
  for (const text of HOSTILE) for (const wrapped of [text, `**${text}**`, `- ${text}`, `> ${text}`, `## ${text}`]) parse(wrapped).forEach((part) => check(part, wrapped));
});

test("a link that is not safe stays readable", () => {
  assert.equal(shown(parse("[x](javascript:alert`1`)")), "<p>[x](javascript:alert<code>1</code>)</p>");
  assert.equal(shown(parse("[x](http://example.com)")), "<p>[x](http://example.com)</p>");
});

test("text of any kind takes no longer than its length lets it", () => {
  const MOST = 20_000;
  const kinds = ["*", "_", "**a ", "*a _b ", "`", "[", "[a](", "[a](https://", "](", "\\", "# ", "- ", "1. ", "```\n", "\n", " ", "a", "[a[", "_a", "*a*", "<", "🌳"];
  const runs = Array.from({ length: 190 }, (_, index) => "`".repeat(index + 1)).join(" ");
  for (const text of [...kinds.map((kind) => kind.repeat(MOST / kind.length)), runs, "x".repeat(5_000_000)]) {
    const begun = performance.now();
    const parts = parse(text);
    const took = performance.now() - begun;
    assert.ok(took < 3000, `${JSON.stringify(text.slice(0, 12))} takes ${took} ms`);
    assert.ok(depth(parts) < 25, `${JSON.stringify(text.slice(0, 12))} is ${depth(parts)} deep`);
  }
});

function depth(parts) {
  return parts.reduce((most, part) => Math.max(most, typeof part === "string" ? 0 : 1 + depth(part.children)), 0);
}
