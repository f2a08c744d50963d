import type { Database } from "#shared/adapters/postgres/database.ts";
import type { Clock } from "#shared/ports/clock.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Logger } from "./logger.ts";

/** What every process has, whatever its functions need. */
export interface Foundation {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Logger;
  readonly dispatcher: Dispatcher;
}
