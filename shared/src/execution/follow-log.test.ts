import { beforeEach, describe, expect, test } from "vitest";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { createMemoryLiveLogs } from "#shared/adapters/memory/memory-live-logs.ts";
import { liveStepBytes, type LiveChunk } from "#shared/ports/live-logs.ts";
import { anExecution, aPatch } from "#shared/testing/builders.ts";
import type { Execution } from "./execution.ts";
import { followLog } from "./follow-log.ts";
import { encodePosition, parsePosition, type LogPosition } from "./log-position.ts";
import type { Told } from "./log-teller.ts";
import { resultKey } from "./plan-collect.ts";
import { serializeTransformResult, type StepResult, type TransformResult } from "./transform-result.ts";

const ran = { status: "ran", exitCode: 0, durationMs: 5 } as const;

/** What moves while somebody follows, one thing at each look. */
type Move = () => Promise<void> | void;

class Stage {
  readonly blobs = createMemoryBlobStore();
  readonly liveLogs = createMemoryLiveLogs();
  execution: Execution = anExecution({ state: { status: "running" } });
  moves: Move[] = [];

  readonly append = (...chunks: LiveChunk[]) => this.liveLogs.append(this.#attempt(), chunks);
  readonly move: Move = () => this.moves.shift()?.();

  #attempt() {
    return { executionId: this.execution.id, attempt: this.execution.attempt };
  }

