import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chown, lchown, mkdir, open, readdir, readFile, realpath, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { PostgresBinaries } from "./binaries.ts";
import { EmbeddedPostgresUnavailable } from "./embedded-postgres-unavailable.ts";
import { launchPostgres, otherUid, ownerOf, postgresEnvironment, type Identity } from "./identity.ts";

/** The owner of everything in an embedded server. */
export const superuser = "octobatch";

const passwordFile = "octobatch-password";
const unfinished = "initializing-";

/** A data directory that is whole, and the password of its superuser. */
export interface DataDirectory {
  readonly path: string;
  readonly password: string;
}

/**
 * Opens `directory/data`, making it when it is not there.
 *
 * It is made under another name and renamed when it is whole, so a crash in the middle leaves only leftovers, which
 * the next call removes. To be called with the directory's lock held.
 *
 * @throws EmbeddedPostgresUnavailable when the data is another user's or another Postgres version's.
 */
export async function openDataDirectory(
  directory: string,
  options: {
    readonly binaries: PostgresBinaries;
    readonly identity: Identity;
    readonly durable: boolean;
    readonly log: (message: string) => void;
  },
): Promise<DataDirectory> {
  const data = path.join(directory, "data");
  for (const name of await readdir(directory)) {
    if (!name.startsWith(unfinished)) continue;
    // Retried, since an initdb whose parent was killed may still be cleaning up as well.
    await rm(path.join(directory, name), { recursive: true, force: true, maxRetries: 10 });
  }
  await handOver(directory, options.identity);
  if ((await stat(data).catch(() => undefined)) === undefined) {
    options.log(`making a new database in ${data}`);
    const draft = path.join(directory, `${unfinished}${randomBytes(6).toString("hex")}`);
    await initialize(draft, options);
    await rename(draft, data);
    if (options.durable) await syncDirectory(directory);
  }
  await checkOwner(data, options.identity);
  await checkVersion(data, options.binaries);
  return { path: await realpath(data), password: await readPassword(data) };
}

async function initialize(
  draft: string,
  { binaries, identity, durable }: { binaries: PostgresBinaries; identity: Identity; durable: boolean },
): Promise<void> {
  const password = randomBytes(24).toString("base64url");
  const secret = `${draft}-secret`;
  await mkdir(draft, { mode: 0o700 });
  await writeDurably(secret, password);
  if (identity.kind === "other") {
    await Promise.all([draft, secret].map((file) => chown(file, identity.uid, identity.uid)));
  }
  const { file, args } = launchPostgres(identity, binaries.initdb, [
    `--pgdata=${draft}`,
    `--username=${superuser}`,
    `--pwfile=${secret}`,
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    // Sorts by code point, the same on every machine, and still knows the case of every letter.
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    "--no-instructions",
    ...(durable ? [] : ["--no-sync"]),
  ]);
  try {
    await promisify(execFile)(file, args, { cwd: path.dirname(draft), env: postgresEnvironment });
  } catch (cause) {
    const output = cause instanceof Error && "stderr" in cause ? String(cause.stderr).trim() : String(cause);
    throw new EmbeddedPostgresUnavailable(
      `Making a new Postgres database in ${path.dirname(draft)} failed: ${output}\n` +
        "The user who runs this must be able to write the folder and read node_modules, and be listed in /etc/passwd; " +
        "or set DATABASE_URL.",
      { cause },
    );
  }
  await rename(secret, path.join(draft, passwordFile));
  if (durable) await syncDirectory(draft);
}

async function checkOwner(data: string, identity: Identity): Promise<void> {
  const { uid } = await stat(data);
  const owner = ownerOf(identity);
  if (owner === undefined || uid === owner) return;
  if (!isRootsPostgres(uid)) {
    throw new EmbeddedPostgresUnavailable(
      `${data} belongs to user ${uid}, and this is user ${process.getuid?.()}. Run as that user, or use another directory.`,
    );
  }
  const inside = await readdir(data, { recursive: true });
  await Promise.all(inside.map((name) => lchown(path.join(data, name), owner, owner)));
  await chown(data, owner, owner); // last, so that a crash before it is healed by the next start
}

/** The folder around the data, which Postgres must be able to enter. */
async function handOver(directory: string, identity: Identity): Promise<void> {
  const { uid } = await stat(directory);
  const owner = ownerOf(identity);
  if (owner !== undefined && uid !== owner && isRootsPostgres(uid)) await chown(directory, owner, owner);
}

/** Root's Postgres is root or `nobody`, by whether user namespaces are allowed; and that may change between starts. */
function isRootsPostgres(uid: number): boolean {
  return process.getuid?.() === 0 && (uid === 0 || uid === otherUid);
}

async function checkVersion(data: string, binaries: PostgresBinaries): Promise<void> {
  const found = (await readFile(path.join(data, "PG_VERSION"), "utf8").catch(() => "unknown")).trim();
  if (found === String(binaries.majorVersion)) return;
  throw new EmbeddedPostgresUnavailable(
    `${data} was made by Postgres ${found}, and this is Postgres ${binaries.majorVersion}. ` +
      "Dump it with the old version and restore it here, or move the folder away to begin with an empty database.",
  );
}

async function readPassword(data: string): Promise<string> {
  try {
    return await readFile(path.join(data, passwordFile), "utf8");
  } catch (cause) {
    throw new EmbeddedPostgresUnavailable(
      `The password of the database in ${data} is missing (${passwordFile}). ` +
        "Put the file back, or move the folder away to begin with an empty database.",
      { cause },
    );
  }
}

async function writeDurably(file: string, content: string): Promise<void> {
  const handle = await open(file, "wx", 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
