/** An OCI runtime for engines on machines that lack capabilities: a privileged container gets those that there are. */
import { readFileSync } from "node:fs";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** By number, as of Linux 5.9. @see https://man7.org/linux/man-pages/man7/capabilities.7.html */
const CAPABILITIES = (
  "CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE " +
  "NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN " +
  "SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE " +
  "MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE"
).split(" ");

function missingCapabilities(): readonly string[] {
  const mask = /^CapBnd:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "0";
  return CAPABILITIES.filter((_, bit) => ((BigInt(`0x${mask}`) >> BigInt(bit)) & 1n) === 0n);
}

/** Writes the runtime into `dir`. @returns what the engine's configuration says of it; empty where nothing is missing. */
export async function narrowRuntime(dir: string): Promise<object> {
  const missing = missingCapabilities();
  if (missing.length === 0) return {};
  const names = missing.join("|");
  const path = join(dir, "runtime");
  const script = `#!/bin/sh
for argument in "$@"; do
  if [ "$before" = --bundle ]; then
    sed -i -E 's/,"CAP_(${names})"|"CAP_(${names})",?//g' "$argument/config.json"
  fi
  before=$argument
done
exec runc "$@"
`;
  await writeFile(path, script);
  await chmod(path, 0o755);
  return { runtimes: { narrow: { path } }, "default-runtime": "narrow" };
}
