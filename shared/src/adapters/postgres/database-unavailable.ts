/** The database cannot be reached or used right now; the message names where it was looked for, never the password. */
export class DatabaseUnavailable extends Error {
  override readonly name = "DatabaseUnavailable";
}
