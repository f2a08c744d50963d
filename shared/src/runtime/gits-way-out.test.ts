import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { gitsWayOut } from "./gits-way-out.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-way-out-"));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const none = { HTTPS_PROXY: undefined, NO_PROXY: undefined, OCTOBATCH_GITHUB_CERTIFICATES: undefined };

test("git goes straight to GitHub where nothing is set, and nothing is written", async () => {
  expect(await gitsWayOut(none, directory)).toEqual({});
  expect(await readdir(directory)).toEqual([]);
});

test("git goes through the operator's proxy, and trusts their certificates besides the usual ones", async () => {
  const certificate = "-----BEGIN CERTIFICATE-----\nours\n-----END CERTIFICATE-----";
  const settings = {
    HTTPS_PROXY: "http://proxy:3128",
    NO_PROXY: "ghe.test",
    OCTOBATCH_GITHUB_CERTIFICATES: certificate,
  };
  const place = join(directory, "new");
  const path = join(place, "certificates.pem");
  expect(await gitsWayOut(settings, place)).toEqual({
    https_proxy: "http://proxy:3128",
    no_proxy: "ghe.test",
    GIT_SSL_CAINFO: path,
  });
  const written = await readFile(path, "utf8");
  expect(written.endsWith(certificate)).toBe(true);
  expect(written.match(/BEGIN CERTIFICATE/g)?.length).toBeGreaterThan(10);
});
