import { z } from "zod";
import { isBlobKey } from "#shared/adapters/blob-key.ts";
import type { TokenCaller } from "#shared/tokens/token-callers.ts";
import { tokenRoles } from "#shared/tokens/token-role.ts";
import { jobNetworks } from "./job-networks.ts";
import { podSettings } from "./pod-settings.ts";

/** A setting: what it means, the shape of its value, and whether it is a secret. */
interface Setting<Value> {
  readonly describe: string;
  readonly schema: z.ZodType<Value>;
  readonly example: string;
  readonly secret?: true;
}

function setting<Value>(definition: Setting<Value>): Setting<Value> {
  return definition;
}

const httpUrl = z.url({ protocol: /^https?$/, error: "expected an http(s) URL" });
const directoryList = z
  .string()
  .transform((text) => text.split(":").filter((part) => part !== ""))
  .refine((paths) => paths.every((path) => path.startsWith("/")), "expected absolute paths, separated by colons")
  .default([]);
const positive = z.coerce.number<string>().int().positive();

const keys = z.string().transform((text, context) => {
  const keys = text.split(",").map((key) => Buffer.from(key.trim(), "base64"));
  if (keys.every(({ length }) => length === 32)) return keys;
  context.addIssue({ code: "custom", message: "expected 32 bytes in base64, or several such keys with commas" });
  return z.NEVER;
});

const credential = `(${tokenRoles.join("|")}):([\\w.~+/=-]{16,})`;
const aCredential = `ROLE:SECRET with one of the roles ${tokenRoles.join(", ")} and a secret of at least 16 characters`;

