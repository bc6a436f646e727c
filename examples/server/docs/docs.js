// Shows the OpenAPI document of this server, and calls its routes. All text goes in as text, never as HTML.

const element = (name, attributes = {}, ...children) => {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
};

const api = await (await fetch("/api/openapi.json")).json();
document.querySelector("#about").textContent = api.info.description;

const resolve = (schema) =>
  schema?.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;

/** An example of what a schema describes. */
function example(schema, depth = 0) {
  const found = resolve(schema) ?? {};
  if (depth > 5) return null;
  if (found.example !== undefined) return found.example;
  const first = (found.oneOf ?? found.anyOf ?? found.allOf)?.find((one) => one.type !== "null");
  if (first) return example(first, depth + 1);
  const type = Array.isArray(found.type) ? found.type.find((one) => one !== "null") : found.type;
  if (type === "object" || found.properties) {
    const fields = Object.entries(found.properties ?? {});
    return Object.fromEntries(fields.map(([name, field]) => [name, example(field, depth + 1)]));
  }
  if (type === "array") return [example(found.items, depth + 1)];
  return { string: "", integer: found.minimum ?? 0, number: 0, boolean: false }[type] ?? null;
}

const bodyOf = (content) => Object.values(content ?? {})[0];

function route(path, method, operation) {
  const parameters = operation.parameters ?? [];
  const inputs = parameters.map((parameter) => [parameter, element("input", { type: "text" })]);
  const body = bodyOf(operation.requestBody?.content);
  const sent = body && (body.example ?? example(body.schema));
  const text = body && element("textarea", { value: JSON.stringify(sent, null, 2), spellcheck: false });
  if (text) text.setAttribute("aria-label", "Body");
  const answer = element("pre", { hidden: true });
  const send = element("button", { type: "submit", textContent: "Send" });
  const form = element("form", {},
    ...inputs.map(([parameter, input]) =>
      element("p", {}, element("label", {}, `${parameter.name} (${parameter.in}) `, input))),
    ...(text ? [text] : []), element("p", {}, send), answer);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    let address = path;
    const query = new URLSearchParams();
    const headers = {};
    for (const [parameter, { value }] of inputs) {
      if (parameter.in === "path") address = address.replace(`{${parameter.name}}`, encodeURIComponent(value));
      else if (value && parameter.in === "query") query.set(parameter.name, value);
      else if (value) headers[parameter.name] = value;
    }
    const token = document.querySelector("#token").value;
    if (token) headers.Authorization = `Bearer ${token}`;
    if (text) headers["Content-Type"] = "application/json";
    answer.hidden = false;
    try {
      const got = await fetch(query.size ? `${address}?${query}` : address, { method, headers, body: text?.value });
      const said = await got.text();
      try {
        answer.textContent = `${got.status}\n${JSON.stringify(JSON.parse(said), null, 2)}`;
      } catch {
        answer.textContent = `${got.status}\n${said}`;
      }
    } catch (error) {
      answer.textContent = String(error);
    }
  });
  const rows = Object.entries(operation.responses).map(([status, response]) => {
    const shape = bodyOf(response.content)?.schema;
    return element("tr", {}, element("td", { textContent: status }), element("td", { textContent: response.description }),
      element("td", {}, shape ? element("details", {}, element("summary", { textContent: "shape" }),
        element("pre", { textContent: JSON.stringify(example(shape), null, 2) })) : ""));
  });
  return element("details", {},
    element("summary", {}, element("span", { className: "method", textContent: method }),
      element("code", { textContent: path }), ` ${operation.summary ?? ""}`),
    element("div", {}, element("p", { textContent: operation.description ?? "" }), form, element("table", {}, ...rows)));
}

const groups = new Map();
for (const [path, methods] of Object.entries(api.paths)) {
  for (const [method, operation] of Object.entries(methods)) {
    if (!operation.responses) continue;
    const group = operation.tags?.[0] ?? "Other";
    groups.set(group, [...(groups.get(group) ?? []), route(path, method, operation)]);
  }
}
document.querySelector("#routes").replaceChildren(
  ...[...groups].flatMap(([name, routes]) => [element("h2", { textContent: name }), ...routes]));
