import * as api from "../api.js";
import { balance } from "../balance.js";
import { debounced, element, heading } from "../dom.js";
import { checkbox, createForm, field, fieldset } from "../form.js";
import { currency, money, number } from "../format.js";
import { firstGpu } from "../gpu.js";
import { imageExample, imageHint } from "../images.js";
import { fill } from "../loading.js";
import { markdown } from "../markdown.js";
import { readAmount } from "../money.js";
import { notify } from "../notices.js";
import { randomKey } from "../random.js";
import * as session from "../session.js";
import { t } from "../text.js";
import { quotePanel } from "./quote.js";

// What disks begin with, in GB.
const DISK = 10;

/** The form that creates a pod. */
export function showDeploy(main) {
  const stopped = new AbortController();
  const content = element("div");
  main.append(element("div", { class: "title" }, heading(t("nav.deploy"))), content);
  fill(content, load, (offers) => deployForm(offers, stopped.signal));
  return () => stopped.abort();
}

async function load() {
  const [prices, templates, pods, config, users] = await Promise.all([
    api.getPricing(),
    api.listTemplates(),
    api.listPods(),
    // That of the page itself is for everybody, and does not name all registries.
    api.getConfig(),
    session.isAdmin() ? api.listUsers() : [],
    // Which GPU is chosen goes by it, too.
    balance.current ?? balance.refresh(),
  ]);
  return { prices, templates, pods, config, clients: users.filter((user) => user.role === "client") };
}

function deployForm({ prices, templates, pods, config, clients }, signal) {
  const { limits } = prices;
  const name = element("input", { type: "text", autocomplete: "off", maxlength: 50 });
  const ports = element("input", { type: "text", value: "8888", autocomplete: "off", spellcheck: "false" });
  const containerDisk = diskInput(limits.containerDiskMax);
  const volumeDisk = diskInput(limits.volumeDiskMax);
  // What somebody has written stays, whatever template they choose then.
  const written = new Set();
  const propose = (control, value) => {
    if (!written.has(control)) control.value = value;
  };
  const source = sourceFields(templates, config, (template) => {
    propose(ports, template.httpPorts.map(({ port }) => port).join(", "));
    propose(containerDisk, template.containerDiskSize);
    propose(volumeDisk, template.volumeDiskSize);
    update();
  });
  const quote = quotePanel(pods, signal);
  const once = keys();
  const form = createForm({
    content: [
      field("name", t("deploy.name"), name, t("deploy.nameHint")),
      source.element,
      gpuChoice(prices.gpus, firstGpu(prices, balance.available, { container: DISK, volume: DISK })),
      element(
        "div",
        { class: "columns" },
        field(
          "containerDiskSize",
          t("deploy.containerDisk"),
          containerDisk,
          diskHint(prices.storage.containerDisk, limits.containerDiskMax),
        ),
        field(
          "volumeDiskSize",
          t("deploy.volumeDisk"),
          volumeDisk,
          diskHint(prices.storage.volumeDisk, limits.volumeDiskMax),
        ),
      ),
      field("ports", t("deploy.ports"), ports, t("deploy.portsHint", { count: limits.portsMax })),
      checkbox("enableJupyter", t("deploy.jupyter"), true, t("deploy.jupyterHint")),
      field("dailyCap", t("deploy.cap", { currency: currency() }), capInput(), t("deploy.capHint")),
      session.isAdmin() ? assignField(clients) : null,
    ],
    label: t("deploy.submit"),
    action: async (data) => {
      const body = read(data);
      if (body.dailyCap === null) throw api.wrongField("dailyCap", t("balance.wrong"));
      try {
        const pod = await api.createPod(body, once.keyFor(body));
        notify(t("done.deploy", { name: pod.podName }));
        location.hash = body.assignToUser ? "#/users" : "#/pods";
      } catch (error) {
        if (!error.isUncertain) once.forget();
        throw error;
      }
    },
  });
  const ask = () => quote.update(read(new FormData(form)));
  const update = debounced(ask, 250);
  form.addEventListener("input", ({ target }) => {
    written.add(target);
    update();
  });
  signal.addEventListener("abort", update.cancel);
  source.begin();
  ask();
  return element("div", { class: "deploy" }, form, quote.element);
}

// A repetition after an answer that never came must not make a second pod; a changed request is another one.
function keys() {
  let key = null;
  let of = null;
  return {
    keyFor(body) {
      const text = JSON.stringify(body);
      if (key === null || text !== of) [key, of] = [randomKey(), text];
      return key;
    },
    forget() {
      key = null;
    },
  };
}

