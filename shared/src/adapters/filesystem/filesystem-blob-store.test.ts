import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { BlobNotFound, BlobStoreUnavailable } from "../../ports/blob-store.ts";
import { blobStoreContract } from "../../testing/blob-store.contract.ts";
import { createFilesystemBlobStore } from "./filesystem-blob-store.ts";

const makeDirectory = () => mkdtemp(path.join(tmpdir(), "octobatch-blobs-"));
const removeDirectory = (directory: string) => rm(directory, { recursive: true, force: true });

blobStoreContract("a blob store in the file system", async () => {
  const directory = await makeDirectory();
  return { store: createFilesystemBlobStore({ directory }), close: () => removeDirectory(directory) };
});

describe("a folder of blobs", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await makeDirectory();
  });
  afterEach(() => removeDirectory(directory));

  test("is made when it is missing, and read again by the next process", async () => {
    const nested = path.join(directory, "not", "yet");
    await createFilesystemBlobStore({ directory: nested }).put("a/b", Buffer.from("kept"));
    const bytes = await createFilesystemBlobStore({ directory: nested }).get("a/b");
    expect(Buffer.from(bytes).toString()).toBe("kept");
  });

  test("holds only whole blobs after a kill in the middle of a put, and no leftovers after the next put", async () => {
    const program = `
      import { createFilesystemBlobStore } from ${JSON.stringify(new URL("filesystem-blob-store.ts", import.meta.url).href)};
      const store = createFilesystemBlobStore({ directory: ${JSON.stringify(directory)} });
      const bytes = new Uint8Array(2_000_000).fill(1);
      for (let n = 0; ; n += 1) {
        await Promise.all([0, 1, 2, 3].map((part) => store.put("run/" + n + "-" + part, bytes)));
        if (n === 2) process.stdout.write("under way");
      }`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const exited = once(child, "exit");
    await Promise.race([once(child.stdout, "data"), exited]);
    child.kill("SIGKILL");
    expect((await exited)[1]).toBe("SIGKILL");

    const store = createFilesystemBlobStore({ directory });
    const keys = await store.list("run/");
    expect(keys.length).toBeGreaterThanOrEqual(12);
    for (const key of keys) expect(await store.get(key)).toHaveLength(2_000_000);
    await store.put("another/run", new Uint8Array([1]));
    expect(await readdir(path.join(directory, "incoming"))).toEqual([]);
  });

  test("keeps what another process is writing now", async () => {
    const incoming = path.join(directory, "incoming");
    await mkdir(incoming, { recursive: true });
    await writeFile(path.join(incoming, `${process.ppid}.its-own.1`), "being written");
    await writeFile(path.join(incoming, `${process.pid}.an-earlier-life.1`), "left behind");
    await createFilesystemBlobStore({ directory }).check();
    expect(await readdir(incoming)).toEqual([`${process.ppid}.its-own.1`]);
  });

  test("is left by no symbolic link", async () => {
    const outside = await makeDirectory();
    try {
      await writeFile(path.join(outside, "=secret"), "not a blob");
      await mkdir(path.join(directory, "blobs"));
      await symlink(outside, path.join(directory, "blobs", "linked"));
      await symlink(path.join(outside, "=secret"), path.join(directory, "blobs", "=file"));
      const store = createFilesystemBlobStore({ directory });
      await expect(store.get("linked/secret")).rejects.toThrow(BlobStoreUnavailable);
      await expect(store.put("linked/new", new Uint8Array([1]))).rejects.toThrow(/is not a folder but a link/);
      await expect(store.remove("linked/secret")).rejects.toThrow(BlobStoreUnavailable);
      await expect(store.list("linked/")).rejects.toThrow(BlobStoreUnavailable);
      await expect(store.get("file")).rejects.toThrow(BlobStoreUnavailable);
      expect(await store.put("file", new Uint8Array([1]))).toEqual({ stored: false });
      expect(await readdir(outside)).toEqual(["=secret"]);
    } finally {
      await removeDirectory(outside);
    }
  });

  test("that cannot be written says so, and works once it can", async () => {
    const blocked = path.join(directory, "blocked");
    await writeFile(blocked, "a file where the folder should be");
    const store = createFilesystemBlobStore({ directory: blocked });
    await expect(store.check()).rejects.toThrow(BlobStoreUnavailable);
    await expect(store.put("a", new Uint8Array([1]))).rejects.toThrow(/could not put a: .*blocked/);
    await rm(blocked);
    await store.check();
    await expect(store.get("a")).rejects.toThrow(BlobNotFound);
  });

  test("leaves no empty folders behind when its blobs are removed", async () => {
    const store = createFilesystemBlobStore({ directory });
    await store.put("campaign/1/repo/patch", new Uint8Array([1]));
    await store.remove("campaign/1/repo/patch");
    expect(await readdir(path.join(directory, "blobs"))).toEqual([]);
  });
});
