/** The embedded Postgres cannot be started; the message says why and what to do. */
export class EmbeddedPostgresUnavailable extends Error {
  override readonly name = "EmbeddedPostgresUnavailable";
}
