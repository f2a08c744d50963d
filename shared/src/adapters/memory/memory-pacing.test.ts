import { pacingContract } from "../../testing/pacing.contract.ts";
import { createMemoryPacing, pacingMemory } from "./memory-pacing.ts";

pacingContract("pacing in memory", async () => {
  const memory = pacingMemory();
  return { client: async (limits) => createMemoryPacing(limits, memory), close: async () => {} };
});
