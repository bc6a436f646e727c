import * as api from "../api.js";
import { openForm } from "../dialog.js";
import { element, heading, setText } from "../dom.js";
import { button, checkbox, createForm, field, fieldset } from "../form.js";
import { currency } from "../format.js";
import { fill } from "../loading.js";
import { notify } from "../notices.js";
import { t } from "../text.js";

/** The price list, for administrators. */
export function showPrices(main) {
  const intro = element("p", { class: "muted" });
  const content = element("div");
  const get = () => Promise.all([api.getPricing(), api.getConfig()]);
  const show = ([prices, { pricePolicy }]) => {
    setText(intro, t(`prices.${pricePolicy}`));
    return priceForm(prices, load);
  };
  const load = () => fill(content, get, show);
  main.append(
    element("div", { class: "title" }, heading(t("nav.prices"))),
    intro,
    content,
  );
  load();
}

function priceForm(prices, load) {
  const { containerDisk, volumeDisk } = prices.storage;
  const gpus = Object.values(prices.gpus).map((gpu) => {
    const place = field(gpuField(gpu), gpu.name, priceInput(gpu.price), t("prices.perHour", { currency: currency() }));
    if (!gpu.available) place.append(element("p", { class: "hint" }, t("gpu.notOffered")));
    return place;
  });
  const { enabled, initialBalance } = prices.freeTier;
  return createForm({
    content: [
      fieldset("gpus", t("prices.gpus"), element("div", { class: "price-grid" }, gpus)),
      element(
        "fieldset",
        { class: "field" },
        element("legend", {}, t("prices.storage")),
        element(
          "div",
          { class: "price-grid" },
          field("containerDisk", t("deploy.containerDisk"), priceInput(containerDisk.price), t("prices.perGb", { currency: currency() })),
          field("volumeDisk", t("deploy.volumeDisk"), priceInput(volumeDisk.price), t("prices.perGb", { currency: currency() })),
        ),
      ),
      element(
        "fieldset",
        { class: "field" },
        element("legend", {}, t("prices.freeTier")),
        checkbox("enabled", t("prices.freeTierOn"), enabled, t("prices.freeTierHint")),
        element(
          "div",
          { class: "price-grid" },
          field("initialBalance", t("prices.initialBalance"), priceInput(initialBalance), t("prices.onceForEach", { currency: currency() })),
        ),
      ),
    ],
    label: t("save"),
    more: [button(t("prices.reset"), { onclick: () => askToReset(load) })],
    action: async (data) => {
      const changes = changed(prices, data);
      if (Object.keys(changes).length === 0) return notify(t("prices.same"));
      await api.updatePricing(changes);
      notify(t("done.prices"));
      load();
    },
  });
}

function gpuField(gpu) {
  return `gpu ${gpu.id}`;
}

function priceInput(price) {
  return element("input", { type: "number", min: 0, step: "any", value: price, inputmode: "decimal" });
}

// What of the form differs from the price list, in the same shape: others may change other prices meanwhile.
function changed(prices, data) {
  const price = (name) => (data.get(name) === "" ? null : Number(data.get(name)));
  const changes = {};
  for (const gpu of Object.values(prices.gpus)) {
    const now = price(gpuField(gpu));
    if (now !== gpu.price) (changes.gpus ??= {})[gpu.id] = { price: now };
  }
  for (const disk of ["containerDisk", "volumeDisk"]) {
    const now = price(disk);
    if (now !== prices.storage[disk].price) (changes.storage ??= {})[disk] = { price: now };
  }
  const enabled = data.get("enabled") !== null;
  if (enabled !== prices.freeTier.enabled) (changes.freeTier ??= {}).enabled = enabled;
  const initialBalance = price("initialBalance");
  if (initialBalance !== prices.freeTier.initialBalance) (changes.freeTier ??= {}).initialBalance = initialBalance;
  return changes;
}

function askToReset(load) {
  openForm({
    title: t("prices.reset"),
    content: element("p", {}, t("prices.resetText")),
    label: t("prices.reset"),
    danger: true,
    action: async () => {
      await api.resetPricing();
      notify(t("done.prices"));
      load();
    },
  });
}
