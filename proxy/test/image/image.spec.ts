/** The image as MemoBuild itself builds it, and Docker Desktop's extension made of it, run by a real Docker Engine. */
import { copyFile, mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import Docker from "dockerode";
import { answerTo } from "../support/api-request.js";
import { labelProblems } from "../../../scripts/extension/labels.js";
import { FOREIGN_NODE, makeBaseImages } from "../support/base-images.js";
import { createBuildx, type Buildx } from "../support/buildx.js";
import { BUSYBOX, ROOT, run, runOk } from "../support/command.js";
import { composeOf, runBeside, type Compose } from "../support/compose.js";
import { startDockerd, type Dockerd } from "../support/dockerd.js";
import { startMemoBuild, type MemoBuild } from "../support/memobuild.js";
import { poll } from "../support/poll.js";
import { makeTempDir, removeDir, writeFiles } from "../support/temp-dir.js";

const IMAGE = "local/memobuild:1";
const NEXT_IMAGE = "local/memobuild:2";
/** Packages are fetched and two bundles made, on a machine that may do other things too. */
const BUILD_MS = 600_000;
const HEALTHY_MS = 60_000;
const PROJECT = "extension";
const ENDPOINT = "tcp://127.0.0.1:8372";

interface World {
  dir: string;
  memobuild?: MemoBuild;
  engine?: Dockerd;
}

describe("the image", () => {
  const world: World = { dir: "" };
  let buildx: Buildx;
  let bases: readonly string[];
  let docker: Docker;

  const buildImage = async (...more: readonly string[]): Promise<void> => {
    const { code, stderr } = await buildx.run(["build", ...bases, ...more, ROOT], { timeoutMs: BUILD_MS });
    expect(code, stderr.slice(-4000)).to.equal(0);
  };

  const load = async (image: string, ...more: readonly string[]): Promise<void> => {
    const dest = join(world.dir, "image.tar");
    await buildImage("--output", `type=docker,compression=uncompressed,name=${image},dest=${dest}`, ...more);
    const answer = await docker.loadImage(dest);
    answer.resume();
    await poll(
      () =>
        docker
          .getImage(image)
          .inspect()
          .catch(() => undefined),
      Boolean,
      { what: `${image} is loaded` },
    );
  };

  const cli = (...args: readonly string[]): Promise<string> =>
    runOk("docker", args, {
      env: { DOCKER_HOST: `unix://${world.engine?.socket ?? ""}`, DOCKER_CONFIG: world.dir },
    });

  before(async function () {
    this.timeout(BUILD_MS);
    world.dir = await makeTempDir("im");
    for (const folder of ["engine", "bases", "guest"]) await mkdir(join(world.dir, folder));
    world.memobuild = await startMemoBuild({ args: ["--cache-compression", "uncompressed"] });
    buildx = await createBuildx(world.dir, world.memobuild.tcp);
    world.engine = await startDockerd(join(world.dir, "engine"), { ownNetwork: true });
    docker = new Docker({ socketPath: world.engine.socket });
    bases = await makeBaseImages(buildx, join(world.dir, "bases"));
    await load(IMAGE, "--build-arg", "VERSION=1.2.3");
  });

  after(async () => {
    await world.engine?.stop();
    await world.memobuild?.stop();
    await removeDir(world.dir);
  });

  /** @returns what a program in a container of the image writes. */
  const inside = async (...command: readonly [string, ...string[]]): Promise<string> => {
    const [entrypoint, ...args] = command;
    return cli("run", "--rm", "--network=none", `--entrypoint=${entrypoint}`, IMAGE, ...args);
  };

  it("is labelled with what it is, and runs as nobody's superuser", async () => {
    const { Config: config } = await docker.getImage(IMAGE).inspect();
    expect(config.User).to.equal("1000:1000");
    expect(labelProblems(config.Labels)).to.deep.equal([]);
    expect(config.Labels).to.include({
      "org.opencontainers.image.title": "MemoBuild",
      "org.opencontainers.image.version": "1.2.3",
    });
    expect(config, "volumes that every container would get").to.not.have.nested.property("Volumes./var/lib/buildkit");
    expect((await inside("id", "-un")).trim()).to.equal("memobuild");
  });

  it("carries the command line, the page where the server looks, and BuildKit", async () => {
    const { version } = JSON.parse(await readFile(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(await inside("memobuild", "--version")).to.equal(`${version}\n`);
    expect(await inside("cat", "/opt/memobuild/extension-ui/dist/index.html")).to.include("<title>MemoBuild</title>");
    expect(await inside("cat", "/ui/index.html")).to.include("<title>MemoBuild</title>");
    expect(await inside("buildctl", "--version")).to.include("v0.32.2");
    expect(await inside("buildkitd", "--version")).to.include("v0.32.2");
    for (const file of ["metadata.json", "icon.svg", "docker-compose.yaml"]) {
      expect(await inside("cat", `/${file}`)).to.equal(await readFile(join(ROOT, file), "utf8"));
    }
  });

  it("serves as its own user in a fresh volume, and is not healthy without a builder", async () => {
    const container = await docker.createContainer({
      Image: IMAGE,
      Cmd: ["serve", "--builder=unix:///nowhere.sock"],
      HostConfig: { NetworkMode: "none", Binds: ["fresh:/var/lib/memobuild"] },
    });
    await container.start();
    const usage = (): Promise<string> => cli("exec", container.id, "memobuild", "cache", "du").catch(String);
    await poll(usage, (text) => text.includes("Exports"), { what: "the command line answers", timeoutMs: HEALTHY_MS });
    const health = async (): Promise<unknown> => (await container.inspect()).State.Health?.Status;
    expect(await health(), "without a builder").to.equal("starting");
    await container.remove({ force: true });
    await docker.getVolume("fresh").remove();
  });

  it("is built for another platform without running anything of that", async function () {
    this.timeout(BUILD_MS);
    const dest = join(world.dir, "arm64");
    await buildImage("--platform=linux/arm64", "--output", `type=local,dest=${dest}`);
    expect(await readFile(join(dest, "usr/local/bin/node"), "utf8")).to.equal(FOREIGN_NODE);
    expect(await readFile(join(dest, "opt/memobuild/bin/memobuild"), "utf8")).to.match(/^#!/);
    await removeDir(dest);
  });

  const containerOf = async (project: string, service: string): Promise<Docker.ContainerInspectInfo> => {
    const label = [`com.docker.compose.project=${project}`, `com.docker.compose.service=${service}`];
    const [found] = await docker.listContainers({ all: true, filters: { label } });
    return docker.getContainer(found?.Id ?? "").inspect();
  };

  const isHealthy = (project: string): Promise<unknown> =>
    poll(
      async () => (await containerOf(project, "memobuild")).State.Health?.Status,
      (health) => health === "healthy",
      { what: `the health of ${project}`, timeoutMs: HEALTHY_MS, intervalMs: 500 },
    );

  const beside = async (...args: readonly string[]): Promise<string> => {
    if (world.engine === undefined) throw new Error("there is no engine");
    const env = { BUILDX_CONFIG: join(world.dir, "ext"), BUILDX_NO_DEFAULT_ATTESTATIONS: "1", NO_COLOR: "1" };
    const { code, stderr } = await runBeside(world.engine, "buildx", args, { env });
    expect(code, stderr).to.equal(0);
    return stderr;
  };

  const inNetwork = async (...args: readonly string[]): Promise<string> => {
    if (world.engine === undefined) throw new Error("there is no engine");
    return (await runBeside(world.engine, BUSYBOX, args)).stdout.toString();
  };

  const nothingIsLeft = async (): Promise<void> => {
    expect(await docker.listContainers({ all: true })).to.deep.equal([]);
    expect((await docker.listVolumes()).Volumes).to.deep.equal([]);
    expect((await docker.listNetworks()).map(({ Name }) => Name).sort()).to.deep.equal(["host", "none"]);
  };

  describe("as an extension", () => {
    let extension: (image: string) => Compose;

    const build = (...more: readonly string[]): Promise<string> =>
      beside("build", "--builder=memobuild", "--progress=plain", ...more, join(world.dir, "app"));

    before(async () => {
      await writeFiles(world.dir, {
        // What Docker Desktop mounts there.
        "desktop.yaml": `services: { memobuild: { volumes: ["${join(world.dir, "guest")}:/run/guest-services"] } }\n`,
        "app/Dockerfile": 'FROM scratch\nCOPY busybox /bin/\nARG TOLD\nRUN ["/bin/busybox", "touch", "/made"]\n',
      });
      await copyFile(BUSYBOX, join(world.dir, "app/busybox"));
      const engine = world.engine;
      if (engine === undefined) throw new Error("there is no engine");
      const files = [join(ROOT, "docker-compose.yaml"), join(world.dir, "desktop.yaml")];
      extension = (image) =>
        composeOf(engine, world.dir, { name: PROJECT, files, env: { DESKTOP_PLUGIN_IMAGE: image } });
      await extension(IMAGE)("up", "--detach");
      await isHealthy(PROJECT);
      await beside("create", "--name=memobuild", "--driver=remote", ENDPOINT);
    });

    it("answers Docker Desktop on its socket, whoever asks", async () => {
      const socketPath = join(world.dir, "guest/backend.sock");
      const { status } = await answerTo({ socketPath }, { path: "/api/v1/status" });
      expect(status).to.equal(200);
      expect(await runOk("stat", ["-c", "%a", socketPath])).to.equal("666\n");
    });

    it("builds through its port, the second time from the cache", async () => {
      expect(await build()).to.not.match(/CACHED/);
      expect(await build()).to.match(/RUN .*\n#\d+ CACHED/);
    });

    it("keeps what builds run away from its clients' port, and lets them reach the cache", async () => {
      const { NetworkSettings: network } = await containerOf(PROJECT, "memobuild");
      const address = (name: string): string => network.Networks[`${PROJECT}_${name}`]?.IPAddress ?? "";
      const dials = async (host: string, port: number): Promise<boolean> => {
        const step = `RUN /bin/busybox nc -w 3 ${host} ${port} < /dev/null && touch /reached || true`;
        await writeFiles(world.dir, {
          "dial/Dockerfile": [
            ...["FROM scratch", "COPY busybox /bin/", 'SHELL ["/bin/busybox", "sh", "-c"]', step],
            ...["FROM scratch", "COPY --from=0 /reache[d] /", ""],
          ].join("\n"),
        });
        await copyFile(BUSYBOX, join(world.dir, "dial/busybox"));
        const dest = join(world.dir, "dialled");
        await beside("build", "--builder=memobuild", "--no-cache", `--output=${dest}`, join(world.dir, "dial"));
        const { code } = await run("test", ["-e", join(dest, "reached")]);
        await removeDir(dest);
        return code === 0;
      };
      expect(await dials(address("builders"), 5000), "the registry").to.equal(true);
      expect(await dials(address("builders"), 8372), "the builders' side").to.equal(false);
      expect(await dials(address("clients"), 8372), "the clients' side").to.equal(false);
    });

    it("keeps its cache when it is updated", async function () {
      this.timeout(BUILD_MS);
      await load(NEXT_IMAGE, "--build-arg", "VERSION=1.2.4");
      const before = await containerOf(PROJECT, "memobuild");
      await extension(NEXT_IMAGE)("up", "--detach");
      await isHealthy(PROJECT);
      const after = await containerOf(PROJECT, "memobuild");
      expect([after.Id === before.Id, after.Config.Image]).to.deep.equal([false, NEXT_IMAGE]);
      // Nothing is left but what MemoBuild keeps.
      await beside("prune", "--builder=memobuild", "--all", "--force");
      expect(await build()).to.match(/RUN .*\n#\d+ CACHED/);
    });

    it("leaves nothing behind", async () => {
      await extension(NEXT_IMAGE)("down", "--volumes");
      await nothingIsLeft();
    });
  });

  describe("as a server", () => {
    const NAME = "server";
    let server: Compose;

    before(async () => {
      const deploy = join(world.dir, "deploy/compose");
      await mkdir(deploy, { recursive: true });
      for (const file of ["compose.yaml", "make-certs"])
        await copyFile(join(ROOT, "deploy/compose", file), join(deploy, file));
      await runOk(join(deploy, "make-certs"), ["builds.example", "127.0.0.1"]);
      const engine = world.engine;
      if (engine === undefined) throw new Error("there is no engine");
      const project = { name: NAME, files: [join(deploy, "compose.yaml")], env: { MEMOBUILD_IMAGE: IMAGE } };
      server = composeOf(engine, world.dir, project);
      // Prometheus and Grafana come from elsewhere.
      await server("up", "--detach", "memobuild", "buildkitd-1", "buildkitd-2");
      await isHealthy(NAME);
    });

    it("builds for who has a certificate, and for nobody else", async () => {
      const certs = join(world.dir, "deploy/compose/certs");
      const mine = ["cert", "key"].map((part) => `${part}=${certs}/clients/client.${part === "cert" ? "pem" : "key"}`);
      const options = [`cacert=${certs}/ca.pem`, ...mine].flatMap((option) => ["--driver-opt", option]);
      await beside("create", "--name=server", "--driver=remote", ...options, ENDPOINT);
      await beside("build", "--builder=server", join(world.dir, "app"));
      await beside("create", "--name=stranger", "--driver=remote", "--driver-opt", `cacert=${certs}/ca.pem`, ENDPOINT);
      const refused = await beside("build", "--builder=stranger", join(world.dir, "app")).catch(String);
      expect(refused).to.match(/certificate required|failed to/);
    });

    it("shows its page on this machine, and both builders", async () => {
      const fetches = (path: string): Promise<string> =>
        inNetwork("wget", "-q", "-O", "-", `http://127.0.0.1:8373${path}`);
      expect(await fetches("/")).to.include("<title>MemoBuild</title>");
      expect(await fetches("/metrics")).to.include('memobuild_builders{state="up"} 2');
    });

    it("answers the API there to who has the token that its status prints, and to nobody else", async () => {
      const address = "http://127.0.0.1:8373/api/v1/status";
      const { Id: id } = await containerOf(NAME, "memobuild");
      const status = await cli("exec", id, "memobuild", "status");
      const [, token = ""] = /^Web page: +http:\S+:8373\/\?token=(\S+)$/m.exec(status) ?? [];
      const withToken = await inNetwork("wget", "-q", "-O", "-", `--header=Authorization: Bearer ${token}`, address);
      expect(JSON.parse(withToken)).to.include.keys("version", "builders");
      if (world.engine === undefined) throw new Error("there is no engine");
      const { code, stdout, stderr } = await runBeside(world.engine, BUSYBOX, ["wget", "-O", "-", address]);
      expect([code, stdout.toString()]).to.deep.equal([1, ""]);
      expect(stderr).to.include("401");
    });

    it("leaves nothing behind", async () => {
      await server("down", "--volumes");
      await nothingIsLeft();
    });
  });
});
