/** Longest time between two attempts to connect, in milliseconds. */
export const LONGEST_DELAY = 30_000;

/**
 * Milliseconds to wait before attempt number `attempt` (the first is 0): doubles from one second, with jitter, so that
 * a thousand dashboards don't come back to a restarted server in the same moment.
 */
export function delayBefore(attempt, random = Math.random) {
  const ceiling = Math.min(1000 * 2 ** Math.min(attempt, 10), LONGEST_DELAY);
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}
