import { noon } from "../../testing/builders.ts";
import { hostAppContract } from "../../testing/host-app.contract.ts";
import { createManualClock } from "./manual-clock.ts";
import { createMemoryHostApp } from "./memory-host-app.ts";

hostAppContract("the App in memory", async () => {
  const clock = createManualClock(noon);
  const hostApp = createMemoryHostApp({ clock });
  const sent: string[] = [];
  return {
    hostApp,
    now: () => clock.now(),
    advance: (ms) => clock.advance(ms),
    install: async (account) => void hostApp.install(account),
    suspend: async (account) => void hostApp.install(account, { suspended: true }),
    uninstall: async (account) => hostApp.uninstall(account),
    answerWebhooksWith: (status) => hostApp.answerWebhooksWith(status),
    happen: async () => void sent.push(hostApp.sendWebhook("repository")),
    received: async () => [...sent, ...hostApp.redelivered],
    close: async () => {},
  };
});
