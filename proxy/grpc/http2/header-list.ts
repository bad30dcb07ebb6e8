/** A header list as it stands on the wire: order and repetition kept, which an object of headers would lose. */

/** Names and values alternating, names in lower case, bytes as latin1 characters; the form of Node's `rawHeaders`. */
export type HeaderList = readonly string[];

/** First value of `name`, or undefined. */
export function headerValue(headers: HeaderList, name: string): string | undefined {
  for (let i = 0; i + 1 < headers.length; i += 2) if (headers[i] === name) return headers[i + 1];
  return undefined;
}
