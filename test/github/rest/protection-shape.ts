import type { Site } from "../site.ts";
import { fullName, type BranchProtection, type Repository } from "../state/repository.ts";

/** What a branch says about its protection. */
export function protectionSummary(protection: BranchProtection | undefined): Record<string, unknown> {
  const checks = protection?.requiredStatusChecks ?? [];
  return {
    enabled: protection !== undefined,
    required_status_checks: {
      enforcement_level: checks.length > 0 ? "non_admins" : "off",
      contexts: checks,
      checks: checks.map((context) => ({ context, app_id: null })),
    },
  };
}

/** `branch-protection` of the OpenAPI description. */
export function protectionShape(
  site: Site,
  repository: Repository,
  branch: string,
  protection: BranchProtection,
): Record<string, unknown> {
  const url = `${site.urls.repository(repository)}/branches/${branch}/protection`;
  const reviews = {
    url: `${url}/required_pull_request_reviews`,
    dismiss_stale_reviews: false,
    require_code_owner_reviews: false,
    required_approving_review_count: protection.requiredApprovals,
    require_last_push_approval: false,
  };
  const checks = protection.requiredStatusChecks;
  return {
    url,
    ...(protection.requiredApprovals > 0 ? { required_pull_request_reviews: reviews } : {}),
    ...(checks.length > 0
      ? {
          required_status_checks: {
            url: `${url}/required_status_checks`,
            strict: false,
            contexts: checks,
            contexts_url: `${url}/required_status_checks/contexts`,
            checks: checks.map((context) => ({ context, app_id: null })),
          },
        }
      : {}),
    enforce_admins: { url: `${url}/enforce_admins`, enabled: true },
    required_linear_history: { enabled: false },
    allow_force_pushes: { enabled: protection.allowForcePushes },
    allow_deletions: { enabled: protection.allowDeletions },
    block_creations: { enabled: protection.blocksCreation },
    required_conversation_resolution: { enabled: false },
  };
}

/** The rules that apply to a branch, existing or not, as if its protection were a ruleset. */
export function rulesOf(
  repository: Repository,
  protection: BranchProtection | undefined,
): readonly Record<string, unknown>[] {
  if (protection === undefined) return [];
  const ruleset = {
    ruleset_source_type: "Repository",
    ruleset_source: fullName(repository),
    ruleset_id: repository.id,
  };
  const checks = protection.requiredStatusChecks.map((context) => ({ context }));
  const reviews = {
    dismiss_stale_reviews_on_push: false,
    require_code_owner_review: false,
    require_last_push_approval: false,
    required_approving_review_count: protection.requiredApprovals,
    required_review_thread_resolution: false,
  };
  return [
    ...(protection.blocksCreation ? [{ type: "creation", ...ruleset }] : []),
    ...(protection.allowDeletions ? [] : [{ type: "deletion", ...ruleset }]),
    ...(protection.allowForcePushes ? [] : [{ type: "non_fast_forward", ...ruleset }]),
    ...(protection.requiredApprovals > 0 ? [{ type: "pull_request", parameters: reviews, ...ruleset }] : []),
    ...(checks.length > 0
      ? [
          {
            type: "required_status_checks",
            parameters: { required_status_checks: checks, strict_required_status_checks_policy: false },
            ...ruleset,
          },
        ]
      : []),
  ];
}
