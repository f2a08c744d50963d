import { expect, test } from "vitest";
import { InvalidConfiguration, readSettings } from "./config.ts";
import { openScanner } from "./open-scanner.ts";

const open = (environment: Readonly<Record<string, string>>) =>
  openScanner(readSettings(environment, ["OCTOBATCH_SCAN_COMMAND", "OCTOBATCH_CLAMD"]), environment);

test("without a setting there is no scanner, and nothing to check", () => {
  expect(open({})).toEqual({ value: undefined });
});

test("a command is run with the programs of this process, and nothing else of its environment", async () => {
  const PATH = process.env["PATH"] ?? "";
  const command = 'cat > /dev/null; test -z "$DATABASE_URL" && test -n "$PATH"';
  const { value, check } = open({
    PATH,
    DATABASE_URL: "postgres://secret@db/octobatch",
    OCTOBATCH_SCAN_COMMAND: command,
  });
  expect(await value?.scan(ReadableStream.from([Buffer.from("x")]), { fileName: "a" })).toEqual({ kind: "clean" });
  await expect(check?.()).resolves.toBeUndefined();
});

test("a daemon that is not there is said to be", async () => {
  for (const address of ["127.0.0.1:1", "[::1]:1", "/nonexistent/clamd.sock"]) {
    await expect(open({ OCTOBATCH_CLAMD: address }).check?.()).rejects.toThrow(/does not scan: .*E[A-Z]+/);
  }
});

test("two scanners are one too many", () => {
  const both = { OCTOBATCH_SCAN_COMMAND: "true", OCTOBATCH_CLAMD: "clamd:3310" };
  expect(() => open(both)).toThrow(InvalidConfiguration);
  expect(() => open(both)).toThrow("set one of them, not both");
});

test.each(["clamd", "clamd:", ":3310", "clamd:99999", "run/clamd.sock", "http://clamd:3310"])(
  "%s is no address of a daemon",
  (address) => {
    expect(() => open({ OCTOBATCH_CLAMD: address })).toThrow("expected HOST:PORT, or the absolute path of a socket");
  },
);
