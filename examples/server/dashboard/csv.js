/**
 * Whether a CSV of the server is whole: its last row is of the kind `end`. One whose connection broke off has none.
 */
export function isWhole(text) {
  return /(^|\r\n),,end,[^\r\n]*\r\n$/.test(text);
}
