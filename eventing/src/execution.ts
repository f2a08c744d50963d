import { z } from "zod";
import { defineEvent } from "./event-type.ts";

const data = { executionId: z.string(), attempt: z.int().positive() };

/** An execution's transform is to be run in the sandbox. */
export const executionRequested = defineEvent("execution.requested", 1, data, ({ executionId }) => executionId);

/** An execution's transform has ended and left its result in the blob store. */
export const executionReported = defineEvent("execution.reported", 1, data, ({ executionId }) => executionId);

/** An execution's transform is no longer wanted: it is to be ended if it runs. */
export const executionCancelled = defineEvent("execution.cancelled", 1, data, ({ executionId }) => executionId);
