import { t } from "./text.js";

/** Ports with their names, one a line: `8888 Jupyter Lab`. */
export function formatPorts(ports) {
  return ports.map(({ port, serviceName }) => `${port} ${serviceName}`).join("\n");
}

/** Reads what {@link formatPorts} writes; null where a line does not begin with a port. */
export function readPorts(text) {
  const lines = text.split("\n").map((line) => line.trim());
  const ports = lines.filter(Boolean).map((line) => {
    const [port, ...name] = line.split(/\s+/);
    return { port: /^\d{1,5}$/.test(port) ? Number(port) : 0, serviceName: name.join(" ") || `HTTP ${port}` };
  });
  return ports.every(({ port }) => port >= 1 && port <= 65_535) ? ports : null;
}

/**
 * What a service is called. The record has one name for all languages: who named none finds "Servicio 2" there, which
 * is a name of the platform and not of theirs.
 */
export function serviceName(service) {
  const [, number] = (service.isCustom && /^Servicio (\d+)$/.exec(service.serviceName)) || [];
  return number ? t("connection.service", { number }) : service.serviceName;
}
