import assert from "node:assert/strict";
import { test } from "node:test";

import { formatPorts, readPorts } from "../ports.js";

test("what is written is read back", () => {
  const ports = [
    { port: 8888, serviceName: "Jupyter Lab" },
    { port: 6006, serviceName: "TensorBoard" },
  ];
  assert.deepEqual(readPorts(formatPorts(ports)), ports);
});

test("a port without a name gets one, empty lines are none", () => {
  assert.deepEqual(readPorts("\n 7860 \n\n"), [{ port: 7860, serviceName: "HTTP 7860" }]);
  assert.deepEqual(readPorts(""), []);
});

test("what is no port is none", () => {
  for (const wrong of ["80.5 web", "0 web", "65536 web", "-1 web", "web", "8888, 7860", "８８８８ web", "0x50"]) {
    assert.equal(readPorts(`8888 Jupyter Lab\n${wrong}`), null, wrong);
  }
});
