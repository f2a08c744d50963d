import type { TransformJob } from "#shared/ports/sandbox.ts";
import { createMemoryBlobStore } from "#shared/adapters/memory/memory-blob-store.ts";
import { systemClock } from "#shared/adapters/system/system-clock.ts";
import { createProcessSandbox } from "./process-sandbox.ts";

interface Order {
  readonly job: TransformJob;
  readonly workDirectory: string;
  readonly url: string;
  readonly token: string;
}

/** A process of its own that a test kills: it starts the job it is sent. */
process.once("message", (order) => {
  // The test that forks this file sends nothing else.
  const { job, workDirectory, url, token } = order as Order;
  const sandbox = createProcessSandbox({
    workDirectory,
    slots: 1,
    clock: systemClock,
    blobs: createMemoryBlobStore(),
    codeHost: { gitAccess: () => Promise.resolve({ url, token }) },
    secrets: () => undefined,
    reported: () => Promise.resolve(),
  });
  void sandbox.start(job);
});
