/** How much a pod uses of its `cpu`, `memory` or `gpu`, in percent; null where nobody has measured it. */
export function measured(stats, name) {
  return stats?.known?.[name] ? stats[`${name}Usage`] : null;
}
