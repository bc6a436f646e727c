import assert from "node:assert/strict";
import { test } from "node:test";

import { imageExample, imageHint } from "../images.js";
import { setLanguage } from "../text.js";

globalThis.localStorage = { setItem() {} };

test("without a list the hint says how images are written", () => {
  setLanguage("en");
  const plain = imageHint({ imageRegistries: [], internalRegistries: [] });
  assert.ok(plain.includes("ghcr.io/owner/name:tag"), plain);
  assert.equal(imageHint(undefined), plain, "a server of an earlier version says nothing");
  assert.equal(imageHint({}), plain);
});

test("a list is shown before somebody is refused, with the registries of the network", () => {
  const config = { imageRegistries: ["docker.io", "quay.io/jupyter"], internalRegistries: ["registry.lan:5000"] };
  for (const [language, start] of [
    ["en", "Only from: "],
    ["es", "Solo de: "],
  ]) {
    setLanguage(language);
    assert.equal(imageHint(config), `${start}docker.io, quay.io/jupyter, registry.lan:5000`);
  }
});

test("registries of the network beside all public ones are no limit", () => {
  setLanguage("en");
  const hint = imageHint({ imageRegistries: [], internalRegistries: ["registry.lan:5000"] });
  assert.ok(hint.includes("ghcr.io/owner/name:tag") && hint.includes("registry.lan:5000"), hint);
  assert.ok(!hint.includes("Only"), hint);
});

test("a long list is cut", () => {
  setLanguage("en");
  const imageRegistries = Array.from({ length: 20 }, (_, index) => `r${index}.example.com`);
  const hint = imageHint({ imageRegistries });
  assert.ok(hint.includes("r7.example.com…") && !hint.includes("r8."), hint);
});

test("the example is one that is allowed", () => {
  assert.equal(imageExample(), "quay.io/jupyter/base-notebook");
  assert.equal(imageExample({ imageRegistries: ["ghcr.io/team"] }), "ghcr.io/team/…");
  assert.equal(imageExample({ imageRegistries: ["*.example.com"] }), "registry.example.com/…");
});
