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

test("a port without a name is called by its number, empty lines are none", () => {
  assert.deepEqual(readPorts("\n 7860 \n\n"), [{ port: 7860, serviceName: "7860" }]);
});

test("what is no number is left to the server", () => {
  assert.deepEqual(readPorts("80.5 web"), [{ port: "80.5", serviceName: "web" }]);
});
