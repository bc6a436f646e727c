import { t } from "./text.js";

// As many as a line takes; a refusal names the rest.
const MOST = 8;

/** What the field of an image says: how images are written, and which registries they may come from. */
export function imageHint({ imageRegistries = [], internalRegistries = [] } = {}) {
  const limited = imageRegistries.length > 0;
  const all = limited ? [...imageRegistries, ...internalRegistries] : internalRegistries;
  if (all.length === 0) return t("deploy.imageHint");
  const registries = all.slice(0, MOST).join(", ") + (all.length > MOST ? "…" : "");
  return t(limited ? "deploy.imageOnly" : "deploy.imageAlso", { registries });
}

/** An example that is allowed. */
export function imageExample({ imageRegistries = [] } = {}) {
  const [first] = imageRegistries;
  if (!first) return "quay.io/jupyter/base-notebook";
  return `${first.replace(/^\*\./, "registry.")}/…`;
}
