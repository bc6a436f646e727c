/** Milliseconds between two questions for a link that somebody waits for. */
export const EVERY = 2000;

/** Whether the pod of these links runs, but one can't be opened yet: its Jupyter server has not said its token. */
export function awaitsLogin({ status, httpServices }) {
  return status === "running" && httpServices.some((service) => service.status === "creating");
}

/**
 * Asks again for links that wait for a token, because the server looks first for tokens that somebody asks for. Returns a
 * function for each answer, which calls `ask` after a while if it is needed.
 */
export function askWhileAwaited(ask, signal) {
  let timer = null;
  signal.addEventListener("abort", () => clearTimeout(timer));
  return (links) => {
    clearTimeout(timer);
    if (!signal.aborted && awaitsLogin(links)) timer = setTimeout(ask, EVERY);
  };
}
