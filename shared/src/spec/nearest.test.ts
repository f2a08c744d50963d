import { expect, test } from "vitest";
import { nearest, suggestion } from "./nearest.ts";

test("suggests what was most likely meant, or says what there is", () => {
  expect(nearest("timout", ["time", "timeout", "title"])).toBe("timeout");
  expect(nearest("fiels", ["files", "file"])).toBe("files");
  expect(nearest("Reviewer", ["reviewers", "teamReviewers"])).toBe("reviewers");
  expect(nearest("xyz", ["files", "env"])).toBeUndefined();
  expect(suggestion("xyz", ["files", "env"])).toBe("there is files, env");
});
