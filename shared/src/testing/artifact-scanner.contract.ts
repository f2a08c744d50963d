import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ArtifactScanner } from "#shared/ports/artifact-scanner.ts";
import { malware } from "./clamd-server.ts";

export interface ScannerUnderTest {
  /** Finds {@link malware}. */
  readonly scanner: ArtifactScanner;
  close(): Promise<void>;
}

/** What every scanner promises: the comments of the port, as tests. */
export function artifactScannerContract(name: string, open: () => Promise<ScannerUnderTest>): void {
  describe(name, () => {
    let world: ScannerUnderTest;
    beforeAll(async () => {
      world = await open();
    });
    afterAll(() => world.close());

    const scan = (body: AsyncIterable<Uint8Array>, fileName = "a.txt") => world.scanner.scan(body, { fileName });

    test("calls what is harmless clean, an empty file as well", async () => {
      expect(await scan(pieces("harmless"))).toEqual({ kind: "clean" });
      expect(await scan(pieces())).toEqual({ kind: "clean" });
    });

    test("names what it finds, wherever it is: over several pieces, and at the end of a large file", async () => {
      const infected = { kind: "infected", finding: "Test.Malware-1" };
      expect(await scan(pieces(malware))).toEqual(infected);
      expect(await scan(pieces(...malware.split("")))).toEqual(infected);
      expect(await scan(pieces("x".repeat(900_000), malware))).toEqual(infected);
    });

    test("takes the name of a file for a label, whatever is in it", async () => {
      for (const fileName of ["", "../../etc/passwd", "$(exit 3)", "a\0b", "-rf", "new\nline", "`exit 3`"]) {
        expect(await scan(pieces("harmless"), fileName)).toEqual({ kind: "clean" });
      }
    });

    test("scans several at once", async () => {
      const verdicts = await Promise.all([scan(pieces("harmless")), scan(pieces(malware)), scan(pieces("harmless"))]);
      expect(verdicts.map(({ kind }) => kind)).toEqual(["clean", "infected", "clean"]);
    });

    test("leaves the error of a body as it is", async () => {
      async function* broken(): AsyncGenerator<Uint8Array> {
        yield Buffer.from("harmless");
        throw new RangeError("broken");
      }
      await expect(scan(broken())).rejects.toThrow(new RangeError("broken"));
    });

    test("says that it works", async () => {
      await expect(world.scanner.check()).resolves.toBeUndefined();
    });
  });
}

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const text of texts) yield Buffer.from(text);
}
