import { exact } from "./format.js";
import { isStopped } from "./steps.js";

/** What a quote leaves: how long the balance lasts, in hours, at these prices per hour; null when it costs nothing. */
export function hoursLeft(available, ...hourly) {
  const sum = hourly.reduce((total, price) => total + price, 0);
  return sum > 0 ? Math.max(0, available) / sum : null;
}

/** Hours as whole minutes, in seconds: what is an estimate has no seconds. */
export function roughly(hours) {
  return Math.round(hours * 60) * 60;
}

/** What a pod costs per hour in its state: its volume only, once it is stopped. */
export function hourlyCost(pod) {
  return (isStopped(pod) ? pod.costStopped : pod.costPerHour) ?? 0;
}

/** What a pod has cost up to now, where the server said at `since` (milliseconds) what it had cost. */
export function costNow(pod, since) {
  const hours = Math.max(0, Date.now() - since) / 3_600_000;
  return (pod.totalCost ?? 0) + (pod.billedPerHour ?? 0) * hours;
}

/** What is charged per hour for these pods now, and what would be if all of them ran. */
export function hourlySums(pods) {
  const sum = (part) => exact(pods.reduce((total, pod) => total + (pod[part] ?? 0), 0));
  return { now: sum("billedPerHour"), ifAllRan: sum("costPerHour") };
}

/** What runs out, and how urgent that is: another text at every threshold at which the owner is warned. */
export function levelOf({ kind, secondsLeft }) {
  const thresholds = kind === "volume" ? [86_400] : [900, 300];
  return `${kind} ${thresholds.filter((threshold) => secondsLeft < threshold).length}`;
}

/** A balance as a number: the server writes that of administrators as the text "Infinity". */
export function balanceNumber(balance) {
  return typeof balance === "number" ? balance : Number(balance ?? 0);
}

/**
 * An amount of the browser's input, "12,50" or "12.50", as a number; null when it is no amount of at most two
 * decimals.
 */
export function readAmount(text) {
  const amount = text.trim().replace(",", ".");
  return /^-?\d{1,12}(\.\d{1,2})?$/.test(amount) ? Number(amount) : null;
}
