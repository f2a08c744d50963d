import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createMemoryLiveLogs } from "#shared/adapters/memory/memory-live-logs.ts";
import { liveStepBytes, type LiveChunk, type LiveLogs } from "#shared/ports/live-logs.ts";
import { createLiveLogWriter } from "./live-log-writer.ts";
import { createRedactor } from "./redactor.ts";
import { createStepLog } from "./step-log.ts";

const attempt = { executionId: "x-1", attempt: 1 };
const ran = { status: "ran", exitCode: 0, durationMs: 3 } as const;

let logs: LiveLogs;
let writes: LiveChunk[][];
let broken: Error | undefined;
let failures: unknown[];
let logBytes: number;
beforeEach(() => {
  vi.useFakeTimers();
  logs = createMemoryLiveLogs();
  writes = [];
  broken = undefined;
  failures = [];
  logBytes = 64 << 20;
});
afterEach(() => vi.useRealTimers());

const open = () =>
  createLiveLogWriter({
    attempt,
    logBytes,
    failed: (error) => failures.push(error),
    liveLogs: {
      async append(to, chunks) {
        writes.push([...chunks]);
        if (broken !== undefined) throw broken;
        await logs.append(to, chunks);
      },
    },
  });
const second = () => vi.advanceTimersByTimeAsync(1000);
const bytes = (text: string) => Buffer.from(text);

async function written(): Promise<{ texts: string[]; ends: unknown[] }> {
  const texts: string[] = [];
  const ends: unknown[] = [];
  let cursor = { step: 0, offset: 0 };
  for (let isMore = true; isMore;) {
    const page = await logs.read(attempt, cursor);
    for (const { step, bytes, end } of page.chunks) {
      texts[step] = (texts[step] ?? "") + Buffer.from(bytes).toString();
      if (end !== undefined) ends[step] = end;
    }
    isMore = page.cursor.step > cursor.step || page.cursor.offset > cursor.offset;
    ({ cursor } = page);
  }
  return { texts, ends };
}

test("what ends within a second is not written at all", async () => {
  const writer = open();
  writer.began(0);
  writer.printed(0, bytes("quick"));
  writer.ended(0, ran, bytes("quick"));
  await vi.advanceTimersByTimeAsync(999);
  writer.close();
  await second();
  expect([writes, vi.getTimerCount()]).toEqual([[], 0]);
});

test("many words make one write a second, and silence none", async () => {
  const writer = open();
  writer.began(0);
  for (let word = 0; word < 500; word += 1) {
    writer.printed(0, bytes("word "));
    await vi.advanceTimersByTimeAsync(10);
  }
  await second();
  expect(writes.length).toBeLessThanOrEqual(6);
  expect((await written()).texts).toEqual(["word ".repeat(500)]);
  const before = writes.length;
  await vi.advanceTimersByTimeAsync(60_000);
  expect([writes.length, vi.getTimerCount()]).toEqual([before, 0]);
});

test("steps follow each other, quick and skipped ones too", async () => {
  const writer = open();
  writer.began(0);
  writer.printed(0, bytes("zero"));
  writer.ended(0, ran, bytes("zero"));
  writer.ended(1, { status: "skipped", durationMs: 0 }, bytes(""));
  writer.began(2);
  writer.printed(2, bytes("tw"));
  await second();
  expect(await written()).toEqual({ texts: ["zero", "", "tw"], ends: [ran, { status: "skipped", durationMs: 0 }] });
  writer.printed(2, bytes("o"));
  writer.ended(2, { ...ran, logKey: "logs/2" }, bytes("two and a note"));
  await second();
  expect(await written()).toMatchObject({ texts: ["zero", "", "two and a note"], ends: [ran, {}, ran] });
});

