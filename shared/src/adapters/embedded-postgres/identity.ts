import { execFile } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { userInfo } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import { EmbeddedPostgresUnavailable } from "./embedded-postgres-unavailable.ts";

/**
 * As whom Postgres runs, since it refuses to be root:
 * - `self`: as the normal user that we are;
 * - `namespace`: as somebody else inside a user namespace, while its files stay ours outside;
 * - `other`: as another user, who owns the data; where user namespaces are forbidden, as in most containers.
 */
export type Identity =
  | { readonly kind: "self" }
  | { readonly kind: "namespace"; readonly unshare: string }
  | { readonly kind: "other"; readonly setpriv: string; readonly uid: number };

/** `nobody`: initdb insists on a user that has a name, and this one has it everywhere. */
export const otherUid = 65_534;

/** @throws EmbeddedPostgresUnavailable as root where neither way out is open. */
export async function chooseIdentity(): Promise<Identity> {
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && hasName()) return { kind: "self" };
  const unshare = findProgram("unshare");
  if (unshare !== undefined && (await canUnshare(unshare))) return { kind: "namespace", unshare };
  return isRoot ? otherUser() : { kind: "self" };
}

/** Whether the user we are is listed in /etc/passwd, as initdb wants it; in containers it need not be. */
function hasName(): boolean {
  try {
    return userInfo().username !== "";
  } catch {
    return false;
  }
}

/** @throws EmbeddedPostgresUnavailable */
export function otherUser(): Identity {
  const setpriv = findProgram("setpriv");
  if (setpriv !== undefined) return { kind: "other", setpriv, uid: otherUid };
  throw new EmbeddedPostgresUnavailable(
    "Postgres does not run as root. Run as a normal user, install util-linux (unshare and setpriv), or set DATABASE_URL.",
  );
}

/** Who owns the data on disk. */
export function ownerOf(identity: Identity): number | undefined {
  return identity.kind === "other" ? identity.uid : process.getuid?.();
}

/** Nothing of our own environment, which may hold secrets and PG… settings; messages in English, for the log. */
export const postgresEnvironment = { LC_ALL: "C", PATH: "/usr/bin:/bin" };

/** A command line, ready for spawn. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
}

/**
 * The command line of a Postgres program. The kernel sends it SIGINT (a clean, fast shutdown) when our process ends,
 * however it ends; where setpriv is missing, an orphan is stopped by the next start instead. (To the kernel the parent
 * is the thread that spawned it: do not start a server from a worker thread that ends before it.)
 *
 * The order matters: the kernel forgets the parent-death signal when credentials change (prctl(2), PR_SET_PDEATHSIG),
 * so it is asked for last.
 */
export function launchPostgres(identity: Identity, program: string, args: readonly string[]): Launch {
  const line: string[] = [];
  if (identity.kind === "namespace") line.push(identity.unshare, "--user", "--map-user=1", "--map-group=1");
  const setpriv = findProgram("setpriv");
  if (setpriv !== undefined) line.push(setpriv, "--pdeathsig", "INT");
  if (identity.kind === "other") line.push(`--reuid=${identity.uid}`, `--regid=${identity.uid}`, "--clear-groups");
  line.push(program, ...args);
  return { file: line[0] ?? program, args: line.slice(1) };
}

async function canUnshare(unshare: string): Promise<boolean> {
  return promisify(execFile)(unshare, ["--user", "--map-user=1", "--map-group=1", "true"]).then(
    () => true,
    () => false,
  );
}

/** In the folders where util-linux is, rather than along a PATH that somebody may have changed. */
function findProgram(name: string): string | undefined {
  return ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    .map((folder) => path.join(folder, name))
    .find((candidate) => {
      try {
        accessSync(candidate, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}
