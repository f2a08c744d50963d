import { beforeEach, expect, test } from "vitest";
import { createLogger, type Logger } from "./logger.ts";

let written: string;
let log: Logger;
beforeEach(() => {
  written = "";
  log = createLogger("info", {
    write: (line) => {
      written += line;
    },
  });
});

test("writes one JSON object a line, with the level by name and the time in UTC", () => {
  log.info({ campaign: "node-24" }, "ready");
  log.debug("not this one");
  expect(JSON.parse(written)).toEqual({
    level: "info",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    campaign: "node-24",
    msg: "ready",
  });
  expect(written.endsWith("\n")).toBe(true);
});

test("shows no secret that is logged by mistake: in headers, in settings, or beside them", () => {
  const secret = "hunter2";
  log.warn({ headers: { authorization: `Bearer ${secret}`, accept: "json" } }, "asked");
  log.warn({ token: secret, database: { password: secret }, app: { privateKey: secret } }, "configured");
  expect(written).not.toContain(secret);
  expect(written).toContain("[redacted]");
  expect(written).toContain("json");
});

test("shows what caused an error, and where", () => {
  log.error({ err: new Error("could not save", { cause: new Error("disk full") }) }, "failed");
  expect(written).toContain("could not save: disk full");
  expect(written).toContain("logger.test.ts");
});
