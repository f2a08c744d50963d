import { RetryLater } from "#shared/errors.ts";
import { advance } from "#shared/lifecycle.ts";
import type { Spec } from "#shared/spec/spec.ts";
import { changesetLifecycle, type Changeset } from "./changeset.ts";
import type { ChangesetStore, SlotAnswer, SlotRequest, SlotStore } from "./changeset-store.ts";
import { dayOf, isDayEnding, nextDayMs } from "./plan-publish.ts";

/**
 * Looks whether the changeset could have a slot today: those that cannot are many at a full cap, and cost one query.
 * @throws RetryLater until tomorrow when a cap is full or the day is about to end.
 */
export async function assertRoom(
  slots: Pick<SlotStore, "room">,
  changeset: Changeset,
  spec: Spec,
  pullRequestsPerDay: number,
  now: Date,
): Promise<void> {
  assertDayLasts(now);
  const request = slotRequest(changeset, spec, pullRequestsPerDay, now);
  assertNotFull(await slots.room(request), request);
}

/**
 * Takes a slot of today's caps and marks the changeset as being published, in the transaction that `stores` belong to:
 * whatever crashes afterwards, the slot is counted. Taking it twice on a day takes it once.
 *
 * @returns the day of the slot.
 * @throws RetryLater until tomorrow when a cap is full or the day is about to end.
 */
export async function takeTurn(
  stores: { readonly changesets: ChangesetStore; readonly slots: SlotStore },
  changeset: Changeset,
  spec: Spec,
  pullRequestsPerDay: number,
  now: Date,
): Promise<{ readonly changeset: Changeset; readonly day: string }> {
  assertDayLasts(now);
  const request = slotRequest(changeset, spec, pullRequestsPerDay, now);
  assertNotFull(await stores.slots.reserve(request), request);
  return { changeset: await begin(stores.changesets, changeset, now), day: request.day };
}

function slotRequest(
  { id, repository, campaign }: Changeset,
  { policies }: Spec,
  pullRequestsPerDay: number,
  at: Date,
): SlotRequest {
  const own = policies.throttle.pullRequestsPerDay;
  const cap = { organization: pullRequestsPerDay, ...(own === undefined ? {} : { campaign: own }) };
  return { changesetId: id, organization: repository.owner, campaign, day: dayOf(at), cap, at };
}

function assertNotFull(answer: SlotAnswer, { organization, day, cap, at }: SlotRequest): void {
  if (answer === "reserved" || answer === "free") return;
  const whose = answer === "campaign-full" ? "this campaign" : organization;
  const full = answer === "campaign-full" ? cap.campaign : cap.organization;
  throw new RetryLater(tomorrow(at), `the daily cap of ${whose} is reached: ${full} pull requests on ${day}`);
}

/** Marks the changeset as being published, with what is wanted now; one that is so already stays at what it began. */
export async function begin(changesets: ChangesetStore, changeset: Changeset, now: Date): Promise<Changeset> {
  const state = advance(changesetLifecycle, changeset.state, { fact: "turn-came", desired: changeset.desired });
  if (state === undefined) return changeset;
  await changesets.saveAll([{ ...changeset, state }], now);
  return { ...changeset, state, version: changeset.version + 1 };
}

/**
 * @throws RetryLater when it is no longer the day of the slot, or so late that a request may arrive tomorrow.
 */
export function assertSameDay(day: string, now: Date): void {
  assertDayLasts(now);
  if (dayOf(now) !== day) throw new RetryLater(now, `its slot was one of ${day}, which has passed`);
}

function assertDayLasts(now: Date): void {
  if (isDayEnding(now)) throw new RetryLater(tomorrow(now), "the day is about to end, and with it its slots");
}

function tomorrow(now: Date): Date {
  // The one place of the domain that makes an instant: midnight after the one that was handed in.
  const at = structuredClone(now);
  at.setTime(nextDayMs(now));
  return at;
}
