/** `memobuild cache verify`: reads all that is stored, and heals what disagrees. */
import type { Command } from "commander";
import type { CacheAdmin, VerifyProgress, VerifyResult } from "../cache/cache-admin.js";
import { formatByteSize } from "../config/byte-size.js";
import type { CliIo } from "./cli-io.js";
import type { CommandContext } from "./command-context.js";
import { type Format, formatOption, toJson } from "./option-parser.js";
import type { WithServer } from "./server-address.js";

interface VerifyOptions {
  readonly format: Format;
}

const CLEAR_LINE = "\r\u{1b}[K";

const blobs = (count: number): string => `${count} ${count === 1 ? "blob" : "blobs"}`;

function resultText({ checkedBlobs, checkedBytes, missing, corrupt, adopted }: VerifyResult): string {
  const healed = [
    ...(missing > 0 ? [`${blobs(missing)} missing: the results that need them are forgotten`] : []),
    ...(corrupt > 0 ? [`${blobs(corrupt)} corrupt: deleted, and the results that need them are forgotten`] : []),
    ...(adopted > 0 ? [`${blobs(adopted)} that nothing knew: in the index now`] : []),
  ];
  const checked = `Checked ${blobs(checkedBlobs)}, ${formatByteSize(checkedBytes)}`;
  return healed.length === 0
    ? `${checked}: all is well\n`
    : `${checked}, and healed the cache:\n${healed.map((line) => `  ${line}\n`).join("")}`;
}

async function verify(cache: CacheAdmin, { format }: VerifyOptions, io: CliIo): Promise<number> {
  const { stdout, stderr } = io;
  const isShown = stderr.isTTY === true;
  const show = ({ checkedBlobs, totalBlobs, checkedBytes }: VerifyProgress): void => {
    if (isShown) stderr.write(`${CLEAR_LINE}${checkedBlobs} of ${blobs(totalBlobs)}, ${formatByteSize(checkedBytes)}`);
  };
  const result = await cache.verify(show, io.interruption()).finally(() => {
    if (isShown) stderr.write(CLEAR_LINE);
  });
  stdout.write(format === "json" ? toJson(result) : resultText(result));
  return 0;
}

export function addVerify(cache: Command, { io, run }: CommandContext): void {
  cache
    .command("verify")
    .description("read all that is stored and compare it with its digests; what is bad or lost is forgotten")
    .addOption(formatOption())
    .action((options: VerifyOptions & WithServer) => run(options, ({ cache: admin }) => verify(admin, options, io)));
}
