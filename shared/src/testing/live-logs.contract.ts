import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { liveStepBytes, type LiveAttempt, type LiveCursor, type LiveLogs } from "../ports/live-logs.ts";

/** Live logs of one test, with executions `x-1` and `x-2` at their first attempts. */
export interface OpenLiveLogs {
  readonly logs: LiveLogs;
  /** The attempt has ended, one way or another. */
  end(attempt: LiveAttempt): Promise<void>;
  close(): Promise<void>;
}

const one: LiveAttempt = { executionId: "x-1", attempt: 1 };
const other: LiveAttempt = { executionId: "x-2", attempt: 1 };
const begin: LiveCursor = { step: 0, offset: 0 };
const ran = { status: "ran", exitCode: 0, durationMs: 1200 } as const;

/** What every {@link LiveLogs} promises. `open` is called once a test. */
export function liveLogsContract(name: string, open: () => Promise<OpenLiveLogs>): void {
  describe(name, () => {
    let opened: OpenLiveLogs;
    let logs: LiveLogs;
    beforeEach(async () => {
      opened = await open();
      ({ logs } = opened);
    });
    afterEach(() => opened.close());

    const chunk = (step: number, offset: number, text: string) => ({ step, offset, bytes: Buffer.from(text) });

    /** All that can be read from the cursor on, a text for each step. */
    async function readAll(attempt = one, from = begin) {
      const texts: string[] = [];
      const ends: unknown[] = [];
      let cursor = from;
      for (;;) {
        const page = await logs.read(attempt, cursor);
        for (const { step, bytes, end } of page.chunks) {
          texts[step] = (texts[step] ?? "") + Buffer.from(bytes).toString("latin1");
          if (end !== undefined) ends[step] = end;
        }
        if (page.cursor.step === cursor.step && page.cursor.offset === cursor.offset) {
          return { texts, ends, cursor, state: page.state };
        }
        ({ cursor } = page);
      }
    }

    test("what was never written to has nothing", async () => {
      expect(await logs.read(one, begin)).toEqual({ chunks: [], cursor: begin, state: "growing" });
      const further = { step: 2, offset: 7 };
      expect(await logs.read(one, further)).toEqual({ chunks: [], cursor: further, state: "growing" });
    });

    test("pieces come in the order of the log, whatever bytes they have, and none comes twice", async () => {
      const bytes = Uint8Array.of(0, 255, 13, 10, 128);
      await logs.append(one, [chunk(0, 0, "first "), { step: 0, offset: 6, bytes }]);
      const first = await readAll();
      expect(first.texts).toEqual([`first ${Buffer.from(bytes).toString("latin1")}`]);
      await logs.append(one, [chunk(0, 11, "more")]);
      expect((await readAll(one, first.cursor)).texts).toEqual(["more"]);
      expect((await readAll()).cursor).toEqual({ step: 0, offset: 15 });
    });

    test("a cursor in the middle of a piece reads on from there", async () => {
      await logs.append(one, [chunk(0, 0, "hello world")]);
      expect((await readAll(one, { step: 0, offset: 6 })).texts).toEqual(["world"]);
    });

    test("a piece that is written again changes nothing, and one that had grown adds what is new", async () => {
      await logs.append(one, [chunk(0, 0, "abc")]);
      const { cursor } = await readAll();
      await logs.append(one, [chunk(0, 0, "abc")]);
      expect((await logs.read(one, cursor)).chunks).toEqual([]);
      await logs.append(one, [{ ...chunk(0, 0, "abcdef"), end: ran }]);
      await logs.append(one, [chunk(0, 0, "ab")]);
      expect(await readAll(one, cursor)).toMatchObject({ texts: ["def"], ends: [ran] });
      expect((await readAll()).texts).toEqual(["abcdef"]);
    });

    test("one write may have several pieces for a place: the longest counts, and every end", async () => {
      await logs.append(one, [
        chunk(0, 0, ""),
        chunk(0, 0, "abc"),
        chunk(0, 0, "ab"),
        { ...chunk(0, 3, ""), end: ran },
      ]);
      expect(await readAll()).toMatchObject({ texts: ["abc"], ends: [ran], cursor: { step: 1, offset: 0 } });
    });

    test("a step that has begun shows before it prints", async () => {
      await logs.append(one, [chunk(0, 0, "")]);
      const { chunks, cursor } = await logs.read(one, begin);
      expect(chunks).toEqual([
        { step: 0, offset: 0, bytes: expect.toSatisfy((bytes: Uint8Array) => bytes.length === 0) },
      ]);
      await logs.append(one, [chunk(0, 0, "now")]);
      expect((await readAll(one, cursor)).texts).toEqual(["now"]);
    });

    test("a step follows once the one before it has ended, and a skipped one is passed", async () => {
      await logs.append(one, [chunk(0, 0, "zero"), chunk(2, 0, "two")]);
      expect(await readAll()).toMatchObject({ texts: ["zero"], cursor: { step: 0, offset: 4 } });
      const skipped = { status: "skipped", durationMs: 0 } as const;
      await logs.append(one, [
        { ...chunk(0, 4, ""), end: ran },
        { ...chunk(1, 0, ""), end: skipped },
      ]);
      expect(await readAll()).toEqual({
        texts: ["zero", "", "two"],
        ends: [ran, skipped],
        cursor: { step: 2, offset: 3 },
        state: "growing",
      });
    });

    test("what is missing in the middle holds back the rest until it is there", async () => {
      await logs.append(one, [chunk(0, 0, "a"), chunk(0, 2, "c")]);
      const { texts, cursor } = await readAll();
      expect(texts).toEqual(["a"]);
      await logs.append(one, [chunk(0, 1, "b")]);
      expect((await readAll(one, cursor)).texts).toEqual(["bc"]);
    });

    test("of a step as much is kept as may be, and it says that there is more", async () => {
      const bytes = Buffer.alloc(liveStepBytes - 3, "x");
      await logs.append(one, [{ step: 0, offset: 0, bytes }]);
      expect((await readAll()).state).toBe("growing");
      await logs.append(one, [chunk(0, bytes.length, "12345")]);
      await logs.append(one, [{ ...chunk(0, bytes.length + 5, "6"), end: ran }]);
      const { texts, ends, cursor, state } = await readAll();
      expect([texts[0]?.length, texts[0]?.slice(-4), ends, state]).toEqual([liveStepBytes, "x123", [], "cut"]);
      expect((await logs.read(one, cursor)).state).toBe("cut");
    });

    test("a step that printed more ends with where its log is, and the next one follows", async () => {
      const end = { ...ran, logKey: "logs/0" };
      await logs.append(one, [{ step: 0, offset: 0, bytes: Buffer.alloc(liveStepBytes + 1) }]);
      const { cursor } = await readAll();
      await logs.append(one, [
        { step: 0, offset: liveStepBytes + 9, bytes: Buffer.alloc(0), end },
        chunk(1, 0, "next"),
      ]);
      expect(await readAll(one, cursor)).toEqual({
        texts: ["", "next"],
        ends: [end],
        cursor: { step: 1, offset: 4 },
        state: "growing",
      });
    });

    test("a step that fills what is kept and ends there is whole", async () => {
      await logs.append(one, [{ step: 0, offset: 0, bytes: Buffer.alloc(liveStepBytes) }]);
      await logs.append(one, [{ step: 0, offset: liveStepBytes, bytes: Buffer.alloc(0), end: ran }]);
      expect(await readAll()).toMatchObject({ ends: [ran], state: "growing", cursor: { step: 1, offset: 0 } });
    });

    test("who has read more than there is hears that it was begun anew", async () => {
      await logs.append(one, [{ ...chunk(0, 0, "long enough"), end: ran }, chunk(1, 0, "and on")]);
      const { cursor } = await readAll();
      await logs.forget(one);
      expect((await logs.read(one, cursor)).state).toBe("growing");
      await logs.append(one, [chunk(0, 0, "short")]);
      for (const lost of [cursor, { step: 1, offset: 0 }, { step: 0, offset: 6 }]) {
        expect(await logs.read(one, lost)).toEqual({ chunks: [], cursor: lost, state: "anew" });
      }
      expect(await readAll(one, { step: 0, offset: 5 })).toMatchObject({ texts: [], state: "growing" });
    });

    test("attempts and executions know nothing of each other, and forgetting one leaves the others", async () => {
      await logs.append(one, [chunk(0, 0, "one")]);
      await logs.append(other, [chunk(0, 0, "other")]);
      expect((await readAll({ ...one, attempt: 2 })).texts).toEqual([]);
      await logs.forget(one);
      await logs.forget(one);
      expect([(await readAll(one)).texts, (await readAll(other)).texts]).toEqual([[], ["other"]]);
    });

    test("what has ended is swept and written to no more; what runs stays", async () => {
      await logs.append(one, [chunk(0, 0, "one"), chunk(0, 3, "more")]);
      await logs.append(other, [chunk(0, 0, "other")]);
      await opened.end(one);
      expect(await logs.sweep()).toBe(2);
      expect(await logs.sweep()).toBe(0);
      await logs.append(one, [chunk(0, 7, "late")]);
      expect((await readAll(one)).texts).toEqual([]);
      expect((await readAll(other)).texts).toEqual(["other"]);
    });

    test("many who write at once, each its own piece, leave a whole log", async () => {
      const letters = Array.from("abcdefghijklmnop");
      await Promise.all(letters.flatMap((letter, at) => [1, 2].map(() => logs.append(one, [chunk(0, at, letter)]))));
      expect((await readAll()).texts).toEqual([letters.join("")]);
    });
  });
}
