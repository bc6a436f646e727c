/** The steps of a pod on its way to running, in their order. */
export const STEPS = ["accepted", "scheduling", "preparing", "pulling_image", "starting", "ready"];

/** Whether a pod is on its way to running, or hangs there: only then its steps say something. */
export function isUnderWay(pod) {
  return pod.status === "creating" || (pod.status === "error" && pod.desired !== "stopped");
}

/** Whether a pod is stopped, by its owner or for a reason, or about to be. */
export function isStopped(pod) {
  return pod.desired === "stopped" || pod.status === "stopped";
}

/** Each step with its state: `done`, `current`, `stuck` (it failed, or hangs for a reason) or `todo`. */
export function progress(pod) {
  const at = STEPS.indexOf(pod.step);
  return STEPS.map((step, index) => ({ step, state: stateOf(index, at, pod) }));
}

function stateOf(index, at, pod) {
  if (index < at || (pod.step === "ready" && index === at)) return "done";
  if (index > at) return "todo";
  return pod.reason || pod.status === "error" ? "stuck" : "current";
}
