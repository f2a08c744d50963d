import { expect, test } from "vitest";
import { fakeGitHub, type FakeCall } from "./testing/fake-github.ts";
import { maxListings } from "./trees.ts";

test("a repository that is too large to be listed is given up after a fixed number of requests", async () => {
  const folder = { path: "deeper", type: "tree", mode: "040000", sha: "f".repeat(40) };
  const listing = ({ url }: FakeCall) => ({ body: { tree: [folder], truncated: url.searchParams.has("recursive") } });
  const { codeHost, asked } = fakeGitHub({
    [`GET /repos/acme/mono/git/trees/${"c".repeat(40)}`]: listing,
    [`GET /repos/acme/mono/git/trees/${"f".repeat(40)}`]: listing,
  });
  const mono = { id: 1, nodeId: "R_1", owner: "acme", name: "mono" };
  await expect(codeHost.findFiles(mono, { commit: "c".repeat(40), name: "go.mod" })).rejects.toMatchObject({
    kind: "invalid",
    message: expect.stringContaining(`it takes more than ${maxListings} listings`),
  });
  expect(asked()).toHaveLength(maxListings);
});
