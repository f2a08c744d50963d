import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openDirectory } from "./enclosure.ts";
import { forgetStep } from "./forget-step.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "octobatch-forget-"));
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await rm(directory, { recursive: true, force: true });
});

test("what a step left that cannot be removed in time is that step's failure", async () => {
  const enclosure = openDirectory({ directory });
  await mkdir(join(enclosure.volume, "steps", "1", "tmp"), { recursive: true });
  await writeFile(join(enclosure.volume, "steps", "1", "tmp", "much"), "");
  const killed = Promise.withResolvers<undefined>();
  const enter = () => ({
    id: 1,
    kill: () => killed.resolve(undefined),
    mute: () => undefined,
    exited: killed.promise,
    closed: killed.promise,
  });
  const place = {
    isolation: "none",
    enclosure: { ...enclosure, enter },
    view: { directories: [], links: [], tools: [], hidden: [], path: "" },
    user: { kind: "mapped", id: 1000 },
    seccompFile: undefined,
    controlGroup: undefined,
    objectsDirectory: undefined,
    directory: "",
  } as const;
  const forgotten = forgetStep(place, 1).catch((error: unknown) => error);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(await forgotten).toMatchObject({
    name: "TransformFailed",
    kind: "limit",
    step: 1,
    retryable: false,
    message: expect.stringMatching(/^Step 2 left so much/),
  });
});
