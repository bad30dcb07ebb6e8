/** Promises of telling our leftovers from what is other people's. */
import { expect } from "chai";
import { isContainerOf, isDaemonOf, mountPointsBelow, placeOf } from "./leftovers.js";

describe("isDaemonOf", () => {
  const started = ["--root", "/d/buildkit", "--addr", "unix:///d/buildkitd.sock"];
  const cmdline = (...words: string[]): string => words.map((word) => `${word}\0`).join("");

  it("finds a daemon of any name, also one that an interpreter runs", () => {
    expect(isDaemonOf(cmdline("/usr/bin/buildkitd", ...started), started)).to.equal(true);
    expect(isDaemonOf(cmdline("/opt/bk-0.30", ...started), started)).to.equal(true);
    expect(isDaemonOf(cmdline("/bin/sh", "/opt/wrapped", ...started), started)).to.equal(true);
  });

  it("leaves alone what was not started as we do it", () => {
    for (const words of [
      ["buildkitd", "--root", "/d/buildkit"],
      ["buildkitd", "--root", "/d/buildkit2", "--addr", "unix:///d/buildkitd.sock"],
      ["buildkitd", "--root", "/d/buildkit", "--addr", "unix:///e/buildkitd.sock"],
      ["buildkitd", ...started, "--debug"],
      ["grep", started.join(" ")],
      started,
      [],
    ]) {
      expect(isDaemonOf(cmdline(...words), started), words.join(" ")).to.equal(false);
    }
  });
});

const HOST = [
  "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
  "23 22 0:20 / /tmp rw shared:2 - tmpfs tmpfs rw",
  "24 22 8:2 /vol /mnt rw shared:3 - ext4 /dev/sdb1 rw",
  "25 22 8:2 /blank\\040vol /with\\040blank rw - ext4 /dev/sdb1 rw",
  "",
].join("\n");

describe("placeOf", () => {
  it("goes by the innermost mount", () => {
    expect(placeOf("/var/x", HOST)).to.deep.equal({ device: "8:1", path: "/var/x" });
    expect(placeOf("/tmp/x/buildkit", HOST)).to.deep.equal({ device: "0:20", path: "/x/buildkit" });
    expect(placeOf("/tmpfile/x", HOST)).to.deep.equal({ device: "8:1", path: "/tmpfile/x" });
    expect(placeOf("/mnt", HOST)).to.deep.equal({ device: "8:2", path: "/vol" });
    expect(placeOf("/with blank/x", HOST)).to.deep.equal({ device: "8:2", path: "/blank vol/x" });
  });

  it("goes by the later of two mounts on one point", () => {
    const mountinfo = `${HOST}26 23 0:30 / /tmp rw - tmpfs tmpfs rw\n`;
    expect(placeOf("/tmp/x", mountinfo)).to.deep.equal({ device: "0:30", path: "/x" });
  });
});

describe("isContainerOf", () => {
  const root = "/tmp/x/buildkit";
  const isOurs = (line: string, of: string = root): boolean =>
    isContainerOf(`${line}\n90 80 0:5 / /proc rw - proc proc rw\n`, of, placeOf(of, HOST));
  const overlay = (dir: string): string =>
    `80 70 0:60 / / rw,relatime - overlay overlay rw,lowerdir=${dir}/2/fs:${dir}/1/fs,upperdir=${dir}/3/fs,workdir=${dir}/3/work`;

  it("finds an overlay of directories below the root, wherever they stand in its options", () => {
    expect(isOurs(overlay("/tmp/x/buildkit/snapshots"))).to.equal(true);
    const line = (options: string): string => `80 70 0:60 / / rw - overlay overlay rw,${options}`;
    expect(isOurs(line("lowerdir=1/fs,upperdir=/tmp/x/buildkit/3/fs"))).to.equal(true);
    expect(isOurs(line("lowerdir=/elsewhere:/tmp/x/buildkit/1/fs"))).to.equal(true);
    expect(isOurs(overlay("/tmp/x=y/buildkit/s"), "/tmp/x=y/buildkit")).to.equal(true);
  });

  it("finds a bind mount by file system and path on it", () => {
    expect(isOurs("80 70 0:20 /x/buildkit/s/1 / rw - tmpfs tmpfs rw")).to.equal(true);
    expect(isOurs("80 70 8:1 /x/buildkit/s/1 / rw - ext4 /dev/sda1 rw")).to.equal(false);
    expect(isOurs("80 70 8:2 /tmp/x/buildkit/s/1 / rw - ext4 /dev/sdb1 rw")).to.equal(false);
  });

  it("leaves alone a root whose path only contains or begins with ours", () => {
    expect(isOurs(overlay("/mnt/tmp/x/buildkit/snapshots"))).to.equal(false);
    expect(isOurs(overlay("/tmp/x/buildkit2/snapshots"))).to.equal(false);
    expect(isOurs("80 70 0:20 /mnt/x/buildkit/s/1 / rw - tmpfs tmpfs rw")).to.equal(false);
  });

  it("compares blanks unescaped", () => {
    expect(isOurs(overlay("/tmp/a\\040b/buildkit/s"), "/tmp/a b/buildkit")).to.equal(true);
    expect(isOurs(overlay("/tmp/a\\040b/tmp/x/buildkit/s"))).to.equal(false);
  });

  it("leaves alone who merely sees such a mount", () => {
    expect(isOurs(overlay("/tmp/x/buildkit/s").replace(" / / ", " / /tmp/x/buildkit/rootfs "))).to.equal(false);
    expect(isContainerOf(HOST, root, placeOf(root, HOST))).to.equal(false);
    expect(isContainerOf("", root, placeOf(root, HOST))).to.equal(false);
  });
});

describe("mountPointsBelow", () => {
  it("names what is below, not the directory itself or its neighbours, deepest first", () => {
    const at = (point: string): string => `80 70 0:60 / ${point} rw - tmpfs tmpfs rw`;
    const mountinfo = ["/r", "/r/a\\040b", "/r/a\\040b/c", "/r2/x", "/mnt/r/x"].map(at).join("\n");
    expect(mountPointsBelow("/r", mountinfo)).to.deep.equal(["/r/a b/c", "/r/a b"]);
  });
});
