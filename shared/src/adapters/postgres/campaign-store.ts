import type { Campaign, CampaignState } from "#shared/campaign/campaign.ts";
import {
  CampaignHeld,
  type CampaignStore,
  type MutationGate,
  type NewSpecVersion,
  type SpecVersion,
} from "#shared/campaign/campaign-store.ts";
import { assertAlive } from "#shared/campaign/campaign.ts";
import { Conflict, Rejected } from "#shared/errors.ts";
import type { Spec } from "#shared/spec/spec.ts";
import { rowsOf, write, type Sql } from "./sql.ts";

interface CampaignRow {
  readonly name: string;
  readonly status: CampaignState["status"];
  readonly current_version: number;
  readonly created_at: Date;
  readonly version: number;
}

interface SpecVersionRow {
  readonly campaign: string;
  readonly number: number;
  readonly raw: string;
  readonly normalized: string;
  readonly spec_hash: string;
  readonly steps_hash: string;
  readonly applied_by: string;
  readonly applied_at: Date;
}

/** How many are kept in memory: those of the campaigns that are under way. */
const versionsKept = 20;

export function createCampaignStore(sql: Sql): CampaignStore {
  async function find(name: string): Promise<Campaign | undefined> {
    const [row] = await rowsOf<CampaignRow>(sql, "SELECT * FROM campaigns WHERE name = :name", { name });
    return row && campaignFrom(row);
  }

  /** A version never changes. */
  const versions = new Map<string, SpecVersion>();

  async function specVersion(campaign: string, number: number): Promise<SpecVersion> {
    const key = `${campaign}/${number}`;
    const version = versions.get(key) ?? (await readSpecVersion(campaign, number));
    // The one that was used the longest ago goes first.
    versions.delete(key);
    versions.set(key, version);
    for (const [oldest] of [...versions].slice(0, -versionsKept)) versions.delete(oldest);
    return version;
  }

  async function readSpecVersion(campaign: string, number: number): Promise<SpecVersion> {
    const [row] = await rowsOf<SpecVersionRow>(
      sql,
      "SELECT * FROM spec_versions WHERE campaign = :campaign AND number = :number",
      { campaign, number },
    );
    if (row === undefined) throw new Rejected("not-found", `Campaign ${campaign} has no spec version ${number}.`);
    return specVersionFrom(row);
  }

  return {
    async get(name) {
      const campaign = await find(name);
      if (campaign === undefined) {
        throw new Rejected("not-found", `There is no campaign ${name}. Apply its spec first: octobatch apply FILE.`);
      }
      return campaign;
    },

    async list() {
      const rows = await rowsOf<CampaignRow>(sql, "SELECT * FROM campaigns ORDER BY created_at DESC, name");
      return rows.map(campaignFrom);
    },

    async apply(version) {
      await write(
        sql,
        `INSERT INTO campaigns (name, status, current_version, created_at, updated_at)
         VALUES (:campaign, 'active', 1, :appliedAt, :appliedAt) ON CONFLICT (name) DO NOTHING`,
        { campaign: version.campaign, appliedAt: version.appliedAt },
      );
      // Two people who apply at once take turns here, so that each version gets its own number.
      const [row] = await rowsOf<CampaignRow>(sql, "SELECT * FROM campaigns WHERE name = :name FOR UPDATE", {
        name: version.campaign,
      });
      if (row === undefined) throw new Conflict(`campaign ${version.campaign} vanished while it was applied`);
      assertAlive(campaignFrom(row));
      const [newest] = await rowsOf<SpecVersionRow>(
        sql,
        "SELECT * FROM spec_versions WHERE campaign = :campaign ORDER BY number DESC LIMIT 1",
        { campaign: version.campaign },
      );
      if (newest?.spec_hash === version.specHash) return { version: specVersionFrom(newest), changed: false };
      const number = (newest?.number ?? 0) + 1;
      await insertSpecVersion(sql, version, number);
      await write(
        sql,
        `UPDATE campaigns SET current_version = :number, updated_at = :appliedAt, version = version + 1
         WHERE name = :campaign`,
        { campaign: version.campaign, number, appliedAt: version.appliedAt },
      );
      return { version: { ...version, number }, changed: true };
    },

    async save(campaign, at) {
      // It waits for the mutations that have begun, see createMutationGate.
      await sql.raw(waitForMutations);
      await rowsOf(sql, `SELECT pg_advisory_xact_lock(${gateKey})`, { campaign: campaign.name });
      const written = await write(
        sql,
        `UPDATE campaigns SET status = :status, updated_at = :at, version = version + 1
         WHERE name = :name AND version = :version`,
        { name: campaign.name, status: campaign.state.status, version: campaign.version, at },
      );
      if (written === 0) throw new Conflict(`campaign ${campaign.name} was changed by somebody else`);
    },

    specVersion,

    async specVersions(campaign) {
      const rows = await rowsOf<SpecVersionRow>(
        sql,
        "SELECT * FROM spec_versions WHERE campaign = :campaign ORDER BY number",
        { campaign },
      );
      return rows.map(specVersionFrom);
    },
  };
}

