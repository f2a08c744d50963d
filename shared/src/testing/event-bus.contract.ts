import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { InvalidEvent } from "#shared/adapters/knative/cloud-events.ts";
import { EventBusUnavailable, type BusEvent, type EventBus } from "#shared/ports/event-bus.ts";

/** A bus under test, with a view of what comes out of it. */
export interface OpenEventBus {
  readonly bus: EventBus;
  /** What a subscriber to everything has received, once nothing is under way any more. */
  received(): Promise<readonly BusEvent[]>;
  /** From now on the bus accepts nothing. */
  goDown(): Promise<void>;
  close(): Promise<void>;
}

export function anEvent(changed: Partial<BusEvent> = {}): BusEvent {
  return {
    id: "task-1",
    source: "/octobatch/test",
    type: "dev.octobatch.changeset.ready.v1",
    subject: "changeset-1",
    time: new Date("2026-01-02T03:04:05.678Z"),
    data: { changesetId: "changeset-1" },
    extensions: { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" },
    ...changed,
  };
}

/** What every EventBus promises. */
export function eventBusContract(name: string, open: () => Promise<OpenEventBus>): void {
  describe(`${name} keeps the contract: it`, () => {
    let opened: OpenEventBus;
    beforeEach(async () => {
      opened = await open();
    });
    afterEach(() => opened.close());

    test("delivers an event as it was published", async () => {
      await opened.bus.publish(anEvent());
      // A broker may add extensions of its own.
      expect(await opened.received()).toMatchObject([anEvent()]);
    });

    test("delivers an event that has nothing optional", async () => {
      const { id, source, type, time } = anEvent();
      await opened.bus.publish({ id, source, type, time, data: undefined });
      const [received] = await opened.received();
      expect(received).toMatchObject({ id, source, type, time });
      expect(received?.subject).toBeUndefined();
      expect(received?.data).toBeUndefined();
    });

    test.each([[0], [false], [""], [null], [[]], ["text"], [{ deep: [{ er: "ü 😀" }] }]])(
      "delivers the data %j",
      async (data) => {
        await opened.bus.publish(anEvent({ data }));
        expect((await opened.received()).map((event) => event.data)).toEqual([data]);
      },
    );

    test("delivers attributes outside ASCII", async () => {
      await opened.bus.publish(anEvent({ subject: 'über "100 %" 😀' }));
      expect(await opened.received()).toMatchObject([{ subject: 'über "100 %" 😀' }]);
    });

    test("delivers what was published, whatever becomes of the object", async () => {
      const data = { changesetId: "before" };
      await opened.bus.publish(anEvent({ data }));
      data.changesetId = "after";
      expect(await opened.received()).toMatchObject([{ data: { changesetId: "before" } }]);
    });

    test("loses none of many events published at once", async () => {
      const ids = Array.from({ length: 50 }, (_, index) => `task-${index}`);
      await Promise.all(ids.map((id) => opened.bus.publish(anEvent({ id }))));
      const received = await opened.received();
      expect(new Set(received.map(({ id }) => id))).toEqual(new Set(ids));
    });

    test("delivers an event of nearly 64 KiB, and refuses a larger one", async () => {
      await opened.bus.publish(anEvent({ data: "x".repeat(64_000) }));
      await expect(opened.bus.publish(anEvent({ data: "x".repeat(65_536) }))).rejects.toThrow(InvalidEvent);
      expect(await opened.received()).toHaveLength(1);
    });

    test("refuses an event that is not valid", async () => {
      await expect(opened.bus.publish(anEvent({ id: "" }))).rejects.toThrow(InvalidEvent);
      await expect(opened.bus.publish(anEvent({ extensions: { "not-valid": "x" } }))).rejects.toThrow(InvalidEvent);
      expect(await opened.received()).toEqual([]);
    });

    test("says so when it is not available", async () => {
      await opened.goDown();
      await expect(opened.bus.publish(anEvent())).rejects.toThrow(EventBusUnavailable);
    });
  });
}
