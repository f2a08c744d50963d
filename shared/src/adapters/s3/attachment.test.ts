import { expect, test } from "vitest";
import { attachment } from "./attachment.ts";

test.each([
  ["patch.diff", `attachment; filename="patch.diff"; filename*=UTF-8''patch.diff`],
  [
    'a "b"\r\nSet-Cookie: c',
    `attachment; filename="a__b___Set-Cookie__c"; filename*=UTF-8''a%20%22b%22%0D%0ASet-Cookie%3A%20c`,
  ],
  ["été(1).diff", `attachment; filename="_t__1_.diff"; filename*=UTF-8''%C3%A9t%C3%A9%281%29.diff`],
  ["\ud800", `attachment; filename="_"; filename*=UTF-8''%EF%BF%BD`],
])("a download called %j is saved under that name, and adds no header", (name, header) => {
  expect(attachment(name)).toBe(header);
});
