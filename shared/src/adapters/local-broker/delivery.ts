import { InvalidEvent, looksLikeEvent, readEvent } from "#shared/adapters/knative/cloud-events.ts";
import type { BusEvent } from "#shared/ports/event-bus.ts";
import { isRetried, type Answer, type RetryPolicy } from "./retry-policy.ts";
import { wait, type Timers } from "./timers.ts";

export type Outcome =
  | { readonly kind: "delivered"; readonly reply: BusEvent | undefined }
  | { readonly kind: "failed"; readonly failure: Failure }
  /** The broker closed before the end. */
  | { readonly kind: "abandoned" };

/** What the last attempt came to, as the dead letter tells it. */
export interface Failure {
  /** An HTTP status; 500 when there was no answer, and 502 for an answer that a subscriber may not give. */
  readonly code: number;
  readonly body: Buffer;
}

export interface DeliveryOptions {
  readonly policy: RetryPolicy;
  /** One attempt. Never rejects. */
  readonly send: () => Promise<Answer>;
  /** What an answer means: {@link judgeSubscriber} or {@link judgeDeadLetterSink}. */
  readonly judge: (answer: Answer, now: Date) => Judgement;
  readonly timers: Timers;
  /** Aborted when no further attempt shall begin. */
  readonly signal: AbortSignal;
}

type Judgement = Extract<Outcome, { kind: "delivered" | "failed" }> & { readonly retried?: boolean };

/** Attempts until one succeeds, one fails for good, or the retries are used up. */
export async function deliver({ policy, send, judge, timers, signal }: DeliveryOptions): Promise<Outcome> {
  for (let retry = 0; !signal.aborted; retry++) {
    const answer = await send();
    const { retried = false, ...outcome } = judge(answer, timers.now());
    if (outcome.kind === "delivered") return outcome;
    if (signal.aborted) break;
    if (!retried || retry >= policy.retries) return outcome;
    await wait(timers, policy.delayMs(retry, answer, timers.now()), signal);
  }
  return { kind: "abandoned" };
}

/**
 * A subscriber accepts with any 2xx. What it answers then must be empty or an event, which is routed as a reply;
 * anything else counts as a 502, which is retried.
 */
export function judgeSubscriber(answer: Answer, now: Date): Judgement {
  const failure = failureOf(answer);
  if (failure !== undefined || answer.status === undefined)
    return failed(failure ?? { code: 500, body: Buffer.of() }, answer);
  const { headers, body } = answer;
  if (looksLikeEvent(headers)) {
    try {
      return { kind: "delivered", reply: readEvent({ headers, body }, now) };
    } catch (error) {
      if (!(error instanceof InvalidEvent)) throw error;
      return failed({ code: 502, body: Buffer.from(error.message) }, { status: 502 });
    }
  }
  return body.length === 0 ? { kind: "delivered", reply: undefined } : failed({ code: 502, body }, { status: 502 });
}

/** A dead letter sink accepts with any 2xx, whatever it answers. */
export function judgeDeadLetterSink(answer: Answer): Judgement {
  const failure = failureOf(answer);
  return failure === undefined ? { kind: "delivered", reply: undefined } : failed(failure, answer);
}

function failureOf(answer: Answer): Failure | undefined {
  if (answer.status === undefined) return { code: 500, body: Buffer.from(`dispatch error: ${answer.because}`) };
  return answer.status >= 200 && answer.status < 300 ? undefined : { code: answer.status, body: answer.body };
}

function failed(failure: Failure, answer: Pick<Answer, "status">): Judgement {
  return { kind: "failed", failure, retried: isRetried(answer) };
}

/** Knative keeps this much of the encoded answer, and cuts the encoding, not the answer. */
const errorDataLength = 1024;

/**
 * The event as a dead letter sink gets it: unchanged, with the attributes that say where and how it failed.
 * https://knative.dev/docs/eventing/event-delivery/#configuring-channel-event-delivery
 */
export function deadLetter(event: BusEvent, destination: URL, { code, body }: Failure): BusEvent {
  const extensions = {
    ...event.extensions,
    knativeerrordest: destination.href,
    knativeerrorcode: String(code),
    knativeerrordata: body.toString("base64").slice(0, errorDataLength),
  };
  return { ...event, extensions };
}
