/** Ports with their names, one a line: `8888 Jupyter Lab`. */
export function formatPorts(ports) {
  return ports.map(({ port, serviceName }) => `${port} ${serviceName}`).join("\n");
}

/** Reads what {@link formatPorts} writes. What is no number goes to the server as it is, which says what is wrong. */
export function readPorts(text) {
  const lines = text.split("\n").map((line) => line.trim());
  return lines.filter(Boolean).map((line) => {
    const [port, ...name] = line.split(/\s+/);
    return { port: /^\d+$/.test(port) ? Number(port) : port, serviceName: name.join(" ") || port };
  });
}
