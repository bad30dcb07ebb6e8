/** Says that bytes of a session are not what the reader knows; it stops reading them, nobody else is concerned. */
export class IllegibleError extends Error {
  override readonly name = "IllegibleError";
}
