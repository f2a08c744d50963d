import { readFile } from "node:fs/promises";
import {
  GetBucketLifecycleConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  S3Client,
  type BucketLifecycleConfiguration,
} from "@aws-sdk/client-s3";
import { startFauxqs } from "fauxqs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createS3BlobStore, type S3BlobStore } from "./s3-blob-store.ts";

// A server that checks no signature and ignores If-None-Match, as some do that call themselves S3-compatible.
let server: Awaited<ReturnType<typeof startFauxqs>>;
let store: S3BlobStore;
const warnings: string[] = [];
beforeAll(async () => {
  server = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false });
  server.createBucket("artifacts");
  store = createS3BlobStore({
    bucket: "artifacts",
    region: "us-east-1",
    endpoint: server.address,
    credentials: { accessKeyId: "anybody", secretAccessKey: "anything" },
    pathStyle: true,
    prefix: "",
    warn: (message) => warnings.push(message),
  });
});
afterAll(async () => {
  store.close();
  await server.stop();
});

test("a check says once that two puts at the same moment may both succeed", async () => {
  await store.check();
  await store.check();
  expect(warnings).toEqual([expect.stringContaining("ignores If-None-Match")]);
  expect(warnings[0]).toContain("of two puts of one key at the same moment the last wins");
});

test("what is there already stays, for it is looked for before", async () => {
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from("second");
  }
  expect(await store.put("a/b", Buffer.from("first"))).toEqual({ stored: true });
  expect(await store.put("a/b", Buffer.from("second"))).toEqual({ stored: false });
  expect(await store.putStream("a/b", body(), { maxBytes: 10 })).toMatchObject({ stored: false, sizeBytes: 6 });
  expect(Buffer.from(await store.get("a/b")).toString()).toBe("first");
});

test("the rules that docs/storage.md gives are such as a bucket takes", async () => {
  const page = await readFile(new URL("../../../../docs/storage.md", import.meta.url), "utf8");
  const [, text = ""] = /```json\n(\{\s*"Rules".*?)```/s.exec(page) ?? [];
  // The server says whether it is one.
  const LifecycleConfiguration = JSON.parse(text) as BucketLifecycleConfiguration;
  const credentials = { accessKeyId: "anybody", secretAccessKey: "anything" };
  const client = new S3Client({ endpoint: server.address, region: "us-east-1", credentials, forcePathStyle: true });
  const bucket = { Bucket: "artifacts" };
  await client.send(new PutBucketLifecycleConfigurationCommand({ ...bucket, LifecycleConfiguration }));
  const { Rules } = await client.send(new GetBucketLifecycleConfigurationCommand(bucket));
  expect(Rules).toEqual(LifecycleConfiguration.Rules);
  client.destroy();
});
