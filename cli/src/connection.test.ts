import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { defaultDataDirectory, findConnection } from "./connection.ts";

let cwd: string;
const data = defaultDataDirectory;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), "octobatch-connection-"));
});

afterEach(async () => {
  await rm(cwd, { recursive: true });
});

async function writeConnection(content: string): Promise<string> {
  await mkdir(join(cwd, data), { recursive: true });
  const path = join(cwd, data, "connection.json");
  await writeFile(path, content);
  return path;
}

const devServer = JSON.stringify({ url: "http://127.0.0.1:8080/", token: "dev" });

test("flags win over the environment, which wins over the file", async () => {
  await writeConnection(devServer);
  const env = { OCTOBATCH_URL: "https://b.test", OCTOBATCH_TOKEN: "b" };
  const flags = { url: "https://a.test", token: "a", data };
  expect(await findConnection(flags, { env, cwd })).toEqual({ url: "https://a.test", token: "a", source: "--url" });
  expect(await findConnection({ data }, { env, cwd })).toMatchObject({ url: "https://b.test", token: "b" });
});

test("the file of octobatch dev is found in the data folder", async () => {
  const path = await writeConnection(devServer);
  const found = await findConnection({ data }, { env: {}, cwd });
  expect(found).toEqual({ url: "http://127.0.0.1:8080", token: "dev", source: path });
});

test("a token meant for one server is not sent to another", async () => {
  await writeConnection(devServer);
  const env = { OCTOBATCH_TOKEN: "production" };
  expect((await findConnection({ data }, { env, cwd })).token).toBe("dev");
  const elsewhere = findConnection({ url: "https://a.test", data }, { env: {}, cwd });
  await expect(elsewhere).rejects.toMatchObject({ code: "no-token", remedy: "Set OCTOBATCH_TOKEN, or give --token." });
  expect((await findConnection({ url: "http://127.0.0.1:8080", data }, { env: {}, cwd })).token).toBe("dev");
});

test("without any server it says how to get one", async () => {
  await expect(findConnection({ data }, { env: {}, cwd })).rejects.toMatchObject({
    code: "no-server",
    remedy: expect.stringContaining("`octobatch dev`"),
  });
});

test("a broken file is told, unless another server was named", async () => {
  await writeConnection("{");
  await expect(findConnection({ data }, { env: {}, cwd })).rejects.toThrow("is not what `octobatch dev` writes");
  const named = await findConnection({ url: "https://a.test", token: "a", data }, { env: {}, cwd });
  expect(named.url).toBe("https://a.test");
});

test.each(["octobatch.test", "ftp://octobatch.test", "https://user@octobatch.test", "https://octobatch.test/?a"])(
  "%s is no address of a server",
  async (url) => {
    await expect(findConnection({ url, token: "a", data }, { env: {}, cwd })).rejects.toMatchObject({
      code: "invalid-url",
    });
  },
);

test("a token that no header can carry is refused without being shown", async () => {
  const broken = findConnection({ url: "https://a.test", token: "sec\nret", data }, { env: {}, cwd });
  await expect(broken).rejects.toMatchObject({ code: "invalid-token", message: expect.not.stringContaining("sec") });
});
