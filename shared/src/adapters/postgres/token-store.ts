import type { TokenStore } from "#shared/tokens/token-store.ts";
import { rowsOf, write, type Sql } from "./sql.ts";

export function createTokenStore(sql: Sql): TokenStore {
  return {
    async find(key, now) {
      const [row] = await rowsOf<{ readonly sealed: string }>(
        sql,
        "SELECT sealed FROM installation_tokens WHERE key = :key AND expires_at > :now",
        { key, now },
      );
      return row?.sealed;
    },
    async save({ key, sealed, expiresAt }, now) {
      await write(
        sql,
        // Those that another save is about to replace are its business: two must not wait for each other.
        `WITH expired AS (
           SELECT key FROM installation_tokens WHERE expires_at <= :now AND key <> :key FOR UPDATE SKIP LOCKED
         ), gone AS (
           DELETE FROM installation_tokens USING expired WHERE installation_tokens.key = expired.key
         )
         INSERT INTO installation_tokens (key, sealed, expires_at) VALUES (:key, :sealed, :expiresAt)
         ON CONFLICT (key) DO UPDATE SET sealed = :sealed, expires_at = :expiresAt`,
        { key, sealed, expiresAt, now },
      );
    },
  };
}
