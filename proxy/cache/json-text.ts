/** Writes texts as JSON does; most that BuildKit writes need no escape, and are written without a search for one. */

const PLAIN = /^[ !#-[\]-~]*$/;

export const jsonText = (text: string): string => (PLAIN.test(text) ? `"${text}"` : JSON.stringify(text));
