import { lstat, readdir, readlink, realpath } from "node:fs/promises";
import { programPath } from "../git/git-command.ts";

/** What of this machine a step sees, all of it read-only: its programs and what they need, and nothing else. */
export interface HostView {
  readonly directories: readonly { readonly source: string; readonly target: string }[];
  readonly links: readonly { readonly path: string; readonly to: string }[];
  /** The operator's directories; they may lie below /tmp, so they come after it. */
  readonly tools: readonly { readonly source: string; readonly target: string }[];
  /** Directories under those that are shown empty. */
  readonly hidden: readonly string[];
  /** The PATH of a step. */
  readonly path: string;
}

const topDirectories = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"];

/** Of /etc, only what programs read to find libraries, certificates, time zones and each other: no accounts, no keys. */
const settings =
  /^(alternatives|ssl|pki|ca-certificates|ld\.so\.(cache|conf|conf\.d)|localtime|timezone|nsswitch\.conf|mime\.types|protocols|services|fonts|perl|python[\d.]*|java[\w.-]*|crypto-policies)$/;
/** Some systems keep private keys beside the certificates. */
const privateDirectories = ["/etc/ssl/private", "/etc/pki/tls/private", "/etc/pki/private"];

/** Reads the machine's layout once. Tool directories come first in a step's PATH, in the order given. */
export async function readHostView(options: {
  readonly toolDirectories: readonly string[];
  readonly readOnlyDirectories: readonly string[];
  /** Ours: shown empty should it lie in one of those. */
  readonly workDirectory: string;
}): Promise<HostView> {
  const directories = [{ source: "/usr", target: "/usr" }];
  const links: { path: string; to: string }[] = [];
  for (const path of topDirectories) {
    const found = await lstat(path).catch(() => undefined);
    if (found?.isSymbolicLink() === true) links.push({ path, to: await readlink(path) });
    else if (found?.isDirectory() === true) directories.push({ source: path, target: path });
  }
  for (const name of await readdir("/etc")) {
    if (!settings.test(name)) continue;
    // Links in /etc often lead out of it, to a place that is not shown.
    const source = await realpath(`/etc/${name}`).catch(() => undefined);
    if (source !== undefined) directories.push({ source, target: `/etc/${name}` });
  }
  const tools = await Promise.all(
    [...new Set([...options.toolDirectories, ...options.readOnlyDirectories])].map(async (path) => ({
      source: await realpath(path),
      target: path,
    })),
  );
  const hidden: string[] = [];
  for (const path of privateDirectories) {
    if ((await lstat(path).catch(() => undefined))?.isDirectory() === true) hidden.push(path);
  }
  if (tools.some(({ target }) => `${options.workDirectory}/`.startsWith(`${target}/`)))
    hidden.push(options.workDirectory);
  return { directories, links, tools, hidden, path: [...options.toolDirectories, programPath].join(":") };
}