/** Every setting there is: the only place that reads the environment. docs/operations.md is held to this list. */
export const settings = {
  DATABASE_URL: setting({
    describe: "The Postgres that holds everything.",
    schema: z.string().regex(/^postgres(ql)?:\/\//, "expected postgres://user:password@host:port/database"),
    example: "postgres://octobatch:secret@db:5432/octobatch",
    secret: true,
  }),
  K_SINK: setting({
    describe: "Where events are sent: the ingress of the broker.",
    schema: httpUrl,
    example: "http://broker-ingress.knative-eventing.svc.cluster.local/octobatch/octobatch",
  }),
  PORT: setting({
    describe: "The port a function listens on; 0 takes a free one.",
    schema: z.coerce.number<string>().int().min(0).max(65_535).default(8080),
    example: "8080",
  }),
  OCTOBATCH_PUBLIC_URL: setting({
    describe: "Where people see Octobatch: the links in pull requests begin with it.",
    schema: httpUrl.transform((url) => url.replace(/\/+$/, "")),
    example: "https://octobatch.example.com",
  }),
  OCTOBATCH_LOG_LEVEL: setting({
    describe: "The least severe log lines that are written.",
    schema: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
    example: "info",
  }),
  OCTOBATCH_GITHUB_API_URL: setting({
    describe: "GitHub's REST API; `https://HOST/api/v3` on GitHub Enterprise Server.",
    schema: httpUrl.default("https://api.github.com"),
    example: "https://github.example.com/api/v3",
  }),
  OCTOBATCH_GITHUB_APP_ID: setting({
    describe: "The GitHub App's id or client id.",
    schema: z.string().min(1),
    example: "123456",
  }),
  OCTOBATCH_GITHUB_PRIVATE_KEY: setting({
    describe: "The GitHub App's private key, in PEM format.",
    schema: z.string().includes("PRIVATE KEY", { error: "expected a private key in PEM format" }),
    example: "-----BEGIN RSA PRIVATE KEY----- …",
    secret: true,
  }),
  OCTOBATCH_TOKENS_URL: setting({
    describe: "Where the tokens function is: whoever asks GitHub has its tokens from there.",
    schema: httpUrl.transform((url) => url.replace(/\/+$/, "")),
    example: "http://tokens.octobatch.svc.cluster.local",
  }),
  OCTOBATCH_TOKENS_CREDENTIAL: setting({
    describe: "How a function shows the tokens function its role: ROLE:SECRET, one of `OCTOBATCH_TOKENS_CALLERS`.",
    schema: z.string().regex(new RegExp(`^${credential}$`), `expected ${aCredential}`),
    example: "reader:4f9d…",
    secret: true,
  }),
  OCTOBATCH_TOKENS_CALLERS: setting({
    describe:
      `Who may ask the tokens function: ROLE:SECRET pairs, separated by commas, with the roles ${tokenRoles.join(", ")}. ` +
      "A role may have two secrets while one takes the place of the other.",
    schema: z.string().transform((text, context) => {
      const callers: TokenCaller[] = [];
      for (const pair of text.split(",")) {
        const [, named, secret] = new RegExp(`^${credential}$`).exec(pair.trim()) ?? [];
        const role = tokenRoles.find((each) => each === named);
        if (role === undefined || secret === undefined) {
          context.addIssue({ code: "custom", message: `expected pairs of ${aCredential}` });
          return z.NEVER;
        }
        callers.push({ role, secret });
      }
      return callers;
    }),
    example: "reader:4f9d…,writer:77ac…",
    secret: true,
  }),
  OCTOBATCH_TOKENS_KEY: setting({
    describe:
      "What the tokens function encrypts kept tokens with: 32 random bytes in base64. Of several, separated by commas, the " +
      "first encrypts and all decrypt. Without one, a key is derived from the App's private key.",
    schema: keys.optional(),
    example: "a line of: openssl rand -base64 32",
    secret: true,
  }),
  OCTOBATCH_JOB_TOKEN_KEY: setting({
    describe:
      "What the tokens of Jobs are signed with: 32 random bytes in base64. Of several, separated by commas, the first " +
      "signs and all are accepted.",
    schema: keys,
    example: "a line of: openssl rand -base64 32",
    secret: true,
  }),
  OCTOBATCH_GITHUB_WEBHOOK_SECRET: setting({
    describe: "The secret that GitHub signs webhook deliveries with.",
    schema: z.string().min(16, "expected at least 16 characters"),
    example: "a long random text",
    secret: true,
  }),
  OCTOBATCH_GITHUB_LIMITS: setting({
    describe:
      "Whose limits our requests keep to: `documented`, those of GitHub.com, or `off` for a GitHub Enterprise Server " +
      "whose admin has not switched them on.",
    schema: z.enum(["documented", "off"]).default("documented"),
    example: "documented",
  }),
  OCTOBATCH_GITHUB_REQUESTS_AT_ONCE: setting({
    describe: "The most requests that are under way at once for one installation.",
    schema: positive.default(60),
    example: "60",
  }),
  OCTOBATCH_GITHUB_CONTENT_PER_MINUTE: setting({
    describe: "The most pull requests, comments and the like that are created in a minute for one installation.",
    schema: positive.default(80),
    example: "80",
  }),
  OCTOBATCH_GITHUB_CONTENT_PER_HOUR: setting({
    describe: "The same in an hour.",
    schema: positive.default(500),
    example: "500",
  }),
  OCTOBATCH_GITHUB_CERTIFICATES: setting({
    describe:
      "Certificates of a GitHub Enterprise Server's own authority, in PEM format, trusted besides the usual ones.",
    schema: z.string().includes("BEGIN CERTIFICATE", { error: "expected certificates in PEM format" }).optional(),
    example: "-----BEGIN CERTIFICATE----- …",
  }),
  HTTPS_PROXY: setting({
    describe: "The proxy through which GitHub and S3 are reached.",
    schema: httpUrl.optional(),
    example: "http://user:password@proxy.example.com:3128",
    secret: true,
  }),
  NO_PROXY: setting({
    describe: "Hosts that are reached without the proxy, separated by commas.",
    schema: z
      .string()
      .regex(/^[\w.*:-]+(\s*,\s*[\w.*:-]+)*$/, "expected hosts, separated by commas")
      .optional(),
    example: "localhost,.svc.cluster.local",
  }),
  REDIS_URL: setting({
    describe: "The Redis that paces requests to GitHub; without one, Postgres does.",
    schema: z
      .string()
      .regex(/^rediss?:\/\//, "expected redis://[user:password@]host:port")
      .optional(),
    example: "redis://redis:6379",
    secret: true,
  }),
  OCTOBATCH_S3_BUCKET: setting({
    describe: "The S3 bucket that keeps patches and logs.",
    schema: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, "expected the name of a bucket")
      .optional(),
    example: "octobatch",
  }),
  OCTOBATCH_S3_ENDPOINT: setting({
    describe: "Where the S3-compatible server is; without it, AWS.",
    schema: httpUrl.optional(),
    example: "https://minio.example.com:9000",
  }),
  OCTOBATCH_S3_PUBLIC_ENDPOINT: setting({
    describe:
      "The same server as browsers reach it: downloads then come straight from it. With an endpoint and without this, " +
      "they come through the API.",
    schema: httpUrl.optional(),
    example: "https://storage.example.com",
  }),
  OCTOBATCH_S3_REGION: setting({
    describe: "The region of the bucket; servers that are not AWS compare it with their own setting.",
    schema: z
      .string()
      .regex(/^[\w-]+$/, "expected the name of a region")
      .default("us-east-1"),
    example: "eu-central-1",
  }),
  OCTOBATCH_S3_PATH_STYLE: setting({
    describe:
      "Whether the bucket is a part of the path (`true`) or of the host's name (`false`). When unset, of the path " +
      "where there is an endpoint.",
    schema: z
      .enum(["true", "false"])
      .transform((text) => text === "true")
      .optional(),
    example: "true",
  }),
  OCTOBATCH_S3_PREFIX: setting({
    describe: "What all keys in the bucket begin with, for a bucket that others use as well.",
    schema: z
      .string()
      .max(100, "expected at most 100 characters")
      .transform((text) => text.replace(/^\/+|\/+$/g, ""))
      .refine(isBlobKey, "expected words of letters, digits, dots, underscores and hyphens, with slashes between")
      .optional(),
    example: "octobatch/production",
  }),
  OCTOBATCH_S3_CERTIFICATES: setting({
    describe: "Certificates of an S3 server's own authority, in PEM format, trusted besides the usual ones.",
    schema: z.string().includes("BEGIN CERTIFICATE", { error: "expected certificates in PEM format" }).optional(),
    example: "-----BEGIN CERTIFICATE----- …",
  }),
  AWS_ACCESS_KEY_ID: setting({
    describe: "Who asks for objects of the bucket. When unset, the role that the pod or the machine has.",
    schema: z.string().regex(/^\S+$/, "expected no spaces or line ends").optional(),
    example: "AKIA…",
    secret: true,
  }),
  AWS_SECRET_ACCESS_KEY: setting({
    describe: "The secret that belongs to `AWS_ACCESS_KEY_ID`.",
    schema: z.string().regex(/^\S+$/, "expected no spaces or line ends").optional(),
    example: "a long random text",
    secret: true,
  }),
  AWS_SESSION_TOKEN: setting({
    describe: "What temporary credentials have besides.",
    schema: z.string().regex(/^\S+$/, "expected no spaces or line ends").optional(),
    example: "a long random text",
    secret: true,
  }),
  OCTOBATCH_BLOB_DIRECTORY: setting({
    describe: "The directory that keeps patches and logs where there is no `OCTOBATCH_S3_BUCKET`.",
    schema: z.string().startsWith("/", "expected an absolute path").optional(),
    example: "/var/lib/octobatch/blobs",
  }),
  OCTOBATCH_ARTIFACT_DAYS: setting({
    describe: "How many days patches and logs are kept after they were last needed.",
    schema: positive.max(3650, "expected at most 3650 days").default(30),
    example: "30",
  }),
  OCTOBATCH_SANDBOX: setting({
    describe: "Where steps run: as processes of this machine (`process`), or as Jobs of a cluster (`kubernetes`).",
    schema: z.enum(["process", "kubernetes"]).default("process"),
    example: "kubernetes",
  }),
  OCTOBATCH_JOBS_NAMESPACE: setting({
    describe: "The namespace of Jobs, with nothing else in it.",
    schema: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, "expected the name of a namespace")
      .default("octobatch-jobs"),
    example: "octobatch-jobs",
  }),
  OCTOBATCH_JOBS_IMAGE: setting({
    describe: "The image of Octobatch that Jobs use for their own part: the same version as this function's.",
    schema: z.string().min(1),
    example: "octobatch:0.1.0",
  }),
  OCTOBATCH_JOBS_POD: setting({
    describe:
      "Where and how the pods of Jobs run, as JSON: `nodeSelector`, `tolerations`, `priorityClassName`, `runtimeClassName`, " +
      "`imagePullSecrets`, `hostUsers`, `runAsUser`, `cpuRequest`, `cpuLimit`, `memoryRequest` and `workspaceMedium` " +
      "(`disk` or `memory`).",
    schema: podSettings,
    example: '{"nodeSelector":{"pool":"transforms"},"cpuLimit":"4"}',
  }),
  OCTOBATCH_JOBS_NETWORKS: setting({
    describe:
      "What steps in Jobs may reach when their spec asks for it, as JSON: a name for each, with the IP addresses of its `hosts`. " +
      "A NetworkPolicy of yours lets it through.",
    schema: jobNetworks,
    example: '{"npm":{"hosts":{"npm.example.com":"10.0.0.7"}}}',
  }),
  OCTOBATCH_ARTIFACTS_URL: setting({
    describe: "Where Jobs reach the artifacts service.",
    schema: httpUrl.transform((url) => url.replace(/\/+$/, "")),
    example: "http://artifacts.octobatch.svc.cluster.local",
  }),
  OCTOBATCH_KUBECONFIG: setting({
    describe: "A kubeconfig file with the cluster of Jobs; without one it is the cluster that this function runs in.",
    schema: z.string().startsWith("/", "expected an absolute path").optional(),
    example: "/etc/octobatch/kubeconfig",
  }),
  OCTOBATCH_WORK_DIRECTORY: setting({
    describe: "Where the process sandbox keeps its workspaces while steps run.",
    schema: z.string().startsWith("/", "expected an absolute path"),
    example: "/var/lib/octobatch/work",
  }),
  OCTOBATCH_TOOL_DIRECTORIES: setting({
    describe: "Directories whose programs the steps in the process sandbox can run, separated by colons.",
    schema: directoryList,
    example: "/opt/codemods/bin",
  }),
  OCTOBATCH_READ_ONLY_DIRECTORIES: setting({
    describe: "Directories that the steps in the process sandbox can read besides the system's, separated by colons.",
    schema: directoryList,
    example: "/opt/codemods",
  }),
  OCTOBATCH_ISOLATION: setting({
    describe:
      "How the process sandbox isolates steps: `auto` takes the best the machine has and refuses where it has none; " +
      "`none` runs steps without isolation, with all rights of this process.",
    schema: z.enum(["auto", "none"]).default("auto"),
    example: "auto",
  }),
  OCTOBATCH_SECRETS: setting({
    describe: "The secrets that steps may ask for by name, as a JSON object of strings.",
    schema: z
      .string()
      .transform((text, context) => {
        const parsed = secretsSchema.safeParse(parseJson(text));
        if (parsed.success) return parsed.data;
        context.addIssue({ code: "custom", message: 'expected a JSON object of strings, as {"NPM_TOKEN":"…"}' });
        return z.NEVER;
      })
      .default({}),
    example: '{"NPM_TOKEN":"…"}',
    secret: true,
  }),
  OCTOBATCH_API_TOKENS: setting({
    describe: "Who may use the API: NAME:TOKEN pairs, separated by commas. The name appears in the audit log.",
    schema: z.string().transform((text, context) => {
      const tokens = new Map<string, string>();
      for (const pair of text.split(",")) {
        const [, name, token] = /^([\w.@-]+):([\w.~+/=-]{16,})$/.exec(pair.trim()) ?? [];
        if (name === undefined || token === undefined) {
          context.addIssue({ code: "custom", message: "expected NAME:TOKEN,… with tokens of at least 16 characters" });
          return z.NEVER;
        }
        tokens.set(token, name);
      }
      return tokens;
    }),
    example: "ada:4f9d…",
    secret: true,
  }),
  OCTOBATCH_PULL_REQUESTS_PER_DAY: setting({
    describe: "The most pull requests that are opened in one organization on one day (UTC), by all campaigns together.",
    schema: positive.default(150),
    example: "150",
  }),
  OCTOBATCH_EXECUTIONS_AT_ONCE: setting({
    describe: "The most transforms that run at once, per organization.",
    schema: positive.default(20),
    example: "20",
  }),
  OCTOBATCH_SOURCE_CACHE_MB: setting({
    describe:
      "How much of the disk the commits may take that a worker keeps for later previews, beside what is in use; 0 keeps none.",
    schema: z.coerce.number<string>().int().nonnegative().default(10_240),
    example: "10240",
  }),
  OCTOBATCH_STEP_CACHE: setting({
    describe: "Whether a step that ran before on the very same input is taken from the cache: `on` or `off`.",
    schema: z.enum(["on", "off"]).default("on"),
    example: "on",
  }),
  OCTOBATCH_PUBLISHES_AT_ONCE: setting({
    describe: "The most changesets that are published at once, per organization.",
    schema: positive.default(4),
    example: "4",
  }),
  OCTOBATCH_RECONCILES_AT_ONCE: setting({
    describe:
      "The most changesets that are compared with GitHub at once, per organization, and repositories whose workspaces are found.",
    schema: positive.default(8),
    example: "8",
  }),
  OCTOBATCH_STEP_MEMORY_MB: setting({
    describe: "The most memory that the steps of one repository may use together.",
    schema: positive.default(4096),
    example: "4096",
  }),
  OCTOBATCH_STEP_DISK_MB: setting({
    describe: "The most that the steps of one repository may write to disk.",
    schema: positive.default(2048),
    example: "2048",
  }),
  OCTOBATCH_STEP_PROCESSES: setting({
    describe: "The most processes and threads that the steps of one repository may have.",
    schema: positive.default(512),
    example: "512",
  }),
  OCTOBATCH_LOG_LIMIT_MB: setting({
    describe: "The most of one step's output that is kept; the rest is cut.",
    schema: positive.default(20),
    example: "20",
  }),
  OCTOBATCH_PATCH_LIMIT_MB: setting({
    describe: "The largest patch of one repository; a larger one fails.",
    schema: positive.default(50),
    example: "50",
  }),
  OCTOBATCH_SCAN_COMMAND: setting({
    describe:
      "A command that looks for malware in what steps changed, run once a file with the file on standard input: exit " +
      "code 0 is clean, 1 is infected with the finding on standard output, anything else is tried again.",
    schema: z.string().regex(/\S/, "expected a command for sh").optional(),
    example: "clamdscan --no-summary -",
  }),
  OCTOBATCH_CLAMD: setting({
    describe: "The ClamAV daemon that looks for malware instead: HOST:PORT, or the path of its socket.",
    schema: z
      .string()
      .transform((text, context) => {
        if (text.startsWith("/")) return { path: text };
        const [, host, port = ""] = /^([\w.-]+|\[[0-9a-fA-F:]+\]):(\d{1,5})$/.exec(text) ?? [];
        if (host !== undefined && Number(port) <= 65_535)
          return { host: host.replace(/^\[|\]$/g, ""), port: Number(port) };
        context.addIssue({ code: "custom", message: "expected HOST:PORT, or the absolute path of a socket" });
        return z.NEVER;
      })
      .optional(),
    example: "clamd.clamav.svc.cluster.local:3310",
  }),
} as const;

