import { expect, test } from "vitest";
import { createRequestLimit } from "./request-limit.ts";

const never = new AbortController().signal;

test("lets no more run at once than it may, and the others in the order in which they came", async () => {
  const limit = createRequestLimit(2);
  const begun = new Array<number>();
  const ends = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  const tasks = ends.map(({ promise }, index) =>
    limit.run(async () => {
      begun.push(index);
      await promise;
    }, never),
  );
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  ends[1]?.resolve();
  await tasks[1];
  await expect.poll(() => begun).toEqual([0, 1, 2]);
  for (const { resolve } of ends) resolve();
  await Promise.all(tasks);
  expect(begun).toEqual([0, 1, 2, 3]);
});

test("gives the place of a task that failed to the next", async () => {
  const limit = createRequestLimit(1);
  const failing = limit.run(() => Promise.reject(new Error("failed")), never);
  const next = limit.run(async () => "ran", never);
  await expect(failing).rejects.toThrow("failed");
  expect(await next).toBe("ran");
});

test("whoever gives up in line does not run, and takes nobody's place", async () => {
  const limit = createRequestLimit(1);
  const end = Promise.withResolvers<void>();
  const first = limit.run(() => end.promise, never);
  const impatient = new AbortController();
  const second = limit.run(async () => "ran", impatient.signal);
  const third = limit.run(async () => "ran", never);
  impatient.abort();
  expect(await second).toBeUndefined();
  end.resolve();
  await first;
  expect(await third).toBe("ran");
  expect(await limit.run(async () => "ran", impatient.signal)).toBeUndefined();
});
