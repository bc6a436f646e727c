import * as api from "../api.js";
import { simulated } from "../banners.js";
import { element } from "../dom.js";
import { button, createForm, field } from "../form.js";
import { goToGoogle } from "../google.js";
import * as session from "../session.js";
import { t } from "../text.js";
import { languageButton, themeButton } from "../tools.js";

/** The page of who is not signed in. */
export function showSignIn(app, config, { why, changeLanguage }) {
  const ways = [];
  if (config.googleClientId) {
    ways.push(button(t("signIn.google"), { kind: "primary", onclick: () => goToGoogle(config.googleClientId) }));
  }
  if (config.devLogin) ways.push(developmentForm());
  if (ways.length === 0) ways.push(element("p", {}, t("signIn.none")));
  document.title = "Neuropod";
  const main = element(
    "main",
    { class: "sign-in" },
    element("img", { src: "/icon.svg", alt: "", width: 48, height: 48 }),
    element("h1", {}, "Neuropod"),
    element("p", { class: "muted" }, t("signIn.intro")),
    config.simulated ? simulated() : null,
    why === "expired" ? element("p", { class: "banner warn", role: "alert" }, t("signIn.expired")) : null,
    ways,
    element("div", { class: "tools" }, languageButton(changeLanguage), themeButton()),
  );
  app.replaceChildren(main);
}

function developmentForm() {
  const email = element("input", { type: "email", autocomplete: "email", autofocus: true, spellcheck: "false" });
  return createForm({
    content: field("email", t("user.email"), email, t("signIn.development")),
    label: t("signIn"),
    action: async (data) => {
      const { token, user } = await api.signInForDevelopment(data.get("email").trim());
      session.begin(token, user);
    },
  });
}
