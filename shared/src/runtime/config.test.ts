import { describe, expect, test } from "vitest";
import { InvalidConfiguration, readSettings, settings, type SettingName } from "./config.ts";

// Object.keys forgets that these are the names.
const names = Object.keys(settings) as SettingName[];

/** A value that each setting refuses, and what of it must not be shown. */
const wrong: Readonly<Record<SettingName, string>> = {
  DATABASE_URL: "mysql://octobatch:hunter2-hunter2@db/octobatch",
  K_SINK: "broker",
  PORT: "70000",
  OCTOBATCH_PUBLIC_URL: "octobatch.example.com",
  OCTOBATCH_LOG_LEVEL: "loud",
  OCTOBATCH_GITHUB_API_URL: "ftp://github.example.com",
  OCTOBATCH_GITHUB_APP_ID: "",
  OCTOBATCH_GITHUB_PRIVATE_KEY: "hunter2-hunter2",
  OCTOBATCH_TOKENS_URL: "tokens",
  OCTOBATCH_TOKENS_CREDENTIAL: "owner:hunter2-hunter2",
  OCTOBATCH_TOKENS_CALLERS: "reader:0123456789abcdef,writer:hunter2",
  OCTOBATCH_TOKENS_KEY: "hunter2-hunter2",
  OCTOBATCH_JOB_TOKEN_KEY: "hunter2-hunter2",
  OCTOBATCH_GITHUB_WEBHOOK_SECRET: "hunter2",
  OCTOBATCH_GITHUB_LIMITS: "none",
  OCTOBATCH_GITHUB_REQUESTS_AT_ONCE: "0",
  OCTOBATCH_GITHUB_CONTENT_PER_MINUTE: "many",
  OCTOBATCH_GITHUB_CONTENT_PER_HOUR: "-5",
  OCTOBATCH_GITHUB_CERTIFICATES: "/etc/ca.pem",
  HTTPS_PROXY: "hunter2-hunter2",
  NO_PROXY: "http://localhost/",
  REDIS_URL: "http://user:hunter2-hunter2@redis",
  OCTOBATCH_S3_BUCKET: "My Bucket",
  OCTOBATCH_S3_ENDPOINT: "minio:9000",
  OCTOBATCH_S3_PUBLIC_ENDPOINT: "storage.example.com",
  OCTOBATCH_S3_REGION: "eu central",
  OCTOBATCH_S3_PATH_STYLE: "yes",
  OCTOBATCH_S3_PREFIX: "../elsewhere",
  OCTOBATCH_S3_CERTIFICATES: "/etc/ca.pem",
  AWS_ACCESS_KEY_ID: "hunter2 hunter2",
  AWS_SECRET_ACCESS_KEY: "hunter2-hunter2\n",
  AWS_SESSION_TOKEN: "hunter2 hunter2",
  OCTOBATCH_BLOB_DIRECTORY: "blobs",
  OCTOBATCH_ARTIFACT_DAYS: "0",
  OCTOBATCH_SANDBOX: "docker",
  OCTOBATCH_JOBS_NAMESPACE: "Jobs",
  OCTOBATCH_JOBS_IMAGE: "",
  OCTOBATCH_JOBS_POD: "{cpu: 4}",
  OCTOBATCH_JOBS_NETWORKS: '{"NPM":{"hosts":{"npm.example.com":"ten"}}}',
  OCTOBATCH_ARTIFACTS_URL: "artifacts",
  OCTOBATCH_KUBECONFIG: "./kubeconfig",
  OCTOBATCH_WORK_DIRECTORY: "./work",
  OCTOBATCH_TOOL_DIRECTORIES: "bin",
  OCTOBATCH_READ_ONLY_DIRECTORIES: "relative",
  OCTOBATCH_ISOLATION: "some",
  OCTOBATCH_SECRETS: "NPM_TOKEN=hunter2-hunter2",
  OCTOBATCH_API_TOKENS: "ada:hunter2",
  OCTOBATCH_PULL_REQUESTS_PER_DAY: "-1",
  OCTOBATCH_EXECUTIONS_AT_ONCE: "0",
  OCTOBATCH_SOURCE_CACHE_MB: "-1",
  OCTOBATCH_STEP_CACHE: "maybe",
  OCTOBATCH_PUBLISHES_AT_ONCE: "many",
  OCTOBATCH_RECONCILES_AT_ONCE: "1.5",
  OCTOBATCH_STEP_MEMORY_MB: "1e999",
  OCTOBATCH_STEP_DISK_MB: "2 GB",
  OCTOBATCH_STEP_PROCESSES: "NaN",
  OCTOBATCH_LOG_LIMIT_MB: "0x",
  OCTOBATCH_PATCH_LIMIT_MB: "-0",
  OCTOBATCH_SCAN_COMMAND: " ",
  OCTOBATCH_CLAMD: "clamd",
};

