import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { z } from "zod";
import { CliError } from "./cli-error.ts";
import type { Io } from "./io.ts";

/** Where `octobatch dev` keeps its data, unless --data says otherwise. */
export const defaultDataDirectory = ".octobatch/dev";

/** Where the API is, and what lets us in. */
export interface Connection {
  /** Without a trailing slash. */
  readonly url: string;
  readonly token: string;
  /** For messages: which flag, variable or file named the server. */
  readonly source: string;
}

const connectionFile = z.object({ url: z.string(), token: z.string() });
type ConnectionFile = z.infer<typeof connectionFile>;

/**
 * Finds the server: flags first, then OCTOBATCH_URL and OCTOBATCH_TOKEN, then the file that `octobatch dev` writes. A
 * token is sent only to the server that it was meant for: that of the file goes nowhere else, and the file's server gets
 * no token from the environment.
 *
 * @throws CliError with the remedy when there is no server, no token, or one that cannot be right.
 */
export async function findConnection(
  flags: { readonly url?: string; readonly token?: string; readonly data: string },
  { env, cwd }: Pick<Io, "env" | "cwd">,
): Promise<Connection> {
  const named = namedServer(flags.url, env["OCTOBATCH_URL"]);
  const path = join(resolve(cwd, flags.data), "connection.json");
  const file = await readConnectionFile(path, named === undefined);
  if (named === undefined) {
    if (file === undefined) throw noServer(path);
    return checked(file.url, flags.token ?? file.token, path);
  }
  const ofFile = file !== undefined && trimmed(file.url) === trimmed(named.url) ? file.token : undefined;
  const token = flags.token ?? (env["OCTOBATCH_TOKEN"] || undefined) ?? ofFile;
  if (token === undefined) {
    throw new CliError("denied", "no-token", `There is no token for ${named.url}.`, {
      remedy: "Set OCTOBATCH_TOKEN, or give --token.",
    });
  }
  return checked(named.url, token, named.source);
}

function namedServer(flag: string | undefined, variable: string | undefined): Omit<Connection, "token"> | undefined {
  if (flag !== undefined) return { url: flag, source: "--url" };
  return variable ? { url: variable, source: "OCTOBATCH_URL" } : undefined;
}

function checked(url: string, token: string, source: string): Connection {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/u.test(parsed.protocol) || parsed.username || parsed.search || parsed.hash) {
    throw new CliError("usage", "invalid-url", `${source} does not name a server: ${url}`, {
      remedy: "It is an address such as https://octobatch.example.com, without a user, a query or a fragment.",
    });
  }
  // What a header cannot carry cannot be a token; it is not printed, since it may be most of one.
  if (!/^[\u0021-\u007e]+$/u.test(token)) {
    throw new CliError("denied", "invalid-token", "The token holds spaces, line breaks or characters beyond ASCII.", {
      remedy: "Look at what OCTOBATCH_TOKEN or --token was set to.",
    });
  }
  return { url: trimmed(url), token, source };
}

/** @param needed When another server was named, a broken file is no reason to stop. */
async function readConnectionFile(path: string, needed: boolean): Promise<ConnectionFile | undefined> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    // fs rejects with system errors only.
    const { code } = error as NodeJS.ErrnoException;
    if (!needed || code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw new CliError("unavailable", "no-server", `${path} cannot be read (${code}).`, {
      remedy: "Read it as the user who runs `octobatch dev`, or set OCTOBATCH_URL and OCTOBATCH_TOKEN.",
      cause: error,
    });
  }
  const parsed = connectionFile.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  if (!needed) return undefined;
  throw new CliError("unavailable", "no-server", `${path} is not what \`octobatch dev\` writes.`, {
    remedy: "Delete it and start `octobatch dev` again.",
  });
}

function noServer(path: string): CliError {
  return new CliError("unavailable", "no-server", `There is no server to talk to: ${path} is not there.`, {
    remedy:
      "Start one here with `octobatch dev`, say where its data is with --data, or set OCTOBATCH_URL and OCTOBATCH_TOKEN.",
  });
}

function trimmed(url: string): string {
  return url.replace(/\/+$/u, "");
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
