import assert from "node:assert/strict";
import { test } from "node:test";

import { askWhileAwaited, awaitsLogin, EVERY } from "../awaited.js";

const links = (status, ...services) => ({ status, httpServices: services.map((status) => ({ status })) });

test("a link waits for its token only while the pod runs", () => {
  assert.equal(awaitsLogin(links("running", "creating", "ready")), true);
  assert.equal(awaitsLogin(links("running", "ready", "ready")), false);
  assert.equal(awaitsLogin(links("starting", "starting", "starting")), false);
  assert.equal(awaitsLogin(links("stopped")), false);
});

test("the links are asked for again until the token is there or nobody looks", ({ mock }) => {
  mock.timers.enable({ apis: ["setTimeout"] });
  let asked = 0;
  const looking = new AbortController();
  const answered = askWhileAwaited(() => (asked += 1), looking.signal);
  const answer = (given) => {
    answered(given);
    mock.timers.tick(EVERY * 10);
    return asked;
  };
  assert.equal(answer(links("starting", "starting")), 0);
  assert.equal(answer(links("running", "creating")), 1, "once for each answer");
  assert.equal(answer(links("running", "creating")), 2);
  assert.equal(answer(links("running", "ready")), 2);

  // Two answers at once, as when the pod changes meanwhile.
  answered(links("running", "creating"));
  assert.equal(answer(links("running", "creating")), 3);

  answered(links("running", "creating"));
  looking.abort();
  mock.timers.tick(EVERY * 10);
  assert.equal(answer(links("running", "creating")), 3, "nobody looks");
});
