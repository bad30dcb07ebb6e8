/** Logs of builds on a terminal: colours may stay, what would move the cursor or speak to the terminal goes. */

const ESC = "\u{1b}";
const BEL = "\u{7}";
const CSI = "\u{9b}";
const RESET = `${ESC}[0m`;

/** Select Graphic Rendition: colours and the like. */
const COLOUR = new RegExp(`^${ESC}\\[[\\d;:]*m$`);
/** Control sequences and control strings of ECMA-48, also those that are cut off; every ESC is the start of one. */
const SEQUENCE = new RegExp(
  `(?:${ESC}\\[|${CSI})[0-?]*[ -/]*[@-~]?|${ESC}[\\]PX^_][^${ESC}${BEL}]*(?:${BEL}|${ESC}\\\\)?|${ESC}[ -/]*[0-~]?`,
  "g",
);
const OTHER_CONTROL = new RegExp(`(?![\\t${ESC}])[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]`, "gu");

/** One line. What it colours ends with it. */
export function logLine(text: string, keepsColours: boolean): string {
  const line = text
    .replaceAll(SEQUENCE, (sequence) => (keepsColours && COLOUR.test(sequence) ? sequence : ""))
    .replaceAll(OTHER_CONTROL, "");
  return line.includes(ESC) ? `${line}${RESET}` : line;
}
