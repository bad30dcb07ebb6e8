/** Specs for push-extension, with a program in Docker's place that notes what it is asked. */
import { execFile } from "node:child_process";
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect } from "chai";

const SCRIPT = fileURLToPath(new URL("push-extension", import.meta.url));
const IMAGE = "registry.example/memobuild";
/** Answers an inspection with $BEFORE until something was pushed, then with both platforms. */
const DOCKER = `#!/bin/sh
echo "$*" >> "$0.log"
case "$2" in
  build) touch "$0.pushed" ;;
  imagetools)
    if [ -e "$0.pushed" ]; then echo "Platform: linux/amd64"; echo "Platform: \${OTHER:-linux/arm64}"; exit 0; fi
    echo "$BEFORE"
    [ "$BEFORE" = there ] ;;
esac
`;

interface Pushed {
  readonly code: number;
  readonly output: string;
  /** The arguments of the build; "" when there was none. */
  readonly build: string;
}

async function push(tag: string, env: Readonly<Record<string, string>>): Promise<Pushed> {
  const dir = await mkdtemp(join(tmpdir(), "push-"));
  const docker = join(dir, "docker");
  try {
    await writeFile(docker, DOCKER);
    await chmod(docker, 0o755);
    const path = `${dir}${delimiter}${process.env["PATH"] ?? ""}`;
    const ended = await promisify(execFile)(SCRIPT, [IMAGE, tag], { env: { ...process.env, PATH: path, ...env } }).then(
      ({ stdout }) => ({ code: 0, output: stdout }),
      (error: unknown) => ({ code: 1, output: String(error) }),
    );
    const log = await readFile(`${docker}.log`, "utf8").catch(() => "");
    return { ...ended, build: log.split("\n").find((line) => line.startsWith("buildx build")) ?? "" };
  } finally {
    await rm(dir, { recursive: true });
  }
}

describe("push-extension", () => {
  it("pushes a new version for all platforms, with attestations", async () => {
    const { code, output, build } = await push("1.2.3", {
      BEFORE: "ERROR: registry.example/memobuild:1.2.3: not found",
    });
    expect(code, output).to.equal(0);
    expect(output).to.include(`docker extension install ${IMAGE}:1.2.3`);
    expect(build).to.include("--platform linux/amd64,linux/arm64 --sbom=true --provenance=mode=max");
    expect(build).to.include(`--tag ${IMAGE}:1.2.3 --push`);
  });

  it("leaves attestations out when told so", async () => {
    const { build } = await push("1.2.3", { BEFORE: "not found", PROVENANCE: "false" });
    expect(build).to.include("--sbom=false --provenance=false");
  });

  for (const [title, tag, env, message] of [
    ["a version that exists", "1.2.3", { BEFORE: "there" }, "exists already"],
    ["a registry that cannot be asked", "1.2.3", { BEFORE: "connection refused" }, "cannot tell"],
    ["latest", "latest", { BEFORE: "not found" }, "no version"],
    ["a version with a v", "v1.2.3", { BEFORE: "not found" }, "no version"],
  ] as const) {
    it(`refuses ${title}`, async () => {
      const { code, output, build } = await push(tag, env);
      expect([code, build]).to.deep.equal([1, ""]);
      expect(output).to.include(message);
    });
  }

  it("fails when a platform is missing of what was pushed", async () => {
    const { code, output } = await push("1.2.3", { BEFORE: "not found", OTHER: "unknown/unknown" });
    expect(code).to.equal(1);
    expect(output).to.include("has no linux/arm64");
  });
});
