/** Runs one program to its end; how (which user, namespaces, limits) is the business of whoever provides it. */
export type RunCommand = (command: Command) => Promise<CommandResult>;

export interface Command {
  readonly argv: readonly [string, ...string[]];
  /** The whole environment: nothing is inherited. */
  readonly environment: Readonly<Record<string, string>>;
  readonly input?: Uint8Array | undefined;
  readonly timeoutMs: number;
  /** More output than this ends the command; the result says so. */
  readonly maxOutputBytes: number;
}

export interface CommandResult {
  /** Undefined when it was ended by a signal. */
  readonly exitCode: number | undefined;
  readonly stdout: Buffer;
  /** The last 64 KiB of it. */
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly outputExceeded: boolean;
}

/** Where programs are looked for; the environment of this process is never asked. */
export const programPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A git repository whose directory we made, with a work tree that strangers wrote in. */
export interface TrustedRepository {
  /** Outside of what a sandbox can see. */
  readonly gitDirectory: string;
  readonly workTree: string;
}

/** No configuration, hook, attribute, filter or prompt but ours; contents are taken as they are, byte for byte. */
const settings: Readonly<Record<string, string>> = {
  "core.hooksPath": "/dev/null",
  "core.fsmonitor": "false",
  "core.untrackedCache": "false",
  "core.attributesFile": "/dev/null",
  "core.excludesFile": "/dev/null",
  "core.autocrlf": "false",
  "core.safecrlf": "false",
  "core.symlinks": "true",
  "core.fileMode": "true",
  "core.ignoreCase": "false",
  "core.precomposeUnicode": "false",
  "core.protectHFS": "true",
  "core.protectNTFS": "true",
  "core.askPass": "",
  "credential.helper": "",
  "gc.auto": "0",
  "maintenance.auto": "false",
  "submodule.recurse": "false",
  "fetch.recurseSubmodules": "false",
  // One pack instead of a file an object.
  "fetch.unpackLimit": "1",
  "diff.algorithm": "myers",
  "diff.renameLimit": "1000",
  "advice.addEmbeddedRepo": "false",
  "protocol.version": "2",
  "protocol.allow": "never",
  "http.followRedirects": "false",
};

/**
 * The environment for git. `extra` settings go the same way: by environment, so that a token in them is on no command
 * line and in no file.
 */
export function gitEnvironment(options: {
  readonly repository: TrustedRepository;
  readonly settings?: Readonly<Record<string, string>>;
  /** For the operator: proxies and certificates, such as `https_proxy` or `GIT_SSL_CAINFO`. */
  readonly operator?: Readonly<Record<string, string>> | undefined;
}): Record<string, string> {
  const entries = Object.entries({ ...settings, ...options.settings });
  const environment: Record<string, string> = {
    ...options.operator,
    PATH: programPath,
    HOME: "/nonexistent",
    LC_ALL: "C",
    GIT_DIR: options.repository.gitDirectory,
    GIT_WORK_TREE: options.repository.workTree,
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_LITERAL_PATHSPECS: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "/bin/false",
    GIT_CONFIG_COUNT: String(entries.length),
  };
  entries.forEach(([key, value], index) => {
    environment[`GIT_CONFIG_KEY_${index}`] = key;
    environment[`GIT_CONFIG_VALUE_${index}`] = value;
  });
  return environment;
}

/** Git failed; the message carries what it said, without the token. */
export class GitFailed extends Error {
  override readonly name = "GitFailed";
  /** True when the same command may succeed later: the network or the server is at fault. */
  readonly retryable: boolean;
  /** The HTTP status that a server refused with, where one did. */
  readonly status: number | undefined;
  constructor(
    message: string,
    retryable: boolean,
    options: ErrorOptions & { readonly status?: number | undefined } = {},
  ) {
    super(message, options);
    this.retryable = retryable;
    this.status = options.status;
  }
}

/** What git complained about, in one line: its `fatal:` and `error:` lines, or its last ones. */
export function complaint(stderr: string): string {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const telling = lines.filter((line) => /^(fatal|error|remote):/.test(line));
  return (telling.length > 0 ? telling : lines).slice(-4).join("; ").slice(0, 600) || "it said nothing";
}
