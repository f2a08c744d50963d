import { InvalidArgumentError } from "commander";
import { describe, expect, test } from "vitest";
import * as read from "./arguments.ts";

test.each([
  ["https://github.com", "https://api.github.com"],
  ["https://github.com/", "https://api.github.com"],
  ["https://github.example.com:8443", "https://github.example.com:8443/api/v3"],
  ["https://acme.ghe.com", "https://api.acme.ghe.com"],
  ["http://127.0.0.1:4010", "http://127.0.0.1:4010/api/v3"],
  ["http://[::1]:4010", "http://[::1]:4010/api/v3"],
])("the API of %s is at %s", (address, apiUrl) => {
  expect(read.gitHubArgument(address).apiUrl).toBe(apiUrl);
});

test("an address loses its last slash, and what would end a quoted setting", () => {
  expect(read.publicUrlArgument("https://octobatch.test/it's/")).toBe("https://octobatch.test/it%27s");
});

describe("refused", () => {
  test.each([
    "octobatch.test",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "https://user@octobatch.test",
    "https://octobatch.test/?a",
    "https://octobatch.test/#a",
  ])("%s as the public address", (address) => {
    expect(() => read.publicUrlArgument(address)).toThrow(InvalidArgumentError);
  });

  test.each([
    ["https://github.example.com/api/v3", "without /api/v3"],
    ["http://github.example.com", "use https"],
    ["http://127.evil.test", "use https"],
    ["javascript:alert(1)", "people use"],
  ])("%s as a GitHub", (address, why) => {
    expect(() => read.gitHubArgument(address)).toThrow(why);
  });

  test.each(["", "  ", "x".repeat(35), "two\nlines"])("%j as a name", (name) => {
    expect(() => read.appNameArgument(name)).toThrow("1 to 34 characters");
  });

  test.each(["", "../x", "a b", "-x"])("%j as an organization", (name) => {
    expect(() => read.organizationArgument(name)).toThrow(InvalidArgumentError);
  });

  test("a permission that no campaign needs", () => {
    expect(read.permissionsArgument("workflows, issues")).toEqual(["workflows", "issues"]);
    expect(() => read.permissionsArgument("workflows,secrets")).toThrow("Choose from workflows, merge_queues");
  });

  test("a port that no machine has", () => {
    expect(read.portArgument("65535")).toBe(65_535);
    for (const port of ["65536", "-1", "x"]) expect(() => read.portArgument(port)).toThrow(InvalidArgumentError);
  });

  test("more patience than a day", () => {
    expect(read.patienceArgument("24h")).toBe(86_400_000);
    expect(() => read.patienceArgument("25h")).toThrow("24h at most");
  });
});
