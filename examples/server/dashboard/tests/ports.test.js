import assert from "node:assert/strict";
import { test } from "node:test";

import { formatPorts, readPorts, serviceName } from "../ports.js";
import { setLanguage } from "../text.js";

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

test("what nobody has named is called in the language of the page, and names stay as they are", () => {
  globalThis.localStorage = { setItem() {} };
  const unnamed = { serviceName: "Servicio 12", isCustom: true };
  setLanguage("en");
  assert.equal(serviceName(unnamed), "Service 12");
  for (const serviceText of ["Servicio", "Servicio 2 de Ana", "Mi Servicio 2", "Gradio"]) {
    assert.equal(serviceName({ serviceName: serviceText, isCustom: true }), serviceText);
  }
  assert.equal(serviceName({ serviceName: "Servicio 2", isCustom: false }), "Servicio 2", "of a template");
  setLanguage("es");
  assert.equal(serviceName(unnamed), "Servicio 12");
});
