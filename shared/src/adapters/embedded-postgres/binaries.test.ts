import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { findPostgresBinaries, readPackage } from "./binaries.ts";

test("finds the Postgres of this platform", async () => {
  const { postgres, majorVersion } = await findPostgresBinaries();
  const { stdout } = await promisify(execFile)(postgres, ["--version"]);
  expect(stdout).toContain(`(PostgreSQL) ${majorVersion}.`);
});

test("says what to do on a platform that has none", async () => {
  await expect(findPostgresBinaries("sunos-sparc")).rejects.toThrow(
    "There is no embedded Postgres for sunos-sparc. Set DATABASE_URL to a Postgres server of your own.",
  );
});

test("says what to do when the package is not installed", async () => {
  const absent = process.arch === "arm64" ? "x64" : "arm64";
  await expect(findPostgresBinaries(`linux-${absent}`)).rejects.toThrow(
    /is not installed\. Run "npm ci" without --omit/,
  );
});

describe("a package whose install script did not run", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "octobatch-package-"));
    await mkdir(path.join(directory, "native", "lib"), { recursive: true });
    await writeFile(path.join(directory, "package.json"), '{"version":"18.4.0-beta.17"}');
    await writeFile(path.join(directory, "native", "lib", "libpq.so.5.18"), "a library");
    await writeFile(
      path.join(directory, "native", "pg-symlinks.json"),
      '[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]',
    );
  });
  afterEach(() => rm(directory, { recursive: true, force: true }));

  test("gets the links that it lacks, once", async () => {
    await Promise.all([readPackage(directory), readPackage(directory)]);
    const { majorVersion } = await readPackage(directory);
    expect(majorVersion).toBe(18);
    const link = path.join(directory, "native", "lib", "libpq.so.5");
    expect(await readlink(link)).toBe("libpq.so.5.18");
    expect(await readFile(link, "utf8")).toBe("a library");
    expect(await readdir(path.join(directory, "native", "lib"))).toHaveLength(2);
  });

  test("says what to do when they cannot be made", async () => {
    await rm(path.join(directory, "native", "lib"), { recursive: true });
    await expect(readPackage(directory)).rejects.toThrow(/lacks native\/lib\/libpq\.so\.5 .* Run "npm rebuild"/);
  });
});
