import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";

export interface DevOptions {
  /** GitHub's REST API; github.com by default. */
  readonly githubUrl?: string | undefined;
  readonly appId?: string | undefined;
  /** The path of the App's private key, in PEM format. */
  readonly privateKey?: string | undefined;
  readonly webhookSecret?: string | undefined;
  readonly port: number;
  /** The directory that keeps everything. */
  readonly data: string;
  readonly isolation: "auto" | "none";
}

/** What a local installation needs to know, all of it but the database. */
export interface DevSettings {
  readonly directory: string;
  readonly token: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Makes the settings of a local installation: what the options say, over the environment, over what its data directory
 * remembers. The API token and the webhook secret are made once and kept there, readable by their owner alone.
 *
 * @throws Error naming the option when the private key cannot be read.
 */
export async function devSettings(
  options: DevOptions,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<DevSettings> {
  const directory = resolve(options.data);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const token = await kept(join(directory, "api-token"), () => randomBytes(24).toString("base64url"));
  const webhookSecret =
    options.webhookSecret ??
    environment["OCTOBATCH_GITHUB_WEBHOOK_SECRET"] ??
    (await kept(join(directory, "webhook-secret"), () => randomBytes(24).toString("base64url")));
  const user = userName().replaceAll(/[^\w.@-]/g, "-") || "local";
  return {
    directory,
    token,
    environment: {
      // A machine runs one step on one core; what waits is not lost.
      OCTOBATCH_EXECUTIONS_AT_ONCE: "2",
      ...environment,
      ...(options.githubUrl === undefined ? {} : { OCTOBATCH_GITHUB_API_URL: options.githubUrl }),
      ...(options.appId === undefined ? {} : { OCTOBATCH_GITHUB_APP_ID: options.appId }),
      ...(options.privateKey === undefined
        ? {}
        : { OCTOBATCH_GITHUB_PRIVATE_KEY: await readPrivateKey(options.privateKey) }),
      OCTOBATCH_GITHUB_WEBHOOK_SECRET: webhookSecret,
      OCTOBATCH_API_TOKENS: `${user}:${token}`,
      OCTOBATCH_BLOB_DIRECTORY: join(directory, "blobs"),
      OCTOBATCH_WORK_DIRECTORY: join(directory, "work"),
      OCTOBATCH_ISOLATION: options.isolation,
    },
  };
}

/** Tells the CLI where the API is, and how to get in. */
export async function writeConnection(directory: string, url: string, token: string): Promise<void> {
  await writeFile(join(directory, "connection.json"), `${JSON.stringify({ url, token })}\n`, { mode: 0o600 });
}

/** Who works here, for the audit log. In a container a user may have a number and no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}

async function readPrivateKey(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    throw new Error(`The private key ${path} cannot be read. Give the App's .pem file with --private-key.`, { cause });
  }
}

/** The text in the file, made and written when there is none. Two processes at once agree on one. */
async function kept(path: string, make: () => string): Promise<string> {
  try {
    await writeFile(path, make(), { flag: "wx", mode: 0o600 });
  } catch (error) {
    // Node's file system errors carry a code.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return (await readFile(path, "utf8")).trim();
}
