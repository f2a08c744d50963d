import { expect, test } from "vitest";
import { anEvent } from "#shared/testing/event-bus.contract.ts";
import { writeEvent } from "#shared/adapters/knative/cloud-events.ts";
import { deadLetter, deliver, judgeDeadLetterSink, judgeSubscriber } from "./delivery.ts";
import { createManualTimers } from "./manual-timers.ts";
import { defaultDelivery, retryPolicy, type Answer } from "./retry-policy.ts";

const never = new AbortController().signal;
const policy = retryPolicy(defaultDelivery);

function answer(status: number, body = "", headers: Record<string, string> = {}): Answer {
  return { status, headers, body: Buffer.from(body) };
}

const noAnswer: Answer = { status: undefined, because: "connection refused" };

/** Delivers against these answers, the last of which repeats, and says how often and with which waits. */
async function attempts(...answers: Answer[]) {
  const timers = createManualTimers();
  const waits = new Array<number>();
  let sent = 0;
  const send = async () => answers[Math.min(sent++, answers.length - 1)] ?? noAnswer;
  const delivering = deliver({ policy, send, judge: judgeSubscriber, timers, signal: never });
  let over = false;
  const done = delivering.finally(() => (over = true));
  for (;;) {
    const next = await Promise.race([timers.passToNext(), done.then(() => undefined)]);
    if (next === undefined || over) return { outcome: await delivering, sent, waits };
    waits.push(next);
  }
}

const waits = [200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 102_400];

test.each([404, 408, 409, 429, 500, 502, 503, 504])("%i is retried ten times, with growing waits", async (status) => {
  const delivery = await attempts(answer(status, "no"));
  expect(delivery).toEqual({
    outcome: { kind: "failed", failure: { code: status, body: Buffer.from("no") } },
    sent: 11,
    waits,
  });
});

test("no answer is retried, and told as a 500", async () => {
  const delivery = await attempts(noAnswer);
  expect(delivery).toMatchObject({ sent: 11, waits, outcome: { failure: { code: 500 } } });
  expect(delivery.outcome).toHaveProperty("failure.body", Buffer.from("dispatch error: connection refused"));
});

test.each([300, 301, 307, 400, 401, 403, 405, 410, 413, 422])("%i is not retried", async (status) => {
  expect(await attempts(answer(status))).toMatchObject({ sent: 1, waits: [], outcome: { failure: { code: status } } });
});

test.each([200, 202, 204, 299])("%i with an empty body is a success", async (status) => {
  expect(await attempts(answer(status))).toEqual({
    sent: 1,
    waits: [],
    outcome: { kind: "delivered", reply: undefined },
  });
});

test("stops at the first success", async () => {
  const delivery = await attempts(answer(503), noAnswer, answer(202));
  expect(delivery).toMatchObject({ sent: 3, waits: [200, 400], outcome: { kind: "delivered" } });
});

test("a 2xx with a body that is no event is a 502, and retried", async () => {
  const delivery = await attempts(answer(200, "OK"));
  expect(delivery).toMatchObject({ sent: 11, outcome: { failure: { code: 502, body: Buffer.from("OK") } } });
});

test("a 2xx with a malformed event is a 502 that says what is wrong", async () => {
  const delivery = await attempts(answer(200, "{}", { "ce-specversion": "1.0", "content-type": "application/json" }));
  expect(delivery).toMatchObject({ sent: 11, outcome: { failure: { code: 502 } } });
  expect(delivery.outcome).toHaveProperty("failure.body", Buffer.from("The event has no id."));
});

test.each(["binary", "structured"] as const)("a 2xx with an event in %s mode is a reply", async (mode) => {
  const { headers, body } = writeEvent(anEvent({ id: "reply" }), mode);
  const { outcome } = await attempts(answer(200, body, { ...headers }));
  expect(outcome).toEqual({ kind: "delivered", reply: anEvent({ id: "reply" }) });
});

test("a dead letter sink may answer whatever it likes with a 2xx", () => {
  expect(judgeDeadLetterSink(answer(200, "thanks"))).toEqual({ kind: "delivered", reply: undefined });
  expect(judgeDeadLetterSink(answer(503))).toMatchObject({ kind: "failed", retried: true });
});

test("closing ends the wait for a retry, and no further attempt begins", async () => {
  const timers = createManualTimers();
  const closing = new AbortController();
  let sent = 0;
  const send = async () => {
    sent++;
    return answer(500);
  };
  const delivering = deliver({ policy, send, judge: judgeSubscriber, timers, signal: closing.signal });
  await expect.poll(() => timers.waiting()).toEqual([200]);
  closing.abort();
  expect(await delivering).toEqual({ kind: "abandoned" });
  expect(sent).toBe(1);
  expect(timers.waiting()).toEqual([]);
});

test("a dead letter is the event with where and how it failed, and about 1 KB of the answer", () => {
  const body = Buffer.from("x".repeat(5000));
  const letter = deadLetter(anEvent(), new URL("http://subscriber/path"), { code: 422, body });
  expect(letter).toEqual({
    ...anEvent(),
    extensions: {
      ...anEvent().extensions,
      knativeerrordest: "http://subscriber/path",
      knativeerrorcode: "422",
      knativeerrordata: body.toString("base64").slice(0, 1024),
    },
  });
});
