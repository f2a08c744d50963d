import { z } from "zod";
import { defineEvent } from "./event-type.ts";

/** One page of a run's selection is to be read. */
export const selectionPageRequested = defineEvent(
  "selection.page.requested",
  1,
  {
    campaign: z.string(),
    run: z.int().positive(),
    /** Which part of the selection plan, counted from 0. */
    part: z.int().nonnegative(),
    /** Where the page begins; absent on the first page of a part. */
    cursor: z.string().optional(),
  },
  ({ campaign, run }) => `${campaign}/${run}`,
);
