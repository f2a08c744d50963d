import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect, type AddressInfo } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { inspect } from "node:util";
import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { BlobNotFound, BlobStoreUnavailable } from "../../ports/blob-store.ts";
import { blobStoreContract } from "../../testing/blob-store.contract.ts";
import { startConnectProxy } from "../../testing/connect-proxy.ts";
import { freePort } from "../../testing/free-port.ts";
import { s3Missing, startS3, type TestS3 } from "../../testing/s3-server.ts";
import { startTcpRelay } from "../../testing/tcp-relay.ts";
import { certificate, certificateKey } from "../../testing/test-certificate.ts";
import { createS3BlobStore, type S3BlobStore } from "./s3-blob-store.ts";
import type { S3Settings } from "./s3-connection.ts";

const missing = s3Missing();
const megabyte = 1024 * 1024;
const aDownload = { forMs: 3_600_000, fileName: "the patch.diff", contentType: "text/x-diff" };

describe.skipIf(missing !== undefined)(`with an S3 server ${missing ?? ""}`, () => {
  let server: TestS3;
  const stores: S3BlobStore[] = [];
  beforeAll(async () => {
    server = await startS3();
  });
  afterAll(() => server.stop());
  afterEach(() => {
    for (const store of stores.splice(0)) store.close();
  });

  const settingsOf = (bucket: string): S3Settings => {
    const { endpoint, region, credentials } = server;
    return { bucket, region, endpoint, publicEndpoint: endpoint, credentials, pathStyle: true, prefix: "some/prefix" };
  };
  function open(settings: S3Settings): S3BlobStore {
    const store = createS3BlobStore(settings);
    stores.push(store);
    return store;
  }

  blobStoreContract("a blob store in a bucket", async () => {
    const store = open(settingsOf(await server.createBucket()));
    return { store, close: async () => {} };
  });

  describe("a bucket", () => {
    let settings: S3Settings;
    let store: S3BlobStore;
    let client: S3Client;
    beforeEach(async () => {
      settings = settingsOf(await server.createBucket());
      store = open(settings);
      const { endpoint, region, credentials } = server;
      client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    });
    afterEach(() => client.destroy());
    const place = (Key: string) => ({ Bucket: settings.bucket, Key });
    const uploads = async () =>
      (await client.send(new ListMultipartUploadsCommand({ Bucket: settings.bucket }))).Uploads ?? [];

    test("is listed to its end, however many blobs are in it", async () => {
      const keys = Array.from({ length: 1100 }, (_, index) => `many/${String(index).padStart(4, "0")}`);
      for (let from = 0; from < keys.length; from += 100) {
        await Promise.all(keys.slice(from, from + 100).map((key) => store.put(key, new Uint8Array())));
      }
      expect(await store.list("many/")).toEqual(keys);
      expect((await store.scan({ limit: 1050 })).map(({ key }) => key)).toEqual(keys.slice(0, 1050));
      expect((await store.scan({ after: keys[49], limit: 1050 })).map(({ key }) => key)).toEqual(keys.slice(50));
    });

    test("may hold what others put there: they share no key, and what is named in another way is left out", async () => {
      await client.send(new PutObjectCommand({ ...place("a/b"), Body: "beside the prefix" }));
      await client.send(new PutObjectCommand({ ...place("some/prefix/a b?"), Body: "below the prefix" }));
      const other = open({ ...settings, prefix: "some/prefixes" });
      await store.put("a/b", Buffer.from("ours"));
      await other.put("a/b", Buffer.from("theirs"));
      expect(Buffer.from(await store.get("a/b")).toString()).toBe("ours");
      expect((await store.scan({ limit: 10 })).map(({ key }) => key)).toEqual(["a/b"]);
      expect(await other.list("a/")).toEqual(["a/b"]);
    });

    test("gives links that anybody can download from for a while, and to nothing else", async () => {
      await store.put("a/patch", Buffer.from("the bytes"));
      await store.put("a/other", Buffer.from("others"));
      const link = (await store.link("a/patch", aDownload)) ?? "";
      const response = await fetch(link);
      expect([response.status, await response.text()]).toEqual([200, "the bytes"]);
      expect(response.headers.get("content-type")).toBe("text/x-diff");
      expect(response.headers.get("content-disposition")).toContain('attachment; filename="the_patch.diff"');
      const tampered = [
        link.replace("/a/patch", "/a/other"),
        link.replace("X-Amz-Expires=3600", "X-Amz-Expires=7200"),
        link.replace("text%2Fx-diff", "text%2Fhtml"),
        link.split("?")[0] ?? "",
      ];
      expect(new Set(tampered).size).toBe(4);
      for (const each of tampered) expect((await fetch(each)).status).toBe(403);
      expect((await fetch((await store.link("a/none", aDownload)) ?? "")).status).toBe(404);
    });

    test("gives links that end", async () => {
      await store.put("a/patch", Buffer.from("the bytes"));
      vi.useFakeTimers({ toFake: ["Date"], now: Date.now() - 2 * aDownload.forMs });
      const old = await store.link("a/patch", aDownload).finally(() => vi.useRealTimers());
      expect((await fetch(old ?? "")).status).toBe(403);
    });

    test("takes a long stream with a few megabytes in memory", async () => {
      const relay = await startTcpRelay({ port: Number(new URL(server.endpoint).port) });
      try {
        const relayed = open({ ...settings, endpoint: relay.url });
        let [given, mostHeld] = [0, 0];
        const hash = createHash("sha256");
        async function* body(): AsyncGenerator<Uint8Array> {
          for (let index = 0; index < 64; index += 1) {
            const piece = new Uint8Array(megabyte).fill(index);
            hash.update(piece);
            given += piece.length;
            mostHeld = Math.max(mostHeld, given - relay.passedOn());
            yield piece;
          }
        }
        const answer = await relayed.putStream("a/long", body(), { maxBytes: 64 * megabyte });
        expect(answer).toEqual({ stored: true, sizeBytes: 64 * megabyte, sha256: hash.digest("hex") });
        expect(mostHeld).toBeLessThan(20 * megabyte);
      } finally {
        await relay.close();
      }
    });

    test("knows its own blob again when the answer was lost on the way", async () => {
      const relay = await startTcpRelay({ port: Number(new URL(server.endpoint).port) });
      try {
        const relayed = open({ ...settings, endpoint: relay.url });
        relay.cutNextAnswer(/^HTTP\/1.1 200/);
        expect(await relayed.put("a/b", Buffer.from("ours"))).toEqual({ stored: true });
        relay.cutNextAnswer(/^HTTP\/1.1 200/);
        expect(await relayed.put("a/b", Buffer.from("again"))).toEqual({ stored: false });
        expect(Buffer.from(await store.get("a/b")).toString()).toBe("ours");
        relay.cutNextAnswer(/CompleteMultipartUploadResult/);
        expect(await relayed.put("a/big", new Uint8Array(9 * megabyte))).toEqual({ stored: true });
        expect(await store.get("a/big")).toHaveLength(9 * megabyte);
      } finally {
        await relay.close();
      }
    });

    test("holds no parts of streams that were refused", async () => {
      async function* body(): AsyncGenerator<Uint8Array> {
        for (let index = 0; index < 20; index += 1) yield new Uint8Array(megabyte);
        throw new TypeError("the uploader went away");
      }
      await expect(store.putStream("a/cut", body(), { maxBytes: 100 * megabyte })).rejects.toThrow(TypeError);
      await expect(store.putStream("a/long", body(), { maxBytes: 19 * megabyte })).rejects.toThrow(/at most/);
      expect(await uploads()).toEqual([]);
    });

    test("shows no blob of which only parts have come, as after a crash", async () => {
      await client.send(new CreateMultipartUploadCommand(place("some/prefix/a/b")));
      expect(await uploads()).toHaveLength(1);
      expect(await store.scan({ limit: 10 })).toEqual([]);
      await expect(store.open("a/b")).rejects.toThrow(BlobNotFound);
      expect(await store.put("a/b", Buffer.from("ours"))).toEqual({ stored: true });
    });

    test("passes its check without a warning, for it lets the first put win", async () => {
      const warnings: string[] = [];
      const checked = createS3BlobStore({ ...settings, warn: (message) => warnings.push(message) });
      stores.push(checked);
      await checked.check();
      expect(warnings).toEqual([]);
    });

    test("works again when its server is back", async () => {
      await store.put("a/b", Buffer.from("kept"));
      await server.kill();
      await expect(store.get("a/b")).rejects.toThrow(/cannot be reached: correct OCTOBATCH_S3_ENDPOINT/);
      await server.restart();
      expect(Buffer.from(await store.get("a/b")).toString()).toBe("kept");
    });

    test("is reached by TLS, through a proxy, trusting the certificates that were given", async () => {
      const gateway = Number(new URL(server.endpoint).port);
      const front = createTlsServer({ key: certificateKey, cert: certificate }, (socket) => {
        const upstream = connect(gateway, "127.0.0.1");
        socket.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
        upstream.on("error", () => socket.destroy());
        socket.pipe(upstream).pipe(socket);
      }).listen(0, "127.0.0.1");
      await once(front, "listening");
      const proxy = await startConnectProxy();
      try {
        // A TCP server's address is an AddressInfo.
        const endpoint = `https://github.test:${(front.address() as AddressInfo).port}`;
        const tunnelled = { ...settings, endpoint, httpsProxy: proxy.url };
        const trusting = open({ ...tunnelled, extraCertificates: certificate });
        expect(await trusting.put("a/b", Buffer.from("x"))).toEqual({ stored: true });
        expect(new Set(proxy.asked)).toEqual(new Set([`CONNECT ${endpoint.slice("https://".length)}`]));
        await expect(open(tunnelled).get("a/b")).rejects.toThrow(/certificate is not trusted: set OCTOBATCH_S3_CERT/);
      } finally {
        await proxy.close();
        front.close();
      }
    });

    const wrong: [string, Partial<S3Settings>, RegExp][] = [
      [
        "a wrong secret",
        { credentials: { accessKeyId: "tests", secretAccessKey: "wrong-secret" } },
        /credentials are wrong: correct AWS_ACCESS_KEY_ID/,
      ],
      [
        "an unknown user",
        { credentials: { accessKeyId: "nobody", secretAccessKey: "wrong-secret" } },
        /credentials are wrong: correct AWS_ACCESS_KEY_ID/,
      ],
      ["a bucket that is not there", { bucket: "no-such-bucket" }, /no bucket no-such-bucket: create it/],
      ["another region", { region: "mars-north-1" }, /not in the region mars-north-1: correct OCTOBATCH_S3_REGION/],
    ];
    test.each(wrong)("refuses %s with the remedy, and tells no secret", async (_, change, remedy) => {
      const refused = open({ ...settings, ...change });
      const attempts = [
        () => refused.check(),
        () => refused.put("a/b", Buffer.from("x")),
        () => refused.get("a/b"),
        () => refused.list("a/"),
      ];
      for (const attempt of attempts) {
        const error = await attempt().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(BlobStoreUnavailable);
        expect(String(error)).toMatch(remedy);
        expect(inspect(error, { depth: 10 })).not.toMatch(/wrong-secret|AWS4-HMAC-SHA256/);
      }
      await expect(refused.open("a/b")).rejects.toThrow(BlobStoreUnavailable);
    });
  });
});

test("a server that is not there is said to be unreachable", async () => {
  const endpoint = `http://127.0.0.1:${await freePort()}`;
  const credentials = { accessKeyId: "a", secretAccessKey: "b" };
  const store = createS3BlobStore({ bucket: "b", region: "r", endpoint, credentials, pathStyle: true, prefix: "" });
  await expect(store.check()).rejects.toThrow(`${endpoint} cannot be reached: correct OCTOBATCH_S3_ENDPOINT`);
  store.close();
});
