import { closeDialogs } from "./dialog.js";
import * as session from "./session.js";
import { showAccount } from "./views/account.js";
import { showAllPods } from "./views/all-pods.js";
import { showAudit } from "./views/audit.js";
import { showDeploy } from "./views/deploy.js";
import { showInventory } from "./views/inventory.js";
import { showPods } from "./views/pods.js";
import { showPrices } from "./views/prices.js";
import { showTemplates } from "./views/templates.js";
import { showUserAccount, showUserPods, showUsers } from "./views/users.js";

// A view fills the main element and may return a function that stops what it started.
const OPEN = { pods: showPods, deploy: showDeploy, account: showAccount };
const ADMIN = {
  "all-pods": showAllPods,
  inventory: showInventory,
  users: showUsers,
  templates: showTemplates,
  prices: showPrices,
  audit: showAudit,
};
const OF_USER = { pods: showUserPods, account: showUserAccount };

/**
 * Shows the view that the address names (`#/pods`, `#/users/ID/pods`), now and whenever it changes. `onView` gets the
 * name of the part of the page. Returns a function that stops it.
 */
export function startRouter(main, onView) {
  let stop = () => {};
  const go = (focus) => {
    stop();
    closeDialogs();
    const { name, view } = find();
    main.replaceChildren();
    onView(name);
    stop = view(main) ?? (() => {});
    if (focus) main.querySelector("h1").focus();
    scrollTo(0, 0);
  };
  const onHash = () => go(true);
  addEventListener("hashchange", onHash);
  go(false);
  return () => {
    removeEventListener("hashchange", onHash);
    stop();
  };
}

function find() {
  // Behind a question mark is what a list shows: of the same view.
  const [place] = location.hash.replace(/^#\//, "").split("?");
  const [name, id, part] = place.split("/");
  const views = session.isAdmin() ? { ...OPEN, ...ADMIN } : OPEN;
  if (name === "users" && session.isAdmin() && Object.hasOwn(OF_USER, part)) {
    return { name, view: (main) => OF_USER[part](main, decodeURIComponent(id)) };
  }
  return Object.hasOwn(views, name) ? { name, view: views[name] } : { name: "pods", view: showPods };
}
