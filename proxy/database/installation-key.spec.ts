/** The key of an installation stays the same, and is another one elsewhere. */
import { expect } from "chai";
import { join } from "node:path";
import { createLogger } from "../log/create-logger.js";
import { makeTempDir, removeDir } from "../test/support/temp-dir.js";
import { installationKey } from "./installation-key.js";
import { openDatabase } from "./open-database.js";

describe("installationKey", () => {
  let dir: string;
  const logger = createLogger({ level: "error", format: "json", stream: process.stderr });

  const keyIn = (name: string): string => {
    const database = openDatabase({ path: join(dir, name), logger });
    try {
      const key = installationKey(database);
      expect(installationKey(database).equals(key)).to.equal(true);
      expect(key).to.have.length(32);
      return key.toString("hex");
    } finally {
      database.close();
    }
  };

  beforeEach(async () => {
    dir = await makeTempDir("key");
  });

  afterEach(async () => {
    await removeDir(dir);
  });

  it("is made once for a database", () => {
    const key = keyIn("one.db");

    expect(keyIn("one.db")).to.equal(key);
    expect(keyIn("other.db")).to.not.equal(key);
  });
});
