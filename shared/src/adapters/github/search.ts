import { z } from "zod";
import type { Clock } from "../../ports/clock.ts";
import { CodeHostRefused, type CodeHost } from "../../ports/code-host.ts";
import type { GitHubClient } from "./client.ts";
import { cursorOf, readCursor } from "./cursor.ts";
import type { AccountPurpose } from "./errors.ts";
import { pageInfo, repository, repositoryPage } from "./repository-snapshot.ts";
import { pageSizes, searchCountsQuery, searchPageQuery } from "./repository-queries.ts";
import { cuttable, sliceQuery, type CuttableSearch } from "./search-query.ts";
import {
  following,
  isPlannedEnough,
  maxSearchHits,
  partsOf,
  planSearchSlices,
  type SearchPlan,
  type SearchSlice,
} from "./search-slices.ts";

const searchAnswer = z.object({
  search: z.object({ repositoryCount: z.number(), pageInfo, nodes: z.array(repository.nullable()) }),
});
const countsAnswer = z.record(z.string(), z.unknown());
const count = z.object({ repositoryCount: z.number() });

const range = <T extends z.ZodType>(value: T) => z.object({ from: value.optional(), to: value.optional() });
const day = z.string().regex(/^\d{4}-\d{2}-\d{2}$/);

/** Where to go on: after a GitHub cursor of a slice, or at the beginning of what is left of the search. */
const place = z.object({
  /** Absent as long as the search is in one piece. */
  slice: z.object({ created: range(day), size: range(z.number()).optional() }).optional(),
  after: z.string().optional(),
});

type Place = z.infer<typeof place>;

/**
 * Repository searches of any size: one that has more hits than GitHub shows is cut into slices, as it goes. The cursor
 * holds the slice and the place in it, so that a search goes on where it was, in any process.
 */
export function search(client: GitHubClient, clock: Clock): Pick<CodeHost, "searchPage"> {
  const purposeOf = (account: string, search: string): AccountPurpose => ({
    doing: `search repositories by ${JSON.stringify(search)}`,
    account,
  });

  async function counts(purpose: AccountPurpose, searches: readonly string[]): Promise<readonly number[]> {
    const { query, variables } = searchCountsQuery(searches);
    const answer = countsAnswer.parse(await client.read(purpose, ({ graphql }) => graphql<unknown>(query, variables)));
    return searches.map((_, index) => count.parse(answer[`s${index}`]).repositoryCount);
  }

  /** The first slice of `rest` that GitHub shows whole. */
  async function firstSlice(
    purpose: AccountPurpose,
    search: string,
    whole: CuttableSearch,
    rest: SearchSlice,
  ): Promise<SearchSlice> {
    let plan: SearchPlan = { crowded: rest };
    while (plan.crowded && !isPlannedEnough(plan)) {
      const parts = whole.uncuttable === undefined ? partsOf(plan.crowded, whole.whole, today(clock)) : undefined;
      if (!parts) {
        if (plan.planned) break;
        throw new CodeHostRefused("invalid", tooMany(search, whole, plan.crowded));
      }
      const found = await counts(
        purpose,
        parts.map((part) => sliceQuery(whole, part)),
      );
      plan = planSearchSlices(
        parts.map((slice, index) => ({ slice, count: found[index] ?? 0 })),
        plan.planned,
      );
    }
    return plan.planned?.slice ?? rest;
  }

  return {
    async searchPage({ organization, search, files, cursor }) {
      const purpose = purposeOf(organization, search);
      const whole = cuttable(search);
      let { slice, after }: Place = cursor === undefined ? {} : readCursor(place, cursor);
      // After a slice comes the rest, which is as good as never small enough to be asked for at once.
      if (slice && after === undefined) slice = await firstSlice(purpose, search, whole, slice);
      for (;;) {
        const text = slice ? sliceQuery(whole, slice) : search;
        const answer = await client.read(purpose, ({ graphql }, attempt) => {
          const { query, variables } = searchPageQuery({
            search: text,
            files,
            first: pageSizes[attempt],
            cursor: after,
          });
          return graphql<unknown>(query, variables);
        });
        const { repositoryCount, nodes, pageInfo } = searchAnswer.parse(answer).search;
        if (repositoryCount <= maxSearchHits) {
          const next: Place | undefined =
            pageInfo.hasNextPage && pageInfo.endCursor !== null
              ? { slice, after: pageInfo.endCursor }
              : nextPlace(slice, whole);
          return repositoryPage(nodes, files, next && cursorOf(next));
        }
        // Also when hits were added while we paged: beginning the slice again shows some twice, and loses none.
        slice = await firstSlice(purpose, search, whole, slice ?? { created: whole.whole.created });
        after = undefined;
      }
    },
  };
}

function nextPlace(slice: SearchSlice | undefined, { whole }: CuttableSearch): Place | undefined {
  const rest = slice && following(slice, whole);
  return rest && { slice: rest };
}

function today(clock: Clock): string {
  return clock.now().toISOString().slice(0, 10);
}

function tooMany(search: string, whole: CuttableSearch, slice: SearchSlice): string {
  const asked = JSON.stringify(search);
  return whole.uncuttable === undefined
    ? `The search ${asked} matches more than ${maxSearchHits} repositories of the same day and size (${sliceQuery(whole, slice)}), and GitHub shows no more. Narrow it, or select the organization and filter.`
    : `The search ${asked} matches more than ${maxSearchHits} repositories. GitHub shows no more at once, and because of ${whole.uncuttable} it cannot be cut into parts. Use whole days and whole numbers there, narrow it, or select the organization and filter.`;
}
