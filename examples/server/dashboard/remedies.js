// What a remedy leads to: a page, or something to do with the pod. To wait, to stop another pod (they are on the same
// page) and to ask for help have no button; the text says it.
const PAGES = {
  add_funds: "account",
  change_image: "deploy",
  choose_another_gpu: "deploy",
  choose_another_name: "deploy",
  choose_another_size: "deploy",
  choose_more_disk: "deploy",
  choose_more_memory: "deploy",
};
const ACTIONS = { read_logs: "logs", start_again: "start", start_later: "start" };

/** Where the remedy of a reason leads: `{ page }` or `{ action }`, or `null` where it has no button, or not yet. */
export function leadsTo({ remedyCode, startableAt } = {}, now = new Date()) {
  if (startableAt && new Date(startableAt) > now) return null;
  if (PAGES[remedyCode]) return { page: PAGES[remedyCode] };
  return ACTIONS[remedyCode] ? { action: ACTIONS[remedyCode] } : null;
}
