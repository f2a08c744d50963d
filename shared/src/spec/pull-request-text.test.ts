import { expect, test } from "vitest";
import { renderPullRequest, type PullRequestText } from "./pull-request-text.ts";

function render(
  template: { title?: string; body?: string; message?: string },
  outputs: Record<string, string> = {},
): PullRequestText {
  const { title = "Title", body = "", message = title } = template;
  return renderPullRequest(
    { title, body, commit: { message, author: { name: "n", email: "e@x.y" } } },
    {
      campaign: { name: "c", description: "", url: "https://octobatch.example.com/c" },
      repository: { owner: "acme", name: "widgets", branch: "main" },
      workspace: { path: "" },
      steps: { modified_files: [], added_files: [], deleted_files: [], renamed_files: [] },
      outputs,
    },
  );
}

test("the texts of a pull request have their values", () => {
  expect(
    render(
      { title: "To ${{ outputs.v }}", body: "See ${{ campaign.url }}\n", message: "Bump\n\nTo ${{ outputs.v }}\n" },
      { v: "2" },
    ),
  ).toEqual({
    title: "To 2",
    body: "See https://octobatch.example.com/c\n",
    commitMessage: "Bump\n\nTo 2",
  });
});

test("a title is one short line of plain text, whatever a step has put out", () => {
  expect(render({ title: "${{ outputs.v }}" }, { v: " a\n\tb\u202Ec\0 \n" }).title).toBe("a bc");
  expect(render({ title: "${{ outputs.v }}" }, { v: "x".repeat(300) }).title).toBe(`${"x".repeat(255)}…`);
});

test("a body that is too long is cut", () => {
  expect(render({ body: "${{ outputs.v }}" }, { v: "x".repeat(100_000) }).body).toHaveLength(60_000);
});

test("a title of nothing is refused", () => {
  expect(() => render({ title: "${{ outputs.v }}" })).toThrow("the title of the pull request renders to nothing");
});
