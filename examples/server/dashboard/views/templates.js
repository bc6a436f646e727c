import * as api from "../api.js";
import { openForm } from "../dialog.js";
import { editTemplate } from "../dialogs/template.js";
import { element, heading } from "../dom.js";
import { button, iconButton } from "../form.js";
import { fill } from "../loading.js";
import { markdown } from "../markdown.js";
import { notify } from "../notices.js";
import { t } from "../text.js";

/** All templates, for administrators. */
export function showTemplates(main) {
  const content = element("div");
  let config;
  const edit = (template) => editTemplate(template, config, load);
  const get = () => Promise.all([api.listTemplates(), api.getConfig()]);
  const show = ([templates, found]) => {
    config = found;
    return list(templates, edit, load);
  };
  const load = () => fill(content, get, show);
  const create = button(t("templates.create"), {
    icon: "deploy",
    kind: "primary",
    onclick: () => edit(null),
  });
  main.append(element("div", { class: "title" }, heading(t("nav.templates")), create), content);
  load();
}

function list(templates, edit, load) {
  if (templates.length === 0) return element("div", { class: "empty" }, element("p", {}, t("templates.none")));
  return element(
    "ul",
    { class: "tiles" },
    templates.map((template) => tile(template, edit, load)),
  );
}

function tile(template, edit, load) {
  const act = (name, key, action, attributes) => {
    const made = iconButton(name, t(key), action, attributes);
    made.ariaLabel = `${t(key)}: ${template.name}`;
    return made;
  };
  const ports = template.httpPorts.map(({ port, serviceName }) => `${port} ${serviceName}`).join(", ");
  const fact = (name, value) => [element("dt", {}, t(name)), element("dd", {}, value)];
  return element(
    "li",
    {},
    element(
      "div",
      { class: "title" },
      element("h2", {}, template.name),
      element(
        "div",
        { class: "button-row" },
        act("edit", "edit", () => edit(template)),
        act("delete", "action.delete", () => askToDelete(template, load), { class: "icon-button danger" }),
      ),
    ),
    element("p", { class: "address" }, template.dockerImage),
    element(
      "dl",
      { class: "facts-list" },
      fact("deploy.ports", ports || "–"),
      fact("deploy.containerDisk", `${template.containerDiskSize} GB`),
      fact("deploy.volumeDisk", `${template.volumeDiskSize} GB`),
      fact("template.volumePath", template.volumePath),
    ),
    template.description ? element("div", { class: "description" }, markdown(template.description)) : null,
  );
}

function askToDelete(template, load) {
  openForm({
    title: t("deleteTemplate.title", { name: template.name }),
    content: element("p", {}, t("deleteTemplate.text")),
    label: t("action.delete"),
    danger: true,
    action: async () => {
      await api.deleteTemplate(template.id);
      notify(t("done.deleteTemplate", { name: template.name }));
      load();
    },
  });
}
