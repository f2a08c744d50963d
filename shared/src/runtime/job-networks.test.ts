import { expect, test } from "vitest";
import { jobNetworks } from "./job-networks.ts";

test("networks have names, and hosts with addresses", () => {
  expect(jobNetworks.parse(undefined)).toEqual({});
  const npm = { hosts: { "npm.example.com": "10.0.0.7", "other.example.com": "2001:db8::7" } };
  expect(jobNetworks.parse(JSON.stringify({ npm, empty: {} }))).toEqual({ npm, empty: { hosts: {} } });
});

test.each([
  ['{"NPM":{}}', /NPM: has to be 1 to 40 lower-case letters/],
  ['{"npm":{"hosts":{"npm.example.com":"npm"}}}', /npm\.hosts\.npm\.example\.com: expected an IP address/],
  ['{"npm":{"host":{}}}', /"host"/],
  ["npm", /it: /],
])("networks such as %s are refused by the name of what is wrong", (text, words) => {
  const parsed = jobNetworks.safeParse(text);
  expect(parsed.success ? "" : parsed.error.issues.map(({ message }) => message).join("; ")).toMatch(words);
});
