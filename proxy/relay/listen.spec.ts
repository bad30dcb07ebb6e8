/** Promises of binding a listener. */
import { once } from "node:events";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { expect } from "chai";
import { listenOn } from "./listen.js";

const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "no failure",
    (error: unknown) => (error instanceof Error && "code" in error ? String(error.code) : "no code"),
  );

describe("listenOn", () => {
  const servers: net.Server[] = [];
  let folder = "";

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "memobuild-listen-"));
  });

  afterEach(async () => {
    for (const server of servers.splice(0)) server.close();
    await rm(folder, { recursive: true });
  });

  const listen = (path: string): Promise<string> => {
    const server = net.createServer();
    servers.push(server);
    return listenOn(server, { kind: "unix", path });
  };

  it("tells the port that the system chose", async () => {
    const server = net.createServer();
    servers.push(server);
    expect(await listenOn(server, { kind: "tcp", host: "127.0.0.1", port: 0 })).to.match(
      /^tcp:\/\/127.0.0.1:[1-9]\d+$/,
    );
  });

  it("makes the folder and a socket for its own user only", async () => {
    const path = join(folder, "new", "s.sock");
    expect(await listen(path)).to.equal(`unix://${path}`);
    expect((await stat(path)).mode & 0o777).to.equal(0o600);
    expect((await stat(join(folder, "new"))).mode & 0o777).to.equal(0o700);
  });

  it("replaces a socket that a killed process left", async () => {
    const path = join(folder, "s.sock");
    const script = `require("net").createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, "SIGKILL"))`;
    await once(spawn(process.execPath, ["-e", script], { stdio: "ignore" }), "exit");
    expect((await stat(path)).isSocket()).to.equal(true);
    await listen(path);
  });

  it("leaves a socket that is served, and a file that is none, alone", async () => {
    const path = join(folder, "s.sock");
    await listen(path);
    expect(await codeOf(listen(path))).to.equal("EADDRINUSE");
    const file = join(folder, "file");
    await writeFile(file, "mine");
    expect(await codeOf(listen(file))).to.equal("EADDRINUSE");
    expect((await stat(file)).size).to.equal(4);
  });
});
