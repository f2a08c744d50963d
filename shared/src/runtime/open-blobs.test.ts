import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { InvalidConfiguration, readSettings } from "./config.ts";
import { createLogger } from "./logger.ts";
import { blobSettings, openBlobs } from "./open-blobs.ts";

const log = createLogger("silent");
const open = (environment: Readonly<Record<string, string>>) =>
  openBlobs({ settings: readSettings(environment, blobSettings), log });
const aDownload = { forMs: 60_000, fileName: "a.diff", contentType: "text/plain" };
const aKey = { AWS_ACCESS_KEY_ID: "AKIA", AWS_SECRET_ACCESS_KEY: "secret" };

async function linkOf(environment: Readonly<Record<string, string>>): Promise<string | undefined> {
  const { value, close } = await open({ OCTOBATCH_S3_BUCKET: "artifacts", ...aKey, ...environment });
  await close?.();
  return (await value.link("a/b", aDownload))?.split("?")[0];
}

test("a directory keeps blobs where no bucket is set", async () => {
  const directory = await mkdtemp(path.join(tmpdir(), "octobatch-blobs-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const { value, check } = await open({ OCTOBATCH_BLOB_DIRECTORY: directory });
  await check();
  await value.put("a", Buffer.from("kept"));
  expect(Buffer.from(await value.get("a")).toString()).toBe("kept");
});

test("a bucket is found by its region and prefix, and comes before a directory", async () => {
  const environment = { OCTOBATCH_S3_REGION: "eu-west-1", OCTOBATCH_BLOB_DIRECTORY: "/nowhere" };
  expect(await linkOf(environment)).toBe("https://artifacts.s3.eu-west-1.amazonaws.com/a/b");
  expect(
    await linkOf({ ...environment, OCTOBATCH_S3_PREFIX: "/octobatch/test/", OCTOBATCH_S3_PATH_STYLE: "true" }),
  ).toBe("https://s3.eu-west-1.amazonaws.com/artifacts/octobatch/test/a/b");
});

test("links lead to a server of one's own only where browsers are said to reach it", async () => {
  const inside = { OCTOBATCH_S3_ENDPOINT: "http://minio:9000" };
  expect(await linkOf(inside)).toBeUndefined();
  const outside = { ...inside, OCTOBATCH_S3_PUBLIC_ENDPOINT: "https://storage.example.com" };
  expect(await linkOf(outside)).toBe("https://storage.example.com/artifacts/a/b");
  expect(await linkOf({ ...outside, OCTOBATCH_S3_PATH_STYLE: "false" })).toBe(
    "https://artifacts.storage.example.com/a/b",
  );
});

test("neither a bucket nor a directory is an error that names both", async () => {
  await expect(open({})).rejects.toThrow(InvalidConfiguration);
  await expect(open({})).rejects.toThrow(/OCTOBATCH_S3_BUCKET or OCTOBATCH_BLOB_DIRECTORY/);
});

test.each(["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"])("%s alone is an error", async (name) => {
  const half = open({ OCTOBATCH_S3_BUCKET: "artifacts", [name]: "half" });
  await expect(half).rejects.toThrow(/only one of the two is set/);
});
