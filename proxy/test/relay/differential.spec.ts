/** One table of calls by a real gRPC client to a real gRPC server: what it sees through MemoBuild is what it sees without. */
import { expect } from "chai";
import { join } from "node:path";
import { makeCertificates } from "../support/certificates.js";
import { startMemoBuild, type MemoBuild, type MemoBuildOptions } from "../support/memobuild.js";
import {
  runTable,
  startPeerServer,
  tableNames,
  type ClientTls,
  type PeerServer,
  type TableRow,
} from "../support/peer.js";
import { makeTempDir, removeDir } from "../support/temp-dir.js";

/** Metadata and status texts of the table, none of which may be written anywhere. */
const PRIVATE = [
  "q1w2e3",
  "0af7651916cd43dd8448eb211c80319c",
  "dockerfile parse error",
  "x-docker-expose-session-uuid",
];

interface Path {
  readonly address: string;
  readonly tls?: ClientTls;
}

const NAMES = tableNames();

/** The table has a test per case; `find` gives the path once everything has been started. */
function comparesWith(direct: () => ReadonlyMap<string, TableRow>, find: () => Path): void {
  let through: ReadonlyMap<string, TableRow> = new Map();

  before(async () => {
    const { address, tls } = find();
    through = byName(await runTable(address, tls === undefined ? {} : { tls }));
  });

  for (const name of NAMES) {
    it(name, () => {
      const expected = direct().get(name);
      expect(expected, "direct").to.be.an("object").that.does.not.have.property("error");
      expect(through.get(name)).to.deep.equal(expected);
    });
  }
}

const byName = (rows: readonly TableRow[]): Map<string, TableRow> => new Map(rows.map((row) => [row.name, row]));

describe("a call through MemoBuild", () => {
  let dir = "";
  let server: PeerServer | undefined;
  let direct: ReadonlyMap<string, TableRow> = new Map();
  const running: MemoBuild[] = [];

  const start = async (options: MemoBuildOptions): Promise<MemoBuild> => {
    const memoBuild = await startMemoBuild({ ...options, args: ["--log-level", "debug", ...(options.args ?? [])] });
    running.push(memoBuild);
    return memoBuild;
  };
  const stop = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((memoBuild) => memoBuild.stop()));
  };

  before(async () => {
    dir = await makeTempDir("diff");
    server = await startPeerServer(`unix://${join(dir, "peer.sock")}`);
    direct = byName(await runTable(server.address));
  });

  after(async () => {
    await server?.stop();
    await removeDir(dir);
  });

  describe("without TLS", () => {
    let memoBuild: MemoBuild | undefined;

    before(async () => {
      memoBuild = await start({ builder: server?.address ?? "" });
    });

    after(stop);

    describe("by unix socket", () => {
      comparesWith(
        () => direct,
        () => ({ address: `unix://${memoBuild?.unixSocket ?? ""}` }),
      );
    });

    describe("by TCP", () => {
      comparesWith(
        () => direct,
        () => ({ address: memoBuild?.tcp ?? "" }),
      );
    });

    // In a suite of its own, because a suite's tests run before the suites in it.
    describe("and afterwards", () => {
      it("writes no metadata and no message into logs or metrics", async () => {
        const written = JSON.stringify(memoBuild?.logs()) + ((await memoBuild?.metrics()) ?? "");
        expect(written).to.include("ready").and.include("memobuild_relay_calls_total");
        for (const text of PRIVATE) expect(written).not.to.include(text);
      });

      it("is counted by its method and code, and no longer in flight", async () => {
        const metrics = (await memoBuild?.metrics()) ?? "";
        expect(metrics).to.match(/^memobuild_relay_calls_in_flight 0$/m);
        expect(metrics).to.match(/^memobuild_relay_connections\{side="client"\} 0$/m);
        expect(metrics).to.match(
          /^memobuild_relay_calls_total\{service="grpc\.health\.v1\.Health",method="Check",code="OK"\} 2$/m,
        );
      });
    });
  });

  describe("with TLS", () => {
    let tcpServer: PeerServer | undefined;
    let memoBuild: MemoBuild | undefined;
    let mutual: ClientTls = { caCert: "" };

    before(async () => {
      const { ca, serverCert, serverKey, clientCert, clientKey } = await makeCertificates(dir);
      mutual = { caCert: ca, cert: clientCert, key: clientKey };
      tcpServer = await startPeerServer("tcp://127.0.0.1:0");
      const certificate = ["--tls-cert", serverCert, "--tls-key", serverKey];
      memoBuild = await start({ builder: tcpServer.address, args: [...certificate, "--tls-client-ca", ca] });
    });

    after(async () => {
      await stop();
      await tcpServer?.stop();
    });

    describe("mutual, with ALPN as buildctl", () => {
      comparesWith(
        () => direct,
        () => ({ address: memoBuild?.tcp ?? "", tls: mutual }),
      );
    });

    describe("mutual, without ALPN as buildx", () => {
      comparesWith(
        () => direct,
        () => ({ address: memoBuild?.tcp ?? "", tls: { ...mutual, noAlpn: true } }),
      );
    });

    it("is refused without a client certificate where one is asked for", async () => {
      const [row] = await runTable(memoBuild?.tcp ?? "", { tls: { caCert: mutual.caCert }, only: "unary" });
      expect(row?.error).to.include("Unavailable");
    });

    for (const noAlpn of [false, true]) {
      it(`needs no client certificate where none is asked for, ${noAlpn ? "without" : "with"} ALPN`, async () => {
        const open = await start({ builder: tcpServer?.address ?? "", args: tlsFlags(dir) });
        for (const name of ["unary", "details of 1 MB", "16 MiB both ways"]) {
          const [row] = await runTable(open.tcp, { tls: { caCert: mutual.caCert, noAlpn }, only: name });
          expect(row).to.deep.equal(direct.get(name));
        }
      });
    }
  });
});

const tlsFlags = (dir: string): string[] => [
  "--tls-cert",
  join(dir, "server.crt"),
  "--tls-key",
  join(dir, "server.key"),
];
