const SVG = "http://www.w3.org/2000/svg";

// Outlines on a grid of 24, drawn with the colour of the text.
const PATHS = {
  pods: ["M4 5h16v6H4z", "M4 13h16v6H4z", "M8 8h.01", "M8 16h.01"],
  "all-pods": ["M3 4h8v6H3z", "M13 4h8v6h-8z", "M3 14h8v6H3z", "M13 14h8v6h-8z"],
  audit: ["M6 3h12v18H6z", "M9 8h6", "M9 12h6", "M9 16h3"],
  credit: ["M3 7h13v11H3z", "M3 11h13", "M20 4v6", "M17 7h6"],
  deploy: ["M12 5v14", "M5 12h14"],
  account: ["M3 7h18v12H3z", "M3 11h18", "M16 15h2"],
  users: ["M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8z", "M2 21a7 7 0 0 1 14 0", "M17 4a4 4 0 0 1 0 7", "M19 14a7 7 0 0 1 3 7"],
  templates: ["M5 3h9l5 5v13H5z", "M14 3v5h5", "M9 13h6", "M9 17h6"],
  prices: ["M4 4h8l8 8-8 8-8-8z", "M8 8h.01"],
  inventory: ["M6 6h12v12H6z", "M10 10h4v4h-4z", "M9 2v4M15 2v4M9 18v4M15 18v4M2 9h4M2 15h4M18 9h4M18 15h4"],
  open: ["M14 4h6v6", "M20 4 11 13", "M18 14v6H4V6h6"],
  logs: ["M4 5h16v14H4z", "m8 9 3 3-3 3", "M13 15h3"],
  start: ["M7 4v16l13-8z"],
  stop: ["M6 6h12v12H6z"],
  restart: ["M20 11a8 8 0 1 0-2 6", "M20 4v7h-7"],
  delete: ["M4 7h16", "M9 7V4h6v3", "M6 7l1 13h10l1-13", "M10 11v6M14 11v6"],
  details: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M12 11v5", "M12 8h.01"],
  copy: ["M9 9h11v11H9z", "M15 9V4H4v11h5"],
  download: ["M12 4v11", "m7 11 5 5 5-5", "M4 20h16"],
  search: ["M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14z", "m20 20-4-4"],
  up: ["m6 15 6-6 6 6"],
  down: ["m6 9 6 6 6-6"],
  close: ["M6 6l12 12", "M18 6 6 18"],
  edit: ["M4 20h4L19 9l-4-4L4 16z"],
  limit: ["M4 18a9 9 0 1 1 16 0", "m12 14 4-4", "M12 14h.01"],
  suspend: ["M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18z", "M6 6l12 12"],
  light: [
    "M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8z",
    "M12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.5 1.5M17.5 17.5 19 19M19 5l-1.5 1.5M6.5 17.5 5 19",
  ],
  dark: ["M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z"],
  menu: ["M4 7h16M4 12h16M4 17h16"],
  leave: ["M10 4H5v16h5", "M14 8l4 4-4 4", "M18 12H9"],
  check: ["m5 13 4 4L19 7"],
  warning: ["M12 4 2.5 20h19z", "M12 10v4", "M12 17h.01"],
};

/** An icon; screen readers don't see it, so what has one needs a name of its own. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  svg.classList.add("icon");
  for (const outline of PATHS[name]) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", outline);
    svg.append(path);
  }
  return svg;
}