/** What is said of settings that are refused. @throws Error when they are taken. */
function messageOf(environment: Readonly<Record<string, string>>, ...asked: SettingName[]): string {
  try {
    readSettings(environment, asked);
  } catch (error) {
    if (error instanceof InvalidConfiguration) return error.message;
    throw error;
  }
  throw new Error(`${asked.join(", ")} was taken: ${JSON.stringify(environment)}`);
}

test.each(names)(
  "a wrong %s is refused by its name, with what it is for and an example, and without its value",
  (name) => {
    const message = messageOf({ [name]: wrong[name] }, name);
    expect(message).toMatch(new RegExp(`^${name}: `));
    expect(message).toContain(settings[name].describe);
    expect(message).toContain(`Example: ${settings[name].example}`);
    expect(message).not.toContain("hunter2");
  },
);

const hasDefault = (name: SettingName) => settings[name].schema.safeParse(undefined).success;

test.each(names.filter((name) => !hasDefault(name)))("a missing %s is said to be missing", (name) => {
  expect(messageOf({}, name)).toContain(`${name}: is not set. `);
});

const isOptional = (name: SettingName) => hasDefault(name) && settings[name].schema.parse(undefined) === undefined;

test("some may be left out without a default", () => {
  const optional = [
    "OCTOBATCH_TOKENS_KEY",
    "OCTOBATCH_GITHUB_CERTIFICATES",
    "HTTPS_PROXY",
    "NO_PROXY",
    "REDIS_URL",
    "OCTOBATCH_S3_BUCKET",
    "OCTOBATCH_S3_ENDPOINT",
    "OCTOBATCH_S3_PUBLIC_ENDPOINT",
    "OCTOBATCH_S3_PATH_STYLE",
    "OCTOBATCH_S3_PREFIX",
    "OCTOBATCH_S3_CERTIFICATES",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "OCTOBATCH_BLOB_DIRECTORY",
    "OCTOBATCH_KUBECONFIG",
    "OCTOBATCH_SCAN_COMMAND",
    "OCTOBATCH_CLAMD",
  ];
  expect(names.filter(isOptional)).toEqual(optional);
});

test.each(names.filter((name) => hasDefault(name) && !isOptional(name)))("%s has a default", (name) => {
  expect(readSettings({}, [name])[name]).toBeDefined();
});

test("all that is missing or wrong is named at once", () => {
  const message = messageOf({ PORT: "-1" }, "DATABASE_URL", "K_SINK", "PORT");
  expect(message.split("\n").map((line) => line.split(":")[0])).toEqual(["DATABASE_URL", "K_SINK", "PORT"]);
});

test("only what is asked for has to be there, and an empty value counts as none", () => {
  expect(readSettings({ PORT: "" }, ["PORT"])).toEqual({ PORT: 8080 });
});

describe("values", () => {
  test("tokens are read as who they belong to", () => {
    const environment = { OCTOBATCH_API_TOKENS: "ada:0123456789abcdef, grace@acme.org:fedcba9876543210" };
    expect([...readSettings(environment, ["OCTOBATCH_API_TOKENS"]).OCTOBATCH_API_TOKENS]).toEqual([
      ["0123456789abcdef", "ada"],
      ["fedcba9876543210", "grace@acme.org"],
    ]);
  });

  test("directories are separated by colons, and addresses end without a slash", () => {
    const environment = { OCTOBATCH_TOOL_DIRECTORIES: "/a::/b", OCTOBATCH_PUBLIC_URL: "https://o.example.com//" };
    expect(readSettings(environment, ["OCTOBATCH_TOOL_DIRECTORIES", "OCTOBATCH_PUBLIC_URL"])).toEqual({
      OCTOBATCH_TOOL_DIRECTORIES: ["/a", "/b"],
      OCTOBATCH_PUBLIC_URL: "https://o.example.com",
    });
  });

  test("secrets are a JSON object of strings", () => {
    const environment = { OCTOBATCH_SECRETS: '{"NPM_TOKEN":"x"}' };
    expect(readSettings(environment, ["OCTOBATCH_SECRETS"])).toEqual({ OCTOBATCH_SECRETS: { NPM_TOKEN: "x" } });
    expect(messageOf({ OCTOBATCH_SECRETS: '{"A":1}' }, "OCTOBATCH_SECRETS")).toContain("object of strings");
  });

  test("every example is one that would be taken, but for those that are cut short", () => {
    const whole = names.filter((name) => !/[ …]/.test(settings[name].example));
    expect(whole.filter((name) => !settings[name].schema.safeParse(settings[name].example).success)).toEqual([]);
    expect(whole.length).toBeGreaterThan(15);
  });
});
