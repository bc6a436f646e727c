import * as api from "./api.js";
import { balance } from "./balance.js";
import { closeDialogs } from "./dialog.js";
import { element } from "./dom.js";
import { explain } from "./errors.js";
import { button } from "./form.js";
import { setCurrency } from "./format.js";
import { live } from "./live.js";
import { clearNotices, notifyError } from "./notices.js";
import * as session from "./session.js";
import { showShell } from "./shell.js";
import { language, t } from "./text.js";
import { showSignIn } from "./views/sign-in.js";
import { returnFromGoogle } from "./google.js";

const app = document.getElementById("app");
let config = null;
let leave = () => {};
let turn = 0;

/** Shows what there is to show: the sign-in page, or the platform. `why` is why the last session ended. */
async function show(why = null) {
  const mine = ++turn;
  leave();
  leave = () => {};
  document.documentElement.lang = language();
  try {
    config ??= configOfPage() ?? (await api.getConfig());
    setCurrency(config.currency);
    const idToken = returnFromGoogle();
    if (idToken) {
      const answer = await api.signInWithGoogle(idToken);
      return session.begin(answer.token, answer.user);
    }
    if (session.token() && !session.user()) session.setUser(await api.getMe());
    // Somebody has signed in or out meanwhile, and that is being shown.
    if (mine !== turn) return;
  } catch (error) {
    // As where a 401 has ended the session.
    if (mine !== turn) return;
    return showFailure(error);
  }
  if (session.user()) {
    leave = showShell(app, config, () => show());
  } else {
    showSignIn(app, config, { why, changeLanguage: () => show(why) });
  }
}

// The server writes it into the page, which saves a question before anything can be shown.
function configOfPage() {
  const written = document.querySelector("meta[name='neuropod-config']")?.content;
  return written ? JSON.parse(written) : null;
}

function showFailure(error) {
  const text = element("p", {}, explain(error));
  const again = button(t("retry"), { kind: "primary", onclick: () => show() });
  app.replaceChildren(
    element(
      "main",
      { class: "sign-in" },
      element("h1", {}, "Neuropod"),
      element("div", { class: "failure", role: "alert" }, text, again),
    ),
  );
}

session.changes.addEventListener("change", (event) => {
  closeDialogs();
  clearNotices();
  live.stop();
  balance.stop();
  show(event.detail);
});

// Nothing fails silently: what no view has caught is shown here.
addEventListener("unhandledrejection", (event) => {
  if (event.reason?.name !== "AbortError") notifyError(explain(event.reason));
});

show();
