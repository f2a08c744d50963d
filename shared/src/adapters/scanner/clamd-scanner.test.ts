import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ScannerUnavailable } from "../../ports/artifact-scanner.ts";
import { artifactScannerContract } from "../../testing/artifact-scanner.contract.ts";
import { startClamd, type ClamdServer } from "../../testing/clamd-server.ts";
import { createClamdScanner } from "./clamd-scanner.ts";

artifactScannerContract("clamd over TCP", async () => {
  const clamd = await startClamd();
  const scanner = createClamdScanner({ address: clamd.address, timeoutMs: 10_000 });
  return { scanner, close: () => clamd.close() };
});

artifactScannerContract("clamd over a Unix socket", async () => {
  const directory = await mkdtemp(join(tmpdir(), "octobatch-clamd-"));
  const clamd = await startClamd({ path: join(directory, "clamd.sock") });
  return {
    scanner: createClamdScanner({ address: clamd.address, timeoutMs: 10_000 }),
    async close() {
      await clamd.close();
      await rm(directory, { recursive: true });
    },
  };
});

describe("clamd", () => {
  let clamd: ClamdServer;
  beforeEach(async () => {
    clamd = await startClamd({ streamMaxBytes: 1_000 });
  });
  afterEach(() => clamd.close());

  const scanner = () => createClamdScanner({ address: clamd.address, timeoutMs: 50 });
  async function* zeros(count: number): AsyncGenerator<Uint8Array> {
    for (let index = 0; index < count; index += 1) yield new Uint8Array(1_000);
  }

  test("gets every byte of a file", async () => {
    expect(await scanner().scan(zeros(1), { fileName: "a" })).toEqual({ kind: "clean" });
    expect(clamd.streams).toEqual([1_000]);
  });

  test("that does not take files so large never will: that is a verdict, whether it is heard in time or not", async () => {
    for (const count of [2, 10_000]) {
      expect(await scanner().scan(zeros(count), { fileName: "a" })).toEqual({
        kind: "refused",
        because: "it is larger than clamd's StreamMaxLength",
      });
    }
  });

  test.each([
    ["hang up", /hung up without an answer|ECONNRESET|EPIPE/],
    ["say nothing", /it said nothing for 0\.05 s/],
    ["answer nonsense", /answered "stream: lstat\(\) failed: No such file. ERROR"|answered PING/],
    ["answer without an end", /its answer has no end/],
  ] as const)("that does nothing but %s has given no verdict", async (how, because) => {
    clamd.misbehave(how);
    const error = await scanner()
      .scan(zeros(1), { fileName: "a" })
      .catch((each: unknown) => each);
    expect(error).toBeInstanceOf(ScannerUnavailable);
    expect(String(error)).toMatch(because);
    await expect(scanner().check()).rejects.toThrow(because);
    clamd.misbehave(undefined);
    await scanner().check();
  });

  test("that is not there has given none either, and the remedy is named", async () => {
    const { address } = clamd;
    await clamd.close();
    const gone = createClamdScanner({ address, timeoutMs: 1_000 });
    await expect(gone.scan(zeros(1), { fileName: "a" })).rejects.toThrow(/ECONNREFUSED.*OCTOBATCH_CLAMD/);
    await expect(gone.check()).rejects.toThrow(ScannerUnavailable);
    clamd = await startClamd();
  });
});