export type SettingName = keyof typeof settings;
export type Settings = { readonly [Name in SettingName]: z.output<(typeof settings)[Name]["schema"]> };

const secretsSchema = z.record(z.string(), z.string());

/** A setting is missing or wrong; the message names each one, what was expected, and an example. */
export class InvalidConfiguration extends Error {
  override readonly name = "InvalidConfiguration";
}

/**
 * Reads the settings of these names, and no others.
 * @throws InvalidConfiguration naming all that are missing or wrong; values of secrets are not in it.
 */
export function readSettings<Name extends SettingName>(
  environment: Readonly<Record<string, string | undefined>>,
  names: readonly Name[],
): Pick<Settings, Name> {
  const problems: string[] = [];
  const values: Partial<Record<Name, unknown>> = {};
  for (const name of names) {
    const { schema, describe, example } = settings[name];
    const text = environment[name];
    const parsed = schema.safeParse(text === "" ? undefined : text);
    if (parsed.success) values[name] = parsed.data;
    else {
      const problem = text ? parsed.error.issues.map(({ message }) => message).join("; ") : "is not set";
      problems.push(`${name}: ${problem}. ${describe} Example: ${example}`);
    }
  }
  if (problems.length > 0) throw new InvalidConfiguration(problems.join("\n"));
  // Every name was either given its schema's output or reported above.
  return values as Pick<Settings, Name>;
}

/** The environment of this process. */
export function processEnvironment(): Readonly<Record<string, string | undefined>> {
  return process.env;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
