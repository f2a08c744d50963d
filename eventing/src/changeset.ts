import { z } from "zod";
import { defineEvent } from "./event-type.ts";

const data = { changesetId: z.string() };

/** A changeset's patch is to be published as a pull request. */
export const changesetReady = defineEvent("changeset.ready", 1, data, ({ changesetId }) => changesetId);

/** Something may have happened to a changeset's pull request: compare it with the code host. */
export const changesetNudged = defineEvent("changeset.nudged", 1, data, ({ changesetId }) => changesetId);
