import { Conflict, Rejected } from "#shared/errors.ts";
import type { Changeset, ChangesetState, Desired } from "#shared/changeset/changeset.ts";
import type { ChangesetStore, SlotAnswer, SlotRequest, SlotStore } from "#shared/changeset/changeset-store.ts";
import type { RepositoryRef } from "#shared/ports/code-host.ts";
import { prepared, rowsOf, write, type Sql } from "./sql.ts";

interface ChangesetRow {
  readonly id: string;
  readonly campaign: string;
  readonly repository: RepositoryRef;
  readonly workspace: string;
  readonly base_branch: string;
  readonly desired: Desired;
  readonly state: ChangesetState;
  readonly version: number;
}

const selectChangesets = prepared(
  "SELECT id, campaign, repository, workspace, base_branch, desired, state, version FROM changesets WHERE id = ANY(:ids)",
);

export function createChangesetStore(sql: Sql): ChangesetStore {
  async function find(ids: readonly string[]): Promise<ReadonlyMap<string, Changeset>> {
    const rows = await rowsOf<ChangesetRow>(sql, selectChangesets, { ids });
    return new Map(rows.map((row) => [row.id, changesetFrom(row)]));
  }

  return {
    find,

    async get(id) {
      const changeset = (await find([id])).get(id);
      if (changeset === undefined) throw new Rejected("not-found", `There is no changeset ${id}.`);
      return changeset;
    },

    async ofCampaign(campaign) {
      const rows = await rowsOf<ChangesetRow>(sql, "SELECT * FROM changesets WHERE campaign = :campaign ORDER BY id", {
        campaign,
      });
      return rows.map(changesetFrom);
    },

    async ofRepository(campaign, repositoryId) {
      const rows = await rowsOf<ChangesetRow>(
        sql,
        "SELECT * FROM changesets WHERE campaign = :campaign AND repository_id = :repositoryId ORDER BY workspace",
        { campaign, repositoryId },
      );
      return rows.map(changesetFrom);
    },

    async publishedAs(repositoryId, what) {
      const rows =
        "branch" in what
          ? await rowsOf<ChangesetRow>(
              sql,
              "SELECT * FROM changesets WHERE repository_id = :repositoryId AND branch = :branch",
              { repositoryId, branch: what.branch },
            )
          : await rowsOf<ChangesetRow>(
              sql,
              "SELECT * FROM changesets WHERE repository_id = :repositoryId AND pull_request = :pullRequest",
              { repositoryId, pullRequest: what.pullRequest },
            );
      return rows.map(changesetFrom);
    },

    async addAll(changesets, at) {
      const written = await write(
        sql,
        prepared(`INSERT INTO changesets
           (id, campaign, repository, repository_id, workspace, base_branch, desired, status, state, updated_at)
         SELECT id, campaign, repository, (repository ->> 'id')::bigint, workspace, "baseBranch", desired,
                state ->> 'status', state, :at
         FROM jsonb_to_recordset(CAST(:changesets AS jsonb)) AS changeset (
           id text, campaign text, repository jsonb, workspace text, "baseBranch" text, desired jsonb, state jsonb)
         ON CONFLICT DO NOTHING`),
        { changesets: JSON.stringify(changesets), at },
      );
      if (written !== changesets.length) throw new Conflict("somebody else made one of these changesets");
    },

    async saveAll(changesets, at) {
      const written = await write(
        sql,
        `UPDATE changesets
         SET repository = saved.repository, base_branch = saved."baseBranch", desired = saved.desired,
             status = saved.state ->> 'status', state = saved.state, updated_at = :at, version = changesets.version + 1
         FROM jsonb_to_recordset(CAST(:changesets AS jsonb)) AS saved (
           id text, repository jsonb, "baseBranch" text, desired jsonb, state jsonb, version integer)
         WHERE changesets.id = saved.id AND changesets.version = saved.version`,
        { changesets: JSON.stringify(changesets), at },
      );
      if (written !== changesets.length) throw new Conflict("somebody else wrote one of these changesets");
    },

    async checked(id, at) {
      await write(sql, "UPDATE changesets SET checked_at = :at WHERE id = :id", { id, at });
    },

    async uncheckedSince(before, limit) {
      const rows = await rowsOf<ChangesetRow>(
        sql,
        `SELECT * FROM changesets
         WHERE pull_request IS NOT NULL AND status <> 'merged' AND coalesce(checked_at, updated_at) < :before
         ORDER BY checked_at NULLS FIRST, id LIMIT :limit`,
        { before, limit },
      );
      return rows.map(changesetFrom);
    },
  };
}

export function createSlotStore(sql: Sql): SlotStore {
  async function room({ changesetId, organization, campaign, day, cap }: Omit<SlotRequest, "at">): Promise<SlotAnswer> {
    const [count] = await rowsOf<{
      readonly mine: number;
      readonly organization: number;
      readonly campaign: number;
    }>(
      sql,
      `SELECT count(*) FILTER (WHERE changeset_id = :changesetId AND NOT used) AS mine,
              count(*) FILTER (WHERE organization = :organization) AS organization,
              count(*) FILTER (WHERE campaign = :campaign) AS campaign
       FROM publish_slots WHERE day = :day AND (organization = :organization OR campaign = :campaign)`,
      { changesetId, organization: organization.toLowerCase(), campaign, day },
    );
    if (count === undefined) throw new TypeError("an aggregate answers one row");
    if (count.mine > 0) return "reserved";
    if (count.organization >= cap.organization) return "organization-full";
    return cap.campaign !== undefined && count.campaign >= cap.campaign ? "campaign-full" : "free";
  }

  return {
    room,

    async reserve(request) {
      const { changesetId, campaign, day, cap, at } = request;
      const organization = request.organization.toLowerCase();
      // Counting and taking must not interleave with another worker's: one at a time in an organization, and in a
      // campaign with a cap of its own, which may reach over several. Always in this order, so that none waits in a circle.
      const shared = [`organization:${organization}`, ...(cap.campaign === undefined ? [] : [`campaign:${campaign}`])];
      for (const key of shared) {
        await rowsOf(sql, "SELECT pg_advisory_xact_lock(hashtextextended('publish_slots.' || :key, 0))", { key });
      }
      await write(sql, "DELETE FROM publish_slots WHERE changeset_id = :changesetId AND day < :day AND NOT used", {
        changesetId,
        day,
      });
      const answer = await room(request);
      if (answer !== "free") return answer;
      await write(
        sql,
        `INSERT INTO publish_slots (changeset_id, organization, campaign, day, reserved_at)
         VALUES (:changesetId, :organization, :campaign, :day, :at)`,
        { changesetId, organization, campaign, day, at },
      );
      return "reserved";
    },

    async used(changesetId) {
      await write(sql, "UPDATE publish_slots SET used = true WHERE changeset_id = :changesetId AND NOT used", {
        changesetId,
      });
    },

    async giveBack(changesetId) {
      await write(sql, "DELETE FROM publish_slots WHERE changeset_id = :changesetId AND NOT used", { changesetId });
    },
  };
}

function changesetFrom(row: ChangesetRow): Changeset {
  return {
    id: row.id,
    campaign: row.campaign,
    repository: row.repository,
    workspace: row.workspace,
    baseBranch: row.base_branch,
    desired: row.desired,
    state: row.state,
    version: row.version,
  };
}
