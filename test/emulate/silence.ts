import { docs, said, type Difference } from "./difference.ts";
import { personToken } from "./emulator.ts";
import { draftOn, forceBranch, proposeOn, pullRequestFrom } from "./proposal.ts";

/** What it keeps to itself, or tells otherwise. */
export const silence: readonly Difference[] = [
  {
    call: "reading again what has not changed, with `If-None-Match`",
    emulator: "200 without an ETag",
    github: "304, which costs nothing",
    source: `${docs}/rest/using-the-rest-api/best-practices-for-using-the-rest-api#use-conditional-requests-if-appropriate`,
    async ask(github) {
      const request = { path: "/repos/acme/api", token: personToken };
      const etag = (await github.ask(request)).headers.get("etag");
      const { status } = await github.ask({ ...request, headers: { "if-none-match": etag ?? "*" } });
      return `${status} ${etag === null ? "without" : "with"} an ETag`;
    },
  },
  {
    call: "a repository by its former name",
    emulator: "404 Not Found",
    github: "301 to where it is now",
    source: `${docs}/rest/using-the-rest-api/best-practices-for-using-the-rest-api#follow-redirects`,
    async ask(github) {
      const repository = await github.repository("acme/api");
      const request = { method: "PATCH", path: "/repos/acme/api", token: personToken, body: { name: "service" } };
      if (!(await github.ask(request)).ok) return "no rename";
      const { id } = await github.repository("acme/service");
      return id === repository.id ? said(await github.ask({ path: "/repos/acme/api", token: personToken })) : "a copy";
    },
  },
  {
    call: "a repository by its name in capitals",
    emulator: "404 Not Found",
    github: "200: names are not case sensitive",
    source: `${docs}/rest/repos/repos#get-a-repository`,
    ask: async (github) => said(await github.ask({ path: "/repos/ACME/API", token: personToken })),
  },
  {
    call: "the head of a pull request after its branch was moved",
    emulator: "the old commit",
    github: "the new commit",
    source: `${docs}/rest/pulls/pulls#get-a-pull-request`,
    async ask(github) {
      const repository = await github.repository("acme/api");
      const codeHost = github.codeHost();
      const before = await proposeOn(github, repository, "campaign/1");
      await codeHost.openPullRequest(repository, pullRequestFrom("campaign/1"));
      const { commit } = await codeHost.createCommit(repository, draftOn(before, { message: "More\n" }));
      await forceBranch(github, repository, { name: "campaign/1", commit });
      const { headCommit } = await codeHost.readPullRequest(repository, 1);
      return headCommit === before ? "the old commit" : "the new commit";
    },
  },
  {
    call: "the webhooks of a new branch",
    emulator: "create",
    github: "create and push",
    source: `${docs}/webhooks/webhook-events-and-payloads#push`,
    async ask(github) {
      const repository = await github.repository("acme/api");
      await proposeOn(github, repository, "campaign/1");
      await github.webhooks.delivered("create");
      // Whatever the new branch was to cause has been sent before this.
      await github.codeHost().openPullRequest(repository, pullRequestFrom("campaign/1"));
      await github.webhooks.delivered("pull_request");
      const about = github.webhooks.deliveries.map(({ event }) => event);
      return about.filter((event) => event !== "pull_request").join(" and ");
    },
  },
  {
    call: "X-GitHub-Delivery of a webhook",
    emulator: "the clock's milliseconds",
    github: "a GUID",
    source: `${docs}/webhooks/webhook-events-and-payloads#delivery-headers`,
    async ask(github) {
      await proposeOn(github, await github.repository("acme/api"), "campaign/1");
      const { id } = await github.webhooks.delivered("create");
      return /^\d{13}$/.test(id) ? "the clock's milliseconds" : id;
    },
  },
];
