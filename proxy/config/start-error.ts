/** A start that failed for a reason the user can mend, named by the option that leads to it. */
import type { OptionName } from "./options.js";

export class StartError extends Error {
  override readonly name = "StartError";
  readonly option: OptionName;

  constructor(option: OptionName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.option = option;
  }
}

const REASONS = new Map([
  ["EADDRINUSE", "something else listens there already"],
  ["EACCES", "permission denied"],
  ["EPERM", "permission denied"],
  ["EADDRNOTAVAIL", "this machine has no such address"],
  ["ENOENT", "the folder does not exist"],
  ["ENOTFOUND", "the host name is not known"],
  ["EAI_AGAIN", "the host name could not be looked up"],
]);

/** Turns what `listen()` reported into one line about the option and the address. */
export function listenStartError(option: OptionName, address: string, cause: unknown): StartError {
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : undefined;
  const detail = cause instanceof Error ? cause.message : String(cause);
  const known = code === undefined ? undefined : REASONS.get(code);
  const reason = known === undefined ? detail : `${known} (${String(code)})`;
  return new StartError(option, `cannot listen on ${address}: ${reason}`, { cause });
}
