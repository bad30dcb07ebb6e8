/** One of several things that a command is to do: that it cannot be done does not keep the others from being done. */
import { ApiError } from "../http/api-error.js";
import type { CliIo } from "./cli-io.js";
import { EXIT_FAILED } from "./exit-codes.js";

/** Resolves with the exit code: 0, or another where MemoBuild has something against it, which is printed. */
export async function attempt({ stderr }: Pick<CliIo, "stderr">, act: () => Promise<void>): Promise<number> {
  try {
    await act();
    return 0;
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    stderr.write(`memobuild: ${error.message}\n`);
    return EXIT_FAILED;
  }
}
