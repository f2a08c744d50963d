import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LogEventBody } from "#shared/api/log-events.ts";
import { exitCodes } from "./exit-codes.ts";
import { Interruption } from "./io.ts";
import { run } from "./run.ts";
import { createTestIo, type TestIo } from "./testing/test-io.ts";

const env = { OCTOBATCH_URL: "http://octobatch.test", OCTOBATCH_TOKEN: "t-0123456789" };

const log = (step: number, offset: number, text: string | Uint8Array): LogEventBody => ({
  event: "log",
  step,
  offset,
  base64: Buffer.from(text).toString("base64"),
});
const finished = (step: number, status: "ran" | "failed"): LogEventBody => ({
  event: "step-finished",
  step,
  status,
  exitCode: status === "ran" ? 0 : 3,
  durationMs: 1234,
});
const end = (status: "patch" | "failed" | "cancelled" | "expired", because?: string): LogEventBody => ({
  event: "end",
  status,
  whole: true,
  ...(because === undefined ? {} : { because }),
});
const begin: LogEventBody = { event: "begin", attempt: 1 };
const started: LogEventBody = { event: "step-started", step: 0, name: "build" };

/** What the service answers, one after the other. */
type Answer = readonly LogEventBody[] | "cut" | "refuse" | Response;
let answers: Answer[];
let asked: Request[];
let io: TestIo;
beforeEach(() => {
  answers = [];
  asked = [];
});
afterEach(() => {
  if (answers.length > 0) throw new Error(`${answers.length} answers were not asked for.`);
});

