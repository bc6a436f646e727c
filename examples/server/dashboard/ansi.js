// Escape sequences of terminals: OSC (up to BEL or ST), the other strings (DCS, PM, APC, SOS), CSI, and the short ones
// such as `ESC(B`. One that the end of the text cuts off counts too: a chunk of a log can end anywhere.
const SEQUENCES =
  /\u001b(?:\][^\u0007\u001b]*(?:\u0007|\u001b\\|$)|[PX^_][^\u001b]*(?:\u001b\\|$)|\[[0-?]*[ -/]*(?:[@-~]|$)|[ -/]*(?:[0-Z\\^-~]|$))/g;

// What is left of C0 and C1 but for the tab; a terminal shows none of it.
const CONTROLS = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g;

/**
 * A line of a log as a terminal would leave it: without escape sequences and control characters, and of a progress
 * bar that goes back with carriage returns, the last state only.
 */
export function plainLine(line) {
  const text = line.replace(SEQUENCES, "").replace(/\r+$/, "");
  return text.slice(text.lastIndexOf("\r") + 1).replace(CONTROLS, "");
}
