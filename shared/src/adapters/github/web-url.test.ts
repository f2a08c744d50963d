import { expect, test } from "vitest";
import { webUrlOf } from "./web-url.ts";

test.each([
  ["https://api.github.com", "https://github.com"],
  ["https://api.acme.ghe.com", "https://acme.ghe.com"],
  ["https://git.example.com/api/v3", "https://git.example.com"],
  ["https://api.example.com/api/v3/", "https://api.example.com"],
  ["http://127.0.0.1:3000/api/v3", "http://127.0.0.1:3000"],
])("people find the GitHub of %s at %s", (apiUrl, webUrl) => {
  expect(webUrlOf(apiUrl)).toBe(webUrl);
});