/** Ids count the events over all answers. */
function stream(events: readonly LogEventBody[], cut: boolean): Response {
  const from = Number(asked.at(-1)?.headers.get("last-event-id") ?? 0);
  const parts = events.map(
    (event, at) => `id: ${from + at + 1}\nevent: ${event.event}\ndata: ${JSON.stringify(event)}\n\n`,
  );
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(Buffer.from(`retry: 700\n\n: hello\n\n${parts.join("")}`));
      if (!cut) controller.close();
    },
    pull(controller) {
      controller.error(new TypeError("terminated"));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

async function follow(commandLine = "logs tidy acme/api -f", options: Parameters<typeof createTestIo>[0] = {}) {
  io = createTestIo({
    env,
    async fetch(input, init) {
      asked.push(new Request(input, init));
      const answer = answers.shift();
      if (answer === "refuse" || answer === undefined) throw new TypeError("fetch failed");
      if (answer instanceof Response) return answer;
      if (answer !== "cut") return stream(answer, answers[0] === "cut" && answers.shift() === "cut");
      return stream([], true);
    },
    ...options,
  });
  const code = await run(commandLine.split(" "), io);
  return { code, out: io.printed.out(), err: io.printed.err() };
}

describe("logs --follow", () => {
  test("away from a terminal prints what the steps print, byte for byte, and nothing else", async () => {
    const bytes = Uint8Array.of(0xff, 0x1b, 0x0d, 0x0a);
    answers = [[begin, started, log(0, 0, "one\n"), log(0, 4, bytes), finished(0, "ran"), end("patch")]];
    io = createTestIo();
    const written: Uint8Array[] = [];
    const { code, err } = await follow(undefined, {});
    written.push(Buffer.from(io.printed.out()));
    expect([code, err, Buffer.concat(written).toString()]).toEqual([
      exitCodes.ok,
      "",
      Buffer.concat([Buffer.from("one\n"), bytes]).toString(),
    ]);
    expect(asked[0]?.url).toBe("http://octobatch.test/api/v1/campaigns/tidy/repositories/acme/api/logs/stream");
  });

  test("on a terminal has headings, and obeys nothing that a step prints", async () => {
    const [half, rest] = [Buffer.from("é").subarray(0, 1), Buffer.from("é").subarray(1)];
    answers = [
      [
        begin,
        started,
        log(0, 0, Buffer.concat([Buffer.from("caf"), half])),
        log(0, 4, Buffer.concat([rest, Buffer.from("\r")])),
        log(0, 6, "\n\u001b[2J"),
        finished(0, "failed"),
        end("failed", "Step 1 ended\nwith exit code 3."),
      ],
    ];
    const { code, out } = await follow("logs tidy acme/api --follow --no-color", { terminal: true });
    expect(out).toBe(
      "== step 1 (build)\ncafé\n␛[2J\n== step 1 failed, exit code 3, 1.2 s\n== failed: Step 1 ended with exit code 3.\n",
    );
    expect(code).toBe(exitCodes.someFailed);
  });

  test("goes on where it was when the connection is cut, refused or ended, and prints nothing twice", async () => {
    answers = [
      [begin, started, log(0, 0, "one ")],
      "cut",
      "refuse",
      new Response("", { status: 502 }),
      [log(0, 4, "two ")],
      [log(0, 8, "three\n"), finished(0, "ran"), end("patch")],
    ];
    const { code, out } = await follow();
    expect([code, out]).toEqual([exitCodes.ok, "one two three\n"]);
    expect(asked.map(({ headers }) => headers.get("last-event-id"))).toEqual([null, "3", "3", "3", "4"]);
    expect(asked.map(({ headers }) => headers.get("authorization"))).toEqual(Array(5).fill("Bearer t-0123456789"));
    expect(io.slept).toEqual([700, 1400, 2800, 700]);
  });

  test("gives up when the service stays away, and says so", async () => {
    answers = [[begin], ...Array<Answer>(10).fill("refuse")];
    const { code, err } = await follow();
    expect([code, err]).toEqual([exitCodes.unavailable, expect.stringContaining("cannot be reached")]);
  });

  test("waits for room as long as the service says", async () => {
    const error = { code: "too-many-followers", message: "25 streams are open here already." };
    answers = [Response.json({ error }, { status: 503, headers: { "retry-after": "5" } }), [begin, end("patch")]];
    expect((await follow()).code).toBe(exitCodes.ok);
    expect(io.slept).toEqual([5000]);
  });

  test("does not try again what the service refuses, nor a service that never answered", async () => {
    const error = { code: "not-found", message: "There is no campaign tidy." };
    answers = [Response.json({ error }, { status: 404 })];
    expect((await follow()).code).toBe(exitCodes.notFound);
    answers = ["refuse"];
    expect((await follow()).code).toBe(exitCodes.unavailable);
  });

  test("says away from the output that what was printed is over", async () => {
    answers = [
      [begin, started, log(0, 0, "lost"), { event: "begin", attempt: 2, because: "The disk is full." }, started],
      [log(0, 0, "kept"), finished(0, "ran"), end("patch")],
    ];
    const { out, err } = await follow();
    expect([out, err]).toEqual(["lostkept", "attempt 2 begins, forget what is above: The disk is full.\n"]);
  });

  test.each([
    ["cancelled", exitCodes.conflict],
    ["expired", exitCodes.notFound],
  ] as const)("of an execution that is %s ends with %i", async (status, code) => {
    answers = [[begin, end(status, "for a reason")]];
    expect(await follow()).toEqual({ code, out: "", err: `${status}: for a reason\n` });
  });

  test("ends with 130 when it is interrupted", async () => {
    answers = [[begin, started, log(0, 0, "one ")]];
    const { code, out } = await follow(undefined, {
      meanwhile: () => io.interrupt(new Interruption("SIGINT")),
    });
    expect([code, out]).toEqual([exitCodes.interrupted, "one "]);
  });

  test("with --json prints the whole document once the steps have ended", async () => {
    const logs = { status: "failed", failure: "It failed.", steps: [] };
    answers = [[begin, started, log(0, 0, "one"), end("failed", "It failed.")], Response.json(logs)];
    const { code, out, err } = await follow("logs tidy acme/api --follow --json");
    expect([code, JSON.parse(out), err]).toEqual([
      exitCodes.someFailed,
      { campaign: "tidy", repository: "acme/api", ...logs },
      "",
    ]);
  });

  test("asks for one step by its number", async () => {
    answers = [[begin, end("patch")]];
    await follow("logs tidy acme/api -f --step 3 --workspace packages/a");
    expect(new URL(asked[0]?.url ?? "").search).toBe("?workspace=packages%2Fa&step=2");
    expect((await follow("logs tidy acme/api -f --step 0")).code).toBe(exitCodes.usage);
  });
});

test("logs without --follow shows what there is so far, and how to see more", async () => {
  const step = (index: number, status: string) => ({
    index,
    status,
    durationMs: 0,
    truncated: false,
    log: `of ${index}\n`,
  });
  const logs = { status: "running", steps: [step(0, "ran"), step(1, "running")] };
  answers = [Response.json(logs), Response.json(logs)];
  expect((await follow("logs tidy acme/api")).out).toBe(
    "== step 1, ran, 0.0 s\nof 0\n== step 2, running\nof 1\n== running; with --follow more is shown as it comes\n",
  );
  expect((await follow("logs tidy acme/api --step 1")).out).not.toContain("of 1");
});
