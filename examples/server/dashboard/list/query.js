import { collator } from "../format.js";
import { costNow, hourlyCost } from "../money.js";
import { isStopped } from "../steps.js";

/** The orders of a list of pods, the usual one first. */
export const ORDERS = ["newest", "name", "cost", "status"];
/** The states of a pod, in the order of a list: what needs somebody comes first. */
export const STATES = ["error", "creating", "running", "stopping", "stopped", "deleting"];

/** What is searched for when nothing is. */
export const EVERYTHING = Object.freeze({ text: "", status: "", gpu: "", order: ORDERS[0] });

/** Reads what a list of pods is to show from the part of the address behind `?`. What makes no sense is left out. */
export function readQuery(parameters) {
  const given = new URLSearchParams(parameters);
  const one = (name, known) => (known.includes(given.get(name)) ? given.get(name) : EVERYTHING[name]);
  return {
    text: given.get("text") ?? "",
    status: one("status", STATES),
    gpu: given.get("gpu") ?? "",
    order: one("order", ORDERS),
  };
}

/** The same as a part of an address: only what differs from everything. */
export function writeQuery(query) {
  return new URLSearchParams(Object.entries(query).filter(([name, value]) => value !== EVERYTHING[name])).toString();
}

/** Whether something is left out, whatever the order. */
export function isFiltered({ text, status, gpu }) {
  return text.trim() !== "" || status !== "" || gpu !== "";
}

/** The state that is shown of a pod: on its way to another one it is in none of the server's four. */
export function stateOf(pod) {
  if (pod.desired === "deleted") return "deleting";
  return pod.step === "stopping" ? "stopping" : pod.status;
}

/** The pods that are searched for, in their order. `gpuName` names a GPU by its id. */
export function selectPods(pods, query, gpuName) {
  return pods.filter(filterOf(query, gpuName)).sort(orderOf(query.order));
}

/** Whether a pod is searched for. Every word must be somewhere in what the list shows of it. */
export function filterOf({ text, status, gpu }, gpuName) {
  const words = plain(text).split(/\s+/).filter(Boolean);
  return (pod) => {
    if (status && stateOf(pod) !== status) return false;
    if (gpu && pod.gpu !== gpu) return false;
    if (words.length === 0) return true;
    const shown = plain(
      [pod.podName, pod.dockerImage, gpuName(pod.gpu), pod.userEmail, pod.podId].filter(Boolean).join("\n"),
    );
    return words.every((word) => shown.includes(word));
  };
}

/** Which of two pods comes first; those that are equal in this order go by their age, the newest first. */
export function orderOf(order) {
  const newest = (one, other) =>
    compare(other.createdAt, one.createdAt) || compare(one.podId, other.podId);
  const first = {
    newest: () => 0,
    name: (one, other) => collator().compare(one.podName, other.podName),
    cost: (one, other) => hourlyCost(other) - hourlyCost(one) || centsNow(other) - centsNow(one),
    status: (one, other) => rank(one) - rank(other),
  }[order];
  return (one, other) => first(one, other) || newest(one, other);
}

// What a pod has cost so far, as it is shown.
function centsNow(pod) {
  return Math.round(costNow(pod, pod.costKnownAt ?? Date.now()) * 100);
}

function rank(pod) {
  const place = STATES.indexOf(stateOf(pod));
  return place < 0 ? STATES.length : place;
}

function compare(one, other) {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}

// Without accents and case: who searches for "camion" finds "Camión".
function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

/** Whether stopping a pod changes anything. */
export function canStop(pod) {
  return !isStopped(pod) && pod.desired !== "deleted";
}