test("a write that fails is made again with what came since, and told of once", async () => {
  const writer = open();
  broken = new Error("The database is away.");
  writer.began(0);
  writer.printed(0, bytes("one "));
  await second();
  writer.printed(0, bytes("two "));
  await second();
  await second();
  expect(failures).toEqual([broken]);
  broken = undefined;
  writer.printed(0, bytes("three"));
  await second();
  expect((await written()).texts).toEqual(["one two three"]);
});

test("a write that is slow is not overtaken, and nothing is lost meanwhile", async () => {
  const turn = Promise.withResolvers<void>();
  const slow = { append: vi.fn<LiveLogs["append"]>(() => turn.promise) };
  const writer = createLiveLogWriter({ attempt, logBytes, liveLogs: slow, failed: (error) => failures.push(error) });
  writer.printed(0, bytes("a"));
  await second();
  writer.printed(0, bytes("b"));
  await vi.advanceTimersByTimeAsync(5000);
  expect(slow.append).toHaveBeenCalledTimes(1);
  turn.resolve();
  await second();
  expect(slow.append.mock.lastCall?.[1]).toMatchObject([{ offset: 1, bytes: bytes("b") }]);
});

test("of a log that is larger than what is kept live, the end says where the rest is", async () => {
  const writer = open();
  const log = Buffer.alloc(liveStepBytes + 5000, "x");
  writer.began(0);
  for (let at = 0; at < log.length; at += 1 << 20) writer.printed(0, log.subarray(at, at + (1 << 20)));
  await second();
  expect((await written()).ends).toEqual([]);
  writer.ended(0, { ...ran, logKey: "logs/0" }, log);
  await second();
  const { texts, ends } = await written();
  expect([texts[0]?.length, ends]).toEqual([liveStepBytes, [{ ...ran, logKey: "logs/0" }]]);
});

test("a large rest is not written when its step ends, but pointed to", async () => {
  const writer = open();
  const log = Buffer.alloc(1 << 20, "x");
  writer.began(0);
  writer.printed(0, log);
  writer.ended(0, { ...ran, logKey: "logs/0" }, log);
  await second();
  expect(await written()).toEqual({ texts: [""], ends: [{ ...ran, logKey: "logs/0" }] });
});

test("what goes beyond the limit of logs is no part of it, but the note about it is", async () => {
  logBytes = 8;
  const writer = open();
  const log = createStepLog(createRedactor(new Map()), logBytes, (part) => writer.printed(0, part));
  writer.began(0);
  log.write("stdout", bytes("12345"));
  log.write("stdout", bytes("67890"));
  await second();
  expect((await written()).texts).toEqual(["12345678"]);
  const finished = log.finish();
  writer.ended(0, { ...ran, logKey: "logs/0" }, finished.log);
  await second();
  expect((await written()).texts).toEqual([finished.log.toString()]);
});

test("a secret is not in what is written, plain or encoded, nor when it is printed in pieces", async () => {
  const secret = "s3cr3t/value+1";
  const forms = [secret, Buffer.from(secret).toString("base64"), encodeURIComponent(secret)];
  for (const form of forms) {
    for (let cut = 1; cut < form.length; cut += 1) {
      logs = createMemoryLiveLogs();
      writes = [];
      const writer = open();
      const redactor = createRedactor(new Map([["TOKEN", secret]]));
      const log = createStepLog(redactor, logBytes, (part) => writer.printed(0, part));
      writer.began(0);
      log.write("stdout", bytes(`before ${form.slice(0, cut)}`));
      await second();
      log.write("stdout", bytes(`${form.slice(cut)} after\n`));
      await second();
      writer.ended(0, ran, log.finish().log);
      await second();
      // The last character of base64 may say nothing of the secret alone, and is left.
      expect((await written()).texts[0]).toMatch(/^before \*\*\*TOKEN\*\*\*(E=)? after\n$/);
      const raw = Buffer.concat(writes.flat().map((chunk) => chunk.bytes)).toString();
      expect(forms.filter((each) => raw.includes(each))).toEqual([]);
    }
  }
});
