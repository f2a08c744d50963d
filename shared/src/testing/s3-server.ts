import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { freePort } from "./free-port.ts";
import { killProcess } from "./kill-process.ts";

/** An S3 server of one test file, with one user. */
export interface TestS3 {
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Makes an empty bucket and answers its name. */
  createBucket(): Promise<string>;
  /** Kills it where it stands. */
  kill(): Promise<void>;
  /** Starts it again at the same address, with what it held. */
  restart(): Promise<void>;
  /** Kills it and removes its directory. Stopping twice is safe. */
  stop(): Promise<void>;
}

const program = "versitygw";

/** Where `go install` puts programs, besides the PATH. */
const goPrograms = path.join(process.env["GOPATH"] ?? path.join(homedir(), "go"), "bin");

/**
 * Why tests cannot have an S3 server here, or undefined when they can.
 * @throws Error when CI=true, where a missing part is a failure, not a reason to skip.
 */
export function s3Missing(): string | undefined {
  if (findProgram() !== undefined) return undefined;
  const reason =
    "no versitygw on the PATH or in ~/go/bin: go install github.com/versity/versitygw/cmd/versitygw@v1.8.0";
  if (process.env["CI"] === "true") throw new Error(reason);
  return reason;
}

function findProgram(): string | undefined {
  return [program, path.join(goPrograms, program)].find(
    (each) => spawnSync(each, ["--version"], { stdio: "ignore" }).error === undefined,
  );
}

/** Starts a versitygw over a directory: buckets are folders, objects are files, and every request must be signed. */
export async function startS3(): Promise<TestS3> {
  const directory = await mkdtemp(path.join(tmpdir(), "octobatch-s3-"));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: "tests", secretAccessKey: randomBytes(20).toString("hex") };
  let server: ChildProcess | undefined;
  const kill = async () => {
    const dying = server;
    server = undefined;
    await killProcess(dying);
  };
  const start = async () => {
    server = await launch(directory, port, credentials);
  };
  const stop = async () => {
    await kill();
    await rm(directory, { recursive: true, force: true });
  };
  const createBucket = async () => {
    const bucket = `bucket-${randomBytes(6).toString("hex")}`;
    await mkdir(path.join(directory, bucket));
    return bucket;
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return { endpoint, region: "us-east-1", credentials, createBucket, kill, stop, restart: () => kill().then(start) };
}

async function launch(directory: string, port: number, credentials: TestS3["credentials"]): Promise<ChildProcess> {
  const server = spawn(
    findProgram() ?? program,
    ["--port", `127.0.0.1:${port}`, "--health", "/health", "--quiet", "posix", directory],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        PATH: process.env["PATH"],
        ROOT_ACCESS_KEY: credentials.accessKeyId,
        ROOT_SECRET_KEY: credentials.secretAccessKey,
      },
    },
  );
  const said: string[] = [];
  for (const stream of [server.stdout, server.stderr])
    stream.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  await once(server, "spawn");
  // It says that it listens before it does.
  while (server.exitCode === null) {
    const isUp = await fetch(`http://127.0.0.1:${port}/health`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isUp) return server;
    await wait(20);
  }
  throw new Error(`${program} did not start:\n${said.join("")}`);
}
