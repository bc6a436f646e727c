import * as api from "../api.js";
import { openForm } from "../dialog.js";
import { element } from "../dom.js";
import { button, createForm, field } from "../form.js";
import { fill } from "../loading.js";
import { tell } from "../notices.js";
import { t } from "../text.js";

/** The price list, for administrators. */
export function showPrices(main) {
  const content = element("div");
  const load = () => fill(content, api.getPricing, (prices) => priceForm(prices, load));
  main.append(element("div", { class: "title" }, element("h1", {}, t("nav.prices"))), element("p", { class: "muted" }, t("prices.intro")), content);
  load();
}

function priceForm(prices, load) {
  const { containerDisk, volumeDisk } = prices.storage;
  const gpus = Object.values(prices.gpus).map((gpu) => gpuFields(gpu));
  return createForm({
    content: [
      element("section", {}, element("h2", {}, t("prices.gpus")), element("div", { class: "price-grid" }, gpus)),
      element(
        "section",
        {},
        element("h2", {}, t("prices.storage")),
        element(
          "div",
          { class: "price-grid" },
          field("storage.containerDisk.price", t("deploy.containerDisk"), priceInput(containerDisk.price), t("prices.perGb")),
          field("storage.volumeDisk.price", t("deploy.volumeDisk"), priceInput(volumeDisk.price), t("prices.perGb")),
        ),
      ),
      element(
        "section",
        {},
        element("h2", {}, t("prices.freeTier")),
        element("div", { class: "price-grid" }, field("freeTier.initialBalance", t("prices.initial"), priceInput(prices.freeTier.initialBalance), "EUR")),
      ),
    ],
    label: t("save"),
    more: [button(t("prices.reset"), { onclick: () => askToReset(load) })],
    action: async (data) => {
      const changes = changed(prices, data);
      if (Object.keys(changes).length === 0) return tell(t("prices.same"));
      await api.updatePricing(changes);
      tell(t("done.prices"));
      load();
    },
  });
}

function gpuFields(gpu) {
  const name = `gpus.${gpu.id}`;
  const offered = element("input", { type: "checkbox", name: `${name}.available`, checked: gpu.available });
  const place = field(`${name}.price`, gpu.name, priceInput(gpu.price), t("prices.perHour"));
  place.append(element("label", { class: "check" }, offered, t("prices.offered"), element("span", { class: "unseen" }, ` ${gpu.name}`)));
  return place;
}

function priceInput(price) {
  return element("input", { type: "number", min: 0, step: "any", value: price, inputmode: "decimal" });
}

/** What of the form differs from the price list, in the same shape: others may change other prices meanwhile. */
function changed(prices, data) {
  const price = (name) => (data.get(name) === "" ? null : Number(data.get(name)));
  const changes = {};
  for (const gpu of Object.values(prices.gpus)) {
    const now = { price: price(`gpus.${gpu.id}.price`), available: data.has(`gpus.${gpu.id}.available`) };
    const different = Object.entries(now).filter(([key, value]) => value !== gpu[key]);
    if (different.length > 0) (changes.gpus ??= {})[gpu.id] = Object.fromEntries(different);
  }
  for (const disk of ["containerDisk", "volumeDisk"]) {
    const now = price(`storage.${disk}.price`);
    if (now !== prices.storage[disk].price) (changes.storage ??= {})[disk] = { price: now };
  }
  const initialBalance = price("freeTier.initialBalance");
  if (initialBalance !== prices.freeTier.initialBalance) changes.freeTier = { initialBalance };
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
      tell(t("done.prices"));
      load();
    },
  });
}
