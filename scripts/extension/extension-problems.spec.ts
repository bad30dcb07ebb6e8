/** Specs for extension-problems.ts and what it asks, by what Docker would refuse. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect } from "chai";
import { extensionProblems } from "./extension-problems.js";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OURS = ["Dockerfile", "metadata.json", "docker-compose.yaml", "icon.svg", "package.json"] as const;

const { version: VERSION } = JSON.parse(readFileSync(`${ROOT}package.json`, "utf8")) as { version: string };

type Files = Record<string, Buffer | undefined>;

function png(width: number, height: number): Buffer {
  const bytes = Buffer.alloc(24);
  bytes.write("89504e470d0a1a0a", "hex");
  bytes.writeUInt32BE(width, 16);
  bytes.writeUInt32BE(height, 20);
  return bytes;
}

function jpeg(width: number, height: number): Buffer {
  const bytes = Buffer.from("ffd8ffe000040000ffc0001108000000000300", "hex");
  bytes.writeUInt16BE(height, 13);
  bytes.writeUInt16BE(width, 15);
  return bytes;
}

/** What this repository has, with screenshots of the right size. */
function ours(): Files {
  return Object.fromEntries(OURS.map((path) => [path, readFileSync(ROOT + path)]));
}

/** @param edits of files of ours: what is replaced by what; without the latter, the file is removed. */
function problems(edits: readonly (readonly [string, (string | RegExp)?, string?])[] = [], tag?: string): string[] {
  const files = ours();
  for (const [path, old, now] of edits) {
    const before = files[path]?.toString() ?? "";
    const after = old === undefined ? undefined : before.replace(old, now ?? "");
    expect(after, `the edit of ${path}`).to.not.equal(before);
    files[path] = after === undefined ? undefined : Buffer.from(after);
  }
  const read = (path: string): Buffer | undefined =>
    path.startsWith("docs/screenshots/") ? png(2400, 1600) : files[path];
  return [...extensionProblems({ read }, tag)];
}

const one = (edit: readonly [string, (string | RegExp)?, string?]): string => problems([edit]).join("; ");

