/** The database and the migrations of this code do not fit together; the message says which file and what to do. */
export class MigrationRefused extends Error {
  override readonly name = "MigrationRefused";
}