  /** As collecting does it: the result is there first, then all is written at once. */
  async end(logs: readonly string[], outcome: TransformResult["outcome"] = { status: "no-change" }): Promise<void> {
    const steps: StepResult[] = [];
    for (const [index, log] of logs.entries()) {
      const logKey = `logs/${this.execution.attempt}/${index}`;
      await this.blobs.put(logKey, Buffer.from(log, "latin1"));
      steps.push({ index, ...ran, logKey, logTruncated: false, outputs: {} });
    }
    const timings = { fetchMs: 0, stepsMs: 0, diffMs: 0 };
    const result = { version: 1 as const, executionId: this.execution.id, outcome, steps, timings };
    await this.blobs.put(resultKey(this.execution), serializeTransformResult(result));
    await this.liveLogs.forget(this.#attempt());
    this.execution = { ...this.execution, state: outcome.status === "no-change" ? outcome : aPatch };
  }

  /** Follows to the end, or for so many events; the world moves at each look. */
  async follow(from?: LogPosition, options: { only?: number; events?: number } = {}): Promise<Told[]> {
    const { only, events = Infinity } = options;
    const told: Told[] = [];
    const parts = {
      executions: { get: () => Promise.resolve(this.execution) },
      liveLogs: this.liveLogs,
      blobs: this.blobs,
      only,
      pause: async () => {
        if (this.moves.length === 0) throw new Error("Nothing moves any more, and nothing is told.");
        await this.move();
        return true;
      },
    };
    if (events === 0) return told;
    for await (const event of followLog(parts, from ?? { executionId: this.execution.id })) {
      told.push(event);
      if (told.length === events) break;
    }
    return told;
  }
}

let stage: Stage;
beforeEach(() => {
  stage = new Stage();
});

const chunk = (step: number, offset: number, text: string) => ({ step, offset, bytes: Buffer.from(text, "latin1") });

/** What somebody has who listened to all of it; the offsets have to fit. */
function heard(events: readonly Told[]): { logs: string[]; others: unknown[] } {
  const logs: string[] = [];
  const others: unknown[] = [];
  for (const { news } of events) {
    if (news.event !== "log") others.push(news);
    if (news.event === "begin") logs.length = 0;
    if (news.event === "step-started") logs[news.step] = "";
    if (news.event !== "log") continue;
    expect(news.offset).toBe(logs[news.step]?.length);
    logs[news.step] += Buffer.from(news.bytes).toString("latin1");
  }
  return { logs, others };
}

const kinds = (events: readonly Told[]) => events.map(({ news }) => news.event).filter((event) => event !== "log");
const wholeStory = [
  "begin",
  "step-started",
  "step-finished",
  "step-started",
  "step-finished",
  "step-started",
  "step-finished",
  "end",
];

/** Bytes that are no text, a step without a word, and a log of several pieces. */
const logs = [
  "one\n\u00e4\u00ff\u0000two\nthree",
  "",
  Array.from({ length: 9000 }, (_, at) => `line ${at}\n`).join(""),
];
const [first = "", , last = ""] = logs;
const script = (): Move[] => [
  () => stage.append(chunk(0, 0, "")),
  () => stage.append(chunk(0, 0, first.slice(0, 5))),
  () => {},
  () => stage.append(chunk(0, 5, first.slice(5, 9))),
  () => stage.append({ ...chunk(0, 9, first.slice(9)), end: ran }, chunk(1, 0, "")),
  () => stage.append({ ...chunk(1, 0, ""), end: ran }, chunk(2, 0, last.slice(0, 7))),
  () => stage.append(chunk(2, 7, last.slice(7, 80_000))),
  () => stage.end(logs),
];

test("one who follows from the beginning hears of each step as it goes, and of the end", async () => {
  stage.moves = script();
  const events = await stage.follow();
  expect(heard(events)).toEqual({
    logs,
    others: [
      { event: "begin", attempt: 1 },
      ...[0, 1, 2].flatMap((step) => [
        { event: "step-started", step },
        { event: "step-finished", step, ...ran },
      ]),
      { event: "end", status: "no-change", whole: true },
    ],
  });
});

test("the first word is told before the second is printed", async () => {
  stage.moves = script();
  const events = await stage.follow(undefined, { events: 3 });
  expect(heard(events).logs).toEqual([first.slice(0, 5)]);
  expect(stage.moves).toHaveLength(script().length - 2);
});

test("one who comes late hears everything, whenever that is", async () => {
  for (let missed = 0; missed <= script().length; missed += 1) {
    stage = new Stage();
    stage.moves = script();
    for (let moves = 0; moves < missed; moves += 1) await stage.move();
    const events = await stage.follow();
    expect([missed, heard(events).logs, kinds(events)]).toEqual([missed, logs, wholeStory]);
  }
});

test("one who is cut off anywhere and comes back any time later loses and repeats nothing", async () => {
  stage.moves = script();
  const inAll = (await stage.follow()).length;
  for (let cut = 1; cut < inAll; cut += 1) {
    for (let missed = 0; missed <= script().length; missed += 1) {
      stage = new Stage();
      stage.moves = script();
      const before = await stage.follow(undefined, { events: cut });
      for (let moves = 0; moves < missed; moves += 1) await stage.move();
      // As a client has it: as a word.
      const from = parsePosition(encodePosition(before.at(-1)?.position ?? { executionId: "", attempt: 0, step: 0 }));
      const events = [...before, ...(await stage.follow(from))];
      expect([cut, missed, kinds(events)]).toEqual([cut, missed, wholeStory]);
      expect(heard(events).logs).toEqual(logs);
    }
  }
});

test("one who is cut off after every single event hears all of it in the end", async () => {
  stage.moves = script();
  const events: Told[] = [];
  while (events.at(-1)?.news.event !== "end") {
    events.push(...(await stage.follow(events.at(-1)?.position, { events: 1 })));
  }
  expect(heard(events)).toMatchObject({ logs });
  expect(kinds(events)).toEqual(wholeStory);
});

describe("when the steps are started again after a crash", () => {
  const again = "three\nother words, and more of them than before";
  const restarted = (): Move[] => [
    () => stage.append(chunk(0, 0, first)),
    async () => {
      await stage.liveLogs.forget({ executionId: "x-1", attempt: 1 });
      await stage.append(chunk(0, 0, again.slice(0, 3)));
    },
    () => stage.append(chunk(0, 3, again.slice(3, 40))),
    () => stage.end([again]),
  ];

  test("what was told is over, and all is told from the beginning", async () => {
    stage.moves = restarted();
    const events = await stage.follow();
    expect(heard(events).logs).toEqual([again]);
    expect(events.map(({ news }) => news).filter(({ event }) => event === "begin")).toMatchObject([
      { attempt: 1 },
      { attempt: 1, because: "It was started again." },
    ]);
  });

  test("one who listens hears of it at once, between two steps as well", async () => {
    stage.moves = [
      () => stage.append({ ...chunk(0, 0, "done"), end: ran }),
      async () => {
        await stage.liveLogs.forget({ executionId: "x-1", attempt: 1 });
        await stage.append(chunk(0, 0, "done once more"));
      },
    ];
    const events = await stage.follow(undefined, { events: 7 });
    expect(kinds(events)).toEqual(["begin", "step-started", "step-finished", "begin", "step-started"]);
    expect(heard(events).logs).toEqual(["done once more"]);
  });

  test.each([1, 2, 3])("also for one who was away for %i moves meanwhile", async (missed) => {
    stage.moves = restarted();
    const before = await stage.follow(undefined, { events: 3 });
    for (let moves = 0; moves < missed; moves += 1) await stage.move();
    const events = [...before, ...(await stage.follow(before.at(-1)?.position))];
    expect(heard(events).logs).toEqual([again]);
    expect(kinds(events).filter((kind) => kind === "begin")).toHaveLength(2);
  });
});

test("an attempt that another replaces is told to its end, and why it failed", async () => {
  stage.moves = [
    () => stage.append(chunk(0, 0, "so f")),
    async () => {
      const failure = { kind: "infrastructure" as const, message: "The disk is full." };
      await stage.end(["so far"], { status: "failed", retryable: true, failure });
      stage.execution = { ...stage.execution, attempt: 2, state: { status: "pending" } };
    },
    () => stage.append(chunk(0, 0, "again")),
    () => stage.end(["again"]),
  ];
  const events = await stage.follow();
  const second = events.findIndex(({ news }) => news.event === "begin" && news.attempt === 2);
  expect(heard(events.slice(0, second)).logs).toEqual(["so far"]);
  expect(events[second]?.news).toMatchObject({ because: "The disk is full." });
  expect(heard(events.slice(second)).logs).toEqual(["again"]);
});

test("a step that prints more than is kept is told on from its finished log, once that is there", async () => {
  const long = "x".repeat(liveStepBytes + 1000);
  const logKey = "logs/early";
  await stage.append({ step: 0, offset: 0, bytes: Buffer.from(long) });
  stage.moves = [
    () => {},
    async () => {
      await stage.blobs.put(logKey, Buffer.from(long));
      await stage.append({ step: 0, offset: long.length, bytes: Buffer.alloc(0), end: { ...ran, logKey } });
      await stage.append(chunk(1, 0, "next"));
    },
    () => stage.end([long, "next"]),
  ];
  const events = await stage.follow();
  expect(heard(events).logs.map(({ length }) => length)).toEqual([long.length, 4]);
  expect(kinds(events)).toEqual([
    "begin",
    "step-started",
    "held",
    "step-finished",
    "step-started",
    "step-finished",
    "end",
  ]);
});

test("one step alone is followed whatever the others print", async () => {
  stage.moves = script();
  const events = await stage.follow(undefined, { only: 2 });
  expect(heard(events).logs[2]).toBe(last);
  expect(kinds(events)).toEqual(["begin", "step-started", "step-finished", "end"]);
  stage.moves = [];
  const none = await stage.follow(undefined, { only: 7 });
  expect(kinds(none)).toEqual(["begin", "end"]);
});

test("a step whose finished log is another than the live one is told once at each look, until that has changed", async () => {
  const logKey = "logs/early";
  await stage.blobs.put(logKey, Buffer.from("other words"));
  await stage.append({ ...chunk(0, 0, "words"), end: { ...ran, logKey } });
  const told: number[] = [];
  stage.moves = [() => void told.push(1), () => void told.push(2), () => stage.end(["other words"])];
  const events = await stage.follow(undefined, { events: 1000 });
  expect(told).toEqual([1, 2]);
  expect(heard(events).logs).toEqual(["other words"]);
  const again = ["step-started", "begin"];
  expect(kinds(events)).toEqual(["begin", ...again, ...again, ...again, "step-started", "step-finished", "end"]);
});

test("one that is cancelled ends with what it has printed", async () => {
  stage.moves = [
    () => stage.append(chunk(0, 0, "begun")),
    async () => {
      await stage.append(chunk(0, 5, " and on"));
      stage.execution = { ...stage.execution, state: { status: "cancelled", because: "the campaign was killed" } };
    },
  ];
  const events = await stage.follow();
  expect(heard(events).logs).toEqual(["begun and on"]);
  expect(events.at(-1)?.news).toMatchObject({ status: "cancelled", because: "the campaign was killed", whole: false });
});

test("logs that have expired are told to be missing", async () => {
  await stage.end(["gone", "there"]);
  await stage.blobs.remove("logs/1/0");
  const events = await stage.follow();
  expect(heard(events).logs).toEqual(["", "there"]);
  expect(events.at(-1)?.news).toMatchObject({ event: "end", whole: false });
  await stage.blobs.remove(resultKey(stage.execution));
  expect(kinds(await stage.follow())).toEqual(["begin", "end"]);
});

test.each(["", "x-1", "x-1.0.0", "x-1.1.-1", "x-1.1.0.5", "x-1.1.0.5.xyz", "x 1.1.0", "x-1.1.0.5.0123456789abcdef.1"])(
  "%j is no position",
  (text) => {
    expect(parsePosition(text)).toBeUndefined();
  },
);
