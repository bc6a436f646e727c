import * as api from "../api.js";
import { openForm } from "../dialog.js";
import { element } from "../dom.js";
import { field } from "../form.js";
import { imageHint } from "../images.js";
import { notify } from "../notices.js";
import { formatPorts, readPorts } from "../ports.js";
import { t } from "../text.js";

/** Makes a template, or changes this one; `saved` is called afterwards. `config` is that of the server. */
export function editTemplate(template, config, saved) {
  const text = (value, attributes = {}) =>
    element("input", { type: "text", value: value ?? "", autocomplete: "off", ...attributes });
  const size = (value) =>
    element("input", { type: "number", min: 1, step: 1, value: value ?? 10, inputmode: "numeric" });
  const ports = element("textarea", { rows: 3, spellcheck: "false" });
  ports.value = formatPorts(template?.httpPorts ?? [{ port: 8888, serviceName: "Jupyter Lab" }]);
  const description = element("textarea", { rows: 5 });
  description.value = template?.description ?? "";
  openForm({
    title: template ? t("template.edit", { name: template.name }) : t("templates.create"),
    size: "",
    content: [
      field("name", t("deploy.name"), text(template?.name)),
      field(
        "dockerImage",
        t("deploy.image"),
        text(template?.dockerImage, { spellcheck: "false" }),
        imageHint(config),
      ),
      field("httpPorts", t("deploy.ports"), ports, t("template.portsHint")),
      element(
        "div",
        { class: "columns" },
        field("containerDiskSize", t("deploy.containerDisk"), size(template?.containerDiskSize), "GB"),
        field("volumeDiskSize", t("deploy.volumeDisk"), size(template?.volumeDiskSize), "GB"),
      ),
      field(
        "volumePath",
        t("template.volumePath"),
        text(template?.volumePath ?? "/workspace", { spellcheck: "false" }),
      ),
      field("description", t("template.description"), description, t("template.descriptionHint")),
    ],
    label: t("save"),
    action: async (data) => {
      const body = read(data);
      await api.saveTemplate(template?.id, template ? { ...template, ...body } : body);
      notify(t("done.template", { name: body.name }));
      saved();
    },
  });
}

function read(data) {
  const size = (name) => (data.get(name) === "" ? null : Number(data.get(name)));
  const httpPorts = readPorts(data.get("httpPorts"));
  if (httpPorts === null) throw api.wrongField("httpPorts", t("template.portsWrong"));
  return {
    name: data.get("name").trim(),
    dockerImage: data.get("dockerImage").trim(),
    httpPorts,
    containerDiskSize: size("containerDiskSize"),
    volumeDiskSize: size("volumeDiskSize"),
    volumePath: data.get("volumePath").trim(),
    description: data.get("description"),
  };
}
