import { liveLogsContract } from "#shared/testing/live-logs.contract.ts";
import { createMemoryLiveLogs } from "./memory-live-logs.ts";

liveLogsContract("live logs in memory", async () => {
  const ended = new Set<string>();
  const logs = createMemoryLiveLogs({ isRunning: ({ executionId }) => !ended.has(executionId) });
  return { logs, end: async ({ executionId }) => void ended.add(executionId), close: async () => {} };
});
