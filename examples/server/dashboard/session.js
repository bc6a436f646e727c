const KEY = "neuropod.token";

/** Dispatches `change` (with why, see {@link end}) when somebody signs in or out, in this tab or another. */
export const changes = new EventTarget();

let current = localStorage.getItem(KEY);
let person = null;

/** The bearer token, or null. */
export function token() {
  return current;
}

/** Who is signed in, once the server said so. */
export function user() {
  return person;
}

/** Whether administrators' parts are shown. The server decides what they may do. */
export function isAdmin() {
  return person?.role === "admin";
}

/** Writes down who is signed in, as the server says. */
export function setUser(user) {
  person = user;
}

/** Begins a session. */
export function begin(newToken, user) {
  current = newToken;
  person = user;
  localStorage.setItem(KEY, newToken);
  dispatch(null);
}

/** Ends the session: the person has `left`, or the token is `expired` or revoked. */
export function end(why) {
  if (current === null) return;
  current = null;
  person = null;
  localStorage.removeItem(KEY);
  dispatch(why);
}

// Another tab signed in or out.
addEventListener("storage", (event) => {
  if (event.storageArea !== localStorage || (event.key !== KEY && event.key !== null)) return;
  const now = localStorage.getItem(KEY);
  if (now === current) return;
  current = now;
  person = null;
  dispatch(now === null ? "left" : null);
});

function dispatch(why) {
  changes.dispatchEvent(new CustomEvent("change", { detail: why }));
}
