/** A searcher for `query`, whatever its case: returns the `[start, end)` of each place in a text. */
export function searcher(query) {
  if (!query) return () => [];
  // A pattern rather than lower-casing both: that can change lengths, and the places would be off.
  const pattern = new RegExp(query.replace(/[\^$\\.*+?()[\]{}|/]/g, "\\$&"), "giu");
  return (text) => Array.from(text.matchAll(pattern), (match) => [match.index, match.index + match[0].length]);
}
