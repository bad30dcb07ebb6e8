/** Lines of logs as the page shows them: colours as names, whatever else speaks to a terminal left out. */

export const LOG_COLOURS = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;
export type LogColour = (typeof LOG_COLOURS)[number];

export interface Segment {
  readonly text: string;
  readonly colour?: LogColour | undefined;
  readonly isBold: boolean;
}

type Style = Omit<Segment, "text">;

const ESC = "\u{1b}";
const BEL = "\u{7}";
const CSI = "\u{9b}";
const PLAIN: Style = { isBold: false };

/** Select Graphic Rendition: colours and the like. */
const RENDITION = new RegExp(`^(?:${ESC}\\[|${CSI})([\\d;]*)m$`);
/** Control sequences and control strings of ECMA-48, also those that are cut off; every ESC is the start of one. */
const SEQUENCE = new RegExp(
  `((?:${ESC}\\[|${CSI})[0-?]*[ -/]*[@-~]?|${ESC}[\\]PX^_][^${ESC}${BEL}]*(?:${BEL}|${ESC}\\\\)?|${ESC}[ -/]*[0-~]?)`,
);
const OTHER_CONTROL = new RegExp(`(?![\\t${ESC}])[\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}]`, "gu");

/** How many numbers after 38 or 48 tell a colour that has no name here: `5;n` or `2;r;g;b`. */
const colourLength = (kind: number | undefined): number => (kind === 5 ? 2 : kind === 2 ? 4 : 0);

function styleAfter(style: Style, numbers: string): Style {
  const codes = numbers.split(";").map(Number);
  let next = style;
  for (let index = 0; index < codes.length; index += 1) {
    const code = codes[index] ?? 0;
    const named = LOG_COLOURS[code % 10];
    if (code === 0) next = PLAIN;
    else if (code === 1) next = { ...next, isBold: true };
    else if (code === 22) next = { ...next, isBold: false };
    else if (code === 39) next = { isBold: next.isBold };
    else if (code === 38 || code === 48) index += colourLength(codes[index + 1]);
    else if (((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) && named !== undefined)
      next = { ...next, colour: named };
  }
  return next;
}

/** Of one line; what it colours ends with it. */
export function segmentsOf(line: string): readonly Segment[] {
  const segments: Segment[] = [];
  let style = PLAIN;
  for (const [index, part] of line.split(SEQUENCE).entries()) {
    if (index % 2 === 1) {
      const numbers = RENDITION.exec(part)?.[1];
      if (numbers !== undefined) style = styleAfter(style, numbers);
      continue;
    }
    const text = part.replaceAll(OTHER_CONTROL, "");
    if (text !== "") segments.push({ text, ...style });
  }
  return segments;
}