function read(data) {
  const size = (name) => (data.get(name) === "" ? null : Number(data.get(name)));
  const type = data.get("deploymentType");
  // What is no amount becomes null, and never "no cap" without a word.
  const cap = data.get("dailyCap").trim();
  return {
    name: data.get("name").trim(),
    deploymentType: type,
    ...(type === "template" ? { template: data.get("template") } : { dockerImage: data.get("dockerImage").trim() }),
    gpu: data.get("gpu"),
    containerDiskSize: size("containerDiskSize"),
    volumeDiskSize: size("volumeDiskSize"),
    ports: data.get("ports"),
    enableJupyter: data.has("enableJupyter"),
    ...(cap ? { dailyCap: readAmount(cap) } : {}),
    ...(data.get("assignToUser") ? { assignToUser: data.get("assignToUser").trim() } : {}),
  };
}

function diskInput(most) {
  return element("input", { type: "number", min: 1, max: most, step: 1, value: DISK, inputmode: "numeric" });
}

function capInput() {
  return element("input", { type: "text", autocomplete: "off", inputmode: "decimal" });
}

function diskHint(storage, most) {
  return t("deploy.diskHint", { most, price: money(storage.price) });
}

function sourceFields(templates, config, chosen) {
  const radio = (value, checked) =>
    element(
      "label",
      {},
      element("input", { type: "radio", name: "deploymentType", value, checked }),
      t(`deploy.${value}`),
    );
  const hasTemplates = templates.length > 0;
  const choice = fieldset(
    "deploymentType",
    t("deploy.type"),
    element("div", { class: "segments" }, radio("template", hasTemplates), radio("docker", !hasTemplates)),
  );
  const select = element("select", {}, element("option", { value: "" }, t("deploy.choose")));
  select.append(...templates.map((template) => element("option", { value: template.id }, template.name)));
  const description = element("div", { class: "description", hidden: true });
  const template = field("template", t("deploy.template"), select, hasTemplates ? null : t("deploy.noTemplates"));
  template.append(description);
  const image = field(
    "dockerImage",
    t("deploy.image"),
    element("input", {
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      autocapitalize: "none",
      placeholder: imageExample(config),
    }),
    imageHint(config),
  );
  const choose = () => {
    const found = templates.find(({ id }) => id === select.value);
    description.hidden = !found?.description;
    description.replaceChildren(...markdown(found?.description ?? ""));
    if (found) chosen(found);
  };
  select.addEventListener("change", choose);
  // Where there is one, there is nothing to choose.
  const begin = () => {
    if (templates.length !== 1) return;
    select.value = templates[0].id;
    choose();
  };
  const show = () => {
    const type = choice.querySelector("input:checked").value;
    template.hidden = type !== "template";
    image.hidden = type !== "docker";
  };
  choice.addEventListener("change", show);
  show();
  return { element: element("div", { class: "source" }, choice, template, image), begin };
}

function gpuChoice(gpus, first) {
  const cards = Object.values(gpus).map((gpu) => {
    const free = gpu.free === null || gpu.free === undefined ? null : t("gpu.free", { count: gpu.free });
    const { memory, cores, podMemoryGb, podCpus } = gpu.specs ?? {};
    const card = [memory, cores > 0 ? t("gpu.cores", { cores: number(cores) }) : null].filter(Boolean).join(" · ");
    const pod = t("gpu.pod", { memory: number(podMemoryGb, 1), count: podCpus, cpus: number(podCpus, 1) });
    return element(
      "label",
      { class: "gpu-card" },
      element("input", { type: "radio", name: "gpu", value: gpu.id, disabled: !gpu.available, checked: gpu.id === first }),
      element("strong", {}, gpu.name),
      element("span", {}, t("perHour", { amount: money(gpu.price) })),
      gpu.gpuCount > 0 && card ? element("span", { class: "sub" }, t("gpu.card", { specs: card })) : null,
      podCpus > 0 ? element("span", { class: "sub" }, pod) : null,
      element("span", { class: gpu.free === 0 ? "sub low" : "sub" }, gpu.available ? free : t("gpu.notOffered")),
    );
  });
  return fieldset("gpu", t("pod.gpu"), element("div", { class: "gpu-cards" }, cards));
}

function assignField(clients) {
  const options = element(
    "datalist",
    { id: "clients" },
    clients.map((user) => element("option", { value: user.email }, user.name)),
  );
  const input = element("input", { type: "email", list: "clients", autocomplete: "off" });
  const place = field("assignToUser", t("deploy.assign"), input, t("deploy.assignHint"));
  place.append(options);
  return place;
}
