import { access } from "./access.ts";
import type { Difference } from "./difference.ts";
import { leniency } from "./leniency.ts";
import { missing } from "./missing.ts";
import { silence } from "./silence.ts";

/**
 * What `emulate@0.12.2` cannot do, or does otherwise than GitHub documents. GitHub's documentation wins: nothing in our
 * product follows the emulator here.
 */
export const cannot: readonly Difference[] = [...missing, ...access, ...leniency, ...silence];
