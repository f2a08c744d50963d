import { expect, test } from "vitest";
import { createTurnstile } from "./turnstile.ts";

test("lets so many in at once, and the others in the order in which they came", async () => {
  const turnstile = createTurnstile({ atOnce: 2, inLine: 2 });
  const inside: string[] = [];
  const enter = async (who: string) => {
    const leave = await turnstile.enter();
    inside.push(who);
    return leave;
  };
  const first = await enter("first");
  const second = await enter("second");
  const third = enter("third");
  const fourth = enter("fourth");
  expect(inside).toEqual(["first", "second"]);
  second?.();
  await third;
  expect(inside).toEqual(["first", "second", "third"]);
  first?.();
  await fourth;
  expect(inside).toEqual(["first", "second", "third", "fourth"]);
});

test("sends away who comes when the line is full", async () => {
  const turnstile = createTurnstile({ atOnce: 1, inLine: 1 });
  const leave = await turnstile.enter();
  const waiting = turnstile.enter();
  expect(await turnstile.enter()).toBeUndefined();
  leave?.();
  expect(await waiting).toBeTypeOf("function");
});

test("counts who leaves twice once", async () => {
  const turnstile = createTurnstile({ atOnce: 1, inLine: 0 });
  const leave = await turnstile.enter();
  leave?.();
  leave?.();
  expect(await turnstile.enter()).toBeTypeOf("function");
  expect(await turnstile.enter()).toBeUndefined();
});