describe("extensionProblems", () => {
  it("finds nothing wrong with ours, nor with its version as its tag", () => {
    expect(problems([], VERSION)).to.deep.equal([]);
  });

  it("wants metadata.json with nothing in it but what Docker Desktop knows", () => {
    expect(one(["metadata.json"])).to.include("metadata.json is missing");
    expect(one(["metadata.json", "{", ""])).to.equal("metadata.json is no JSON");
    expect(one(["metadata.json", '"icon"', '"name": "x", "icon"'])).to.match(/\(root\).*"name"/);
    expect(one(["metadata.json", '"title"', '"size": 1, "title"'])).to.match(/ui.dashboard-tab.*"size"/);
    expect(one(["metadata.json", '"title": "MemoBuild",', ""])).to.match(/ui.dashboard-tab.title/);
    expect(one(["metadata.json", '"composefile"', '"image": "x", "composefile"'])).to.match(/vm: has either/);
    expect(one(["metadata.json", '"backend.sock"', '"/run/backend.sock"'])).to.match(/vm.exposes.socket: is no bare/);
    const host = '"host": {"binaries": [{"solaris": [{"path": "x"}]}]}, "icon"';
    expect(one(["metadata.json", '"icon"', host])).to.match(/host.binaries.0/);
  });

  it("wants every file that metadata.json names, and the last stage to copy it", () => {
    expect(one(["icon.svg"])).to.equal("icon.svg is missing");
    expect(one(["metadata.json", '"icon.svg"', '"other.svg"'])).to.equal(
      "other.svg is missing; the last stage copies no other.svg",
    );
    expect(one(["Dockerfile", /^COPY --from=ui .*$/m, ""])).to.equal("the last stage copies no ui/index.html");
    expect(one(["Dockerfile", "COPY metadata.json icon.svg", "COPY icon.svg"])).to.match(/copies no metadata.json/);
    const host = '"host": {"binaries": [{"linux": [{"path": "/linux/x"}]}]}, "icon"';
    expect(one(["metadata.json", '"icon"', host])).to.match(/copies no \/linux\/x/);
  });

  it("takes a copy in another stage for none", () => {
    expect(one(["Dockerfile", /^LABEL/m, "FROM scratch\nLABEL"])).to.match(/copies no metadata.json/);
  });

  it("wants a compose file whose first service runs the extension's image", () => {
    expect(one(["docker-compose.yaml", "${DESKTOP_PLUGIN_IMAGE}", "memobuild:1"])).to.match(/memobuild, does not run/);
    expect(one(["docker-compose.yaml", /^services:$/m, "others:"])).to.equal("the compose file has no services");
    expect(one(["docker-compose.yaml", "services:", "services: ]"])).to.equal("the compose file is no YAML");
  });

  it("wants all labels, with something in them", () => {
    const names =
      /(?:org\.opencontainers\.image\.(?:title|description|vendor)|com\.docker\.(?!.*(?:account-info|additional))[\w.-]+)(?==)/g;
    const required = readFileSync(`${ROOT}Dockerfile`, "utf8").match(names) ?? [];
    expect(required).to.have.length(10);
    for (const name of required) {
      expect(one(["Dockerfile", `${name}=`, `x.${name}=`]), name).to.include(`label ${name} is missing`);
    }
  });

  it("wants values that Docker reads", () => {
    const label = (old: string | RegExp, now: string): string => one(["Dockerfile", old, now]);
    expect(label('title="MemoBuild"', 'title="MemoBuild Extension"')).to.match(/title has the word/);
    expect(label(">= 0.3.4", "latest")).to.match(/api.version is no range/);
    expect(label(">= 0.3.4", "0.3.0")).to.match(/api.version does not admit 0.4.2/);
    expect(label("main/icon.svg", "main/icon.gif")).to.match(/icon names no .svg/);
    expect(label("https://raw.githubusercontent.com/memobuild/memobuild/main/icon.svg", "icon.svg")).to.match(
      /no https/,
    );
    expect(label("ci-cd,utility-tools", "ci-cd,fun")).to.match(/no category: fun/);
    expect(label('{"alt":', '{"text":')).to.match(/screenshots is no JSON array/);
    expect(label('"title": "Issues", "url": "https:', '"title": "Issues", "url": "http:')).to.match(
      /additional-urls is no/,
    );
    expect(label("<p>The first", "<script>x</script><p>The first")).to.match(/changelog has scripts/);
    expect(label("<p>MemoBuild", "<p onclick=x>MemoBuild")).to.match(/description has scripts/);
    expect(label('account-info=""', 'account-info="maybe"')).to.match(/account-info is neither/);
  });

  it("wants screenshots of the size that Docker shows, be they PNG or JPEG", () => {
    const withAll = (screenshot: Buffer | undefined): string => {
      const files = ours();
      const read = (path: string): Buffer | undefined => (path.startsWith("docs/") ? screenshot : files[path]);
      return extensionProblems({ read }).join("; ");
    };
    expect(withAll(jpeg(2400, 1600))).to.equal("");
    expect(withAll(png(1200, 800))).to.match(/overview.png is 1200x800, not 2400x1600/);
    expect(withAll(jpeg(1600, 2400))).to.match(/overview.png is 1600x2400/);
    expect(withAll(Buffer.from("GIF89a"))).to.match(/overview.png is neither/);
    expect(withAll(undefined)).to.match(/overview.png is missing/);
  });

  it("wants a version as the tag", () => {
    for (const tag of ["latest", "v1.2.3", "1.2"]) expect(problems([], tag).join(), tag).to.include("no semantic");
  });

  it("wants the version that the program says of itself as the tag", () => {
    expect(problems([], "99.0.0").join("; ")).to.equal(`tag "99.0.0" is not the version in package.json, ${VERSION}`);
    expect(problems([["package.json"]], VERSION).join("; ")).to.match(/is not the version in package.json/);
  });
});
