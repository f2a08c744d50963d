import { eventBusContract } from "#shared/testing/event-bus.contract.ts";
import { createBrokerBus } from "./broker-bus.ts";
import { createLocalBroker } from "./local-broker.ts";
import { aTrigger, recordingLog, someManifests, startSubscribers } from "./testing.ts";
import { systemTimers } from "./timers.ts";

eventBusContract("the event bus to the broker in this process", async () => {
  const subscribers = await startSubscribers();
  const broker = createLocalBroker({
    manifests: someManifests([aTrigger("everything")]),
    resolve: subscribers.resolve,
    timers: systemTimers,
    random: () => 0,
    log: recordingLog(),
  });
  return {
    bus: createBrokerBus(broker),
    async received() {
      await broker.idle();
      return subscribers.received("everything");
    },
    goDown: () => broker.close(),
    async close() {
      await broker.close();
      await subscribers.close();
    },
  };
});
