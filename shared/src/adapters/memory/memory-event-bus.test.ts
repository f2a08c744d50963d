import { expect, test } from "vitest";
import { anEvent, eventBusContract } from "#shared/testing/event-bus.contract.ts";
import { createMemoryEventBus } from "./memory-event-bus.ts";

eventBusContract("the event bus in memory", async () => {
  const bus = createMemoryEventBus();
  return {
    bus,
    received: async () => bus.published,
    goDown: async () => bus.goDown(),
    close: async () => {},
  };
});

test("delivers to the handlers of the type, and what they publish too", async () => {
  const bus = createMemoryEventBus();
  const handled = new Array<string>();
  bus.subscribe("first.v1", async ({ id }) => {
    handled.push(id);
    await bus.publish(anEvent({ id: "2", type: "second.v1" }));
  });
  bus.subscribe("second.v1", async ({ id }) => void handled.push(id));
  await bus.publish(anEvent({ id: "1", type: "first.v1" }));
  expect(handled).toEqual([]);
  await bus.deliverAll();
  expect(handled).toEqual(["1", "2"]);
});

test("delivers again what a handler could not handle", async () => {
  const bus = createMemoryEventBus();
  let calls = 0;
  bus.subscribe("t.v1", async () => {
    calls++;
    if (calls === 1) throw new Error("not now");
  });
  await bus.publish(anEvent({ type: "t.v1" }));
  await expect(bus.deliverAll()).rejects.toThrow("not now");
  await bus.deliverAll();
  await bus.deliverAll();
  expect(calls).toBe(2);
});

test("accepts again once it is back", async () => {
  const bus = createMemoryEventBus();
  bus.goDown();
  await expect(bus.publish(anEvent())).rejects.toThrow("down");
  bus.comeBack();
  await bus.publish(anEvent());
  expect(bus.published).toHaveLength(1);
});