/** Mutations take as long as GitHub takes, and whoever waits for them has to wait longer than for a row. */
const waitForMutations = "SET LOCAL lock_timeout = '60s'; SET LOCAL statement_timeout = '60s'";
const gateKey = "hashtextextended('campaign.mutations:' || :campaign, 0)";

/**
 * A mutation runs under a lock of its campaign that mutations share; whoever pauses or kills takes it alone, and so waits
 * for the mutations that have begun. Not the row's lock: those who share that one overtake whoever waits to write it, and
 * a campaign at full speed could not be paused. The connection is held for as long as the mutation takes.
 */
export function createMutationGate(sql: Sql): MutationGate {
  return {
    whileActive: (campaign, mutation) =>
      sql.transaction(async (transaction) => {
        await transaction.raw(waitForMutations);
        await rowsOf(transaction, `SELECT pg_advisory_xact_lock_shared(${gateKey})`, { campaign });
        // A statement of its own: it sees what was committed before the lock was given.
        const [row] = await rowsOf<Pick<CampaignRow, "status">>(
          transaction,
          "SELECT status FROM campaigns WHERE name = :campaign",
          { campaign },
        );
        if (row === undefined) throw new Rejected("not-found", `There is no campaign ${campaign}.`);
        if (row.status !== "active") throw new CampaignHeld(campaign, row.status);
        return mutation();
      }),
  };
}

async function insertSpecVersion(sql: Sql, version: NewSpecVersion, number: number): Promise<void> {
  const { campaign, raw, normalized, specHash, stepsHash, appliedBy, appliedAt } = version;
  await write(
    sql,
    `INSERT INTO spec_versions (campaign, number, raw, normalized, spec_hash, steps_hash, applied_by, applied_at)
     VALUES (:campaign, :number, :raw, :normalized, :specHash, :stepsHash, :appliedBy, :appliedAt)`,
    { campaign, number, raw, normalized, specHash, stepsHash, appliedBy, appliedAt },
  );
}

function campaignFrom(row: CampaignRow): Campaign {
  return {
    name: row.name,
    state: { status: row.status },
    currentVersion: row.current_version,
    createdAt: row.created_at,
    version: row.version,
  };
}

function specVersionFrom(row: SpecVersionRow): SpecVersion {
  return {
    campaign: row.campaign,
    number: row.number,
    raw: row.raw,
    // Written by parseSpec and never edited; versions of the spec's format are told apart by its `version`.
    spec: JSON.parse(row.normalized) as Spec,
    specHash: row.spec_hash,
    stepsHash: row.steps_hash,
    appliedBy: row.applied_by,
    appliedAt: row.applied_at,
  };
}
